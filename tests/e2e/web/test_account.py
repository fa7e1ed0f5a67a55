"""Keys open an installation until they are deleted; sessions end when somebody ends them."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.support.api_client import Api

KEY_USER = "mutation ($id: ID!, $secret: String!) { apiKeyUser(id: $id, secret: $secret) { jwt } }"


def test_a_key_is_shown_once_opens_the_api_and_is_deleted(site, person):
    page = person.open("/access/api-keys")
    page.get_by_role("button", name="Create API key").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="Name").fill("night builds")
    dialog.get_by_role("radio", name="Everything").check()
    dialog.get_by_role("button", name="Create the key").click()
    secret = dialog.get_by_role("textbox", name="Secret").input_value()
    key_id = dialog.get_by_role("textbox", name="Key id").input_value()
    site.platform.secrets.add(secret)
    dialog.get_by_role("button", name="I have kept it").click()

    row = page.get_by_role("row").filter(has_text="night builds")
    expect(row).to_contain_text("everything")
    expect(page.get_by_text(secret)).to_have_count(0)
    nobody = Api(site.server.address)
    token = nobody.ask(KEY_USER, id=key_id, secret=secret)["apiKeyUser"]["jwt"]
    robot = Api(site.server.address, token)
    assert robot.ask("{ viewer { id } }") == {"viewer": {"id": key_id}}

    page.reload()
    page.get_by_role("button", name="Delete night builds").click()
    expect(dialog).to_contain_text("1 session that is open with it now ends too")
    dialog.get_by_role("button", name="Delete the key").click()
    expect(row).to_have_count(0)
    assert nobody.ask(KEY_USER, id=key_id, secret=secret)["apiKeyUser"] is None
    assert robot.expect_error("{ stacks { id } }").code == "UNAUTHENTICATED"


def test_whoever_loses_the_session_is_asked_to_sign_in(site, visit):
    page = visit(site.server.address).open("/account/sessions")
    rows = page.get_by_role("table", name="Sessions").get_by_role("row")
    expect(rows.filter(has_text="this one")).to_have_count(1)
    before = rows.count()
    theirs = visit(site.server.address).open("/stacks")
    expect(theirs.get_by_role("heading", name="Stacks")).to_be_visible()
    # Nobody has to look again to see who came.
    expect(rows).to_have_count(before + 1)

    # The newest comes first, and nobody signed in after them.
    rows.nth(1).get_by_role("button", name="End the session of admin").click()
    page.get_by_role("dialog").get_by_role("button", name="End it").click()
    expect(page.get_by_role("dialog")).to_have_count(0)

    theirs.get_by_role("link", name="Workers").click()
    expect(theirs.get_by_label("User name")).to_be_visible()
    page.get_by_role("link", name="Workers").click()
    expect(page.get_by_role("heading", name="Workers")).to_be_visible()
