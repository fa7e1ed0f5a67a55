"""A fresh installation is set up; keys open it until they are deleted; sessions end when told."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.support.api_client import Api
from tests.support.platform import ADMIN, PASSWORD, Platform, Process, wait_until_ready

KEY_USER = "mutation ($id: ID!, $secret: String!) { apiKeyUser(id: $id, secret: $secret) { jwt } }"


@pytest.fixture(scope="module")
def fresh(new_platform) -> Iterator[tuple[Platform, Process]]:
    """A server alone on an empty database: nobody has named the account."""
    platform = new_platform()
    server = platform.start_server()
    wait_until_ready(server)
    yield platform, server
    platform.stop()


def test_the_first_to_sign_in_names_the_account_and_is_led_on(fresh, visit):
    platform, server = fresh
    person = visit(server.address, signed_in=False)
    page = person.open("/")
    page.get_by_label("User name").fill(ADMIN)
    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("heading", name="Set up Gantry")).to_be_visible()
    checks = page.get_by_role("list", name="Checks of the installation")
    for what in (
        "database: PostgreSQL",
        "encryption key: opens",
        "storage: ",
        "broker ",
        "clock: ",
    ):
        expect(checks.get_by_role("listitem").filter(has_text=what)).not_to_have_count(0)
    assert person.barriers_in_every_look() == []
    # Before the account has a name, errors are explained all the same.
    page = person.open("/help/errors/BAD_ACCOUNT_NAME")
    expect(page.get_by_role("heading", name="BAD_ACCOUNT_NAME")).to_be_visible()
    page.get_by_role("link", name="To the set-up").click()
    name = page.get_by_label("Account name")
    name.fill("-no")
    expect(page.get_by_role("img", name="Not yet")).to_have_count(1)
    name.fill("acme")
    expect(page.get_by_role("img", name="Kept")).to_have_count(3)
    page.get_by_role("button", name="Name it acme").click()

    expect(page).to_have_url(re.compile("/launchpad$"))
    steps = page.get_by_role("region", name="Launchpad").get_by_role("listitem")
    done = steps.filter(has=page.get_by_role("img", name="Done"))
    expect(done).to_have_text(["Name the account"])
    assert person.barriers() == []
    assert platform.rows("select name from account") == [("acme",)]
    # Nobody is asked twice.
    expect(person.open("/setup")).to_have_url(re.compile("/$"))


def test_a_page_says_when_nobody_can_sign_in_with_a_password(fresh, visit):
    platform, _ = fresh
    server = platform.start_server(ADMIN_USERNAME="", ADMIN_PASSWORD="")
    wait_until_ready(server)

    page = visit(server.address, signed_in=False).open("/sign-in")

    expect(page.get_by_role("alert")).to_contain_text(
        "ADMIN_USERNAME and ADMIN_PASSWORD are not set"
    )
    expect(page.get_by_role("button", name="Sign in")).to_have_count(0)


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
