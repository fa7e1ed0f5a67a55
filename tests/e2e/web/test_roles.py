"""The pages of roles: composed of actions, changed, and deleted once nobody has them."""

from __future__ import annotations

import re

from playwright.sync_api import expect

ROLES = "{ roles { name actions } }"


def actions_of(site, name: str) -> list[str] | None:
    found = {one["name"]: one["actions"] for one in site.api.ask(ROLES)["roles"]}
    actions: list[str] | None = found.get(name)
    return actions


def test_a_role_is_composed_of_actions_changed_and_deleted(site, person):
    page = person.open("/access/roles")
    page.get_by_role("button", name="Create role").click()
    expect(page.get_by_role("heading", name="Create a role")).to_be_visible()
    page.get_by_role("textbox", name="Name").fill("night watch")
    page.get_by_role("button", name="Reader").click()
    expect(page.get_by_text("SPACE_READ brings along")).to_be_visible()

    page.get_by_role("searchbox", name="Find an action").fill("lock a stack,")
    page.get_by_role("checkbox", name="Lock", exact=True).check()
    page.get_by_role("searchbox", name="Find an action").fill("comment on a run")
    # What the level brings along is there already.
    comment = page.get_by_role("checkbox", name="Comment", exact=True)
    expect(comment).to_be_checked()
    expect(comment).to_be_disabled()
    page.get_by_role("button", name="Create the role").click()

    expect(page.get_by_role("heading", name="night watch", level=1)).to_be_visible()
    expect(
        page.get_by_text("Lock a stack, so that it takes runs from nobody else.")
    ).to_be_visible()
    assert actions_of(site, "night watch") == ["SPACE_READ", "STACK_LOCK"]

    page.get_by_role("button", name="Edit").click()
    page.get_by_role("checkbox", name="Lock", exact=True).uncheck()
    page.get_by_role("button", name="Save").click()
    # The page before is called "Edit role night watch".
    expect(page.get_by_role("heading", name="night watch", level=1, exact=True)).to_be_visible()
    assert actions_of(site, "night watch") == ["SPACE_READ"]

    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Delete the role").click()
    expect(page).to_have_url(re.compile("/access/roles$"))
    assert actions_of(site, "night watch") is None


def test_a_role_of_the_system_says_that_nobody_changes_it(person):
    page = person.open("/access/roles")
    page.get_by_role("link", name="Space writer").click()

    expect(page.get_by_role("heading", name="Space writer", level=1)).to_be_visible()
    why = re.compile("a role of the system")
    for name in ("Edit", "Delete"):
        button = page.get_by_role("button", name=name, exact=True)
        expect(button).to_have_attribute("aria-description", why)


def test_whoever_leaves_a_role_that_is_not_saved_is_asked(person):
    page = person.open("/new/role")
    page.get_by_role("textbox", name="Name").fill("half a role")

    page.get_by_role("link", name="All roles").click()

    dialog = page.get_by_role("dialog", name="Leave without saving?")
    expect(dialog).to_contain_text("Changed and not saved: name")
    dialog.get_by_role("button", name="Stay").click()
    expect(page.get_by_role("textbox", name="Name")).to_have_value("half a role")


def test_the_account_says_what_one_may_do_and_why(person):
    page = person.open("/account")
    page.get_by_role("link", name="What you may do, and why").click()

    everywhere = page.get_by_role("region", name="Everywhere")
    expect(everywhere).to_contain_text("you may do everything, in every space")
    everywhere.get_by_text("What that lets you do").click()
    expect(everywhere.get_by_text("Confirm a plan, so that it is applied.")).to_be_visible()
