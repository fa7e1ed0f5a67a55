"""Notifications in the browser: the bell counts them, and administrators dismiss them."""

from __future__ import annotations

import re

from playwright.sync_api import expect

CODE = 'resource "terraform_data" "it" {}\n'
MAKE = """
mutation ($input: StackInput!) {
  stackCreate(input: $input, manageState: true) { sourceProblem }
}
"""
DISMISS = "mutation { dismissAllNotifications }"


def broken(site, name: str) -> None:
    """A stack whose branch is nowhere."""
    source = site.repository({"main.tf": CODE})
    wanted = {
        "name": name,
        "administrative": False,
        "branch": "nowhere",
        "repository": "code",
        "provider": "GIT",
        "repositoryURL": source.url,
        "workerPool": site.pool.id,
    }
    assert site.api.ask(MAKE, input=wanted)["stackCreate"]["sourceProblem"]


def test_the_bell_rings_and_what_it_rang_for_is_dismissed(site, person):
    site.api.ask(DISMISS)
    page = person.open("/stacks")
    expect(page.get_by_role("link", name="Notifications", exact=True)).to_be_visible()

    for name in ("first of three", "second of three", "third of three"):
        broken(site, name)
    page.get_by_role("link", name="Notifications: 3 open").click()

    table = page.get_by_role("table", name="Notifications")
    expect(table.get_by_role("row")).to_have_count(4)
    expect(table).to_contain_text("warning")
    assert person.barriers() == []
    row = table.get_by_role("row").filter(has_text="second of three")
    row.get_by_role("button", name=re.compile("^Dismiss")).click()
    expect(table.get_by_role("row")).to_have_count(3)
    expect(page.get_by_role("link", name="Notifications: 2 open")).to_be_visible()

    page.get_by_role("button", name="Dismiss all", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Every open notification")
    dialog.get_by_role("button", name="Dismiss all", exact=True).click()
    expect(page.get_by_text("Nothing needs you")).to_be_visible()
    expect(page.get_by_role("link", name="Notifications", exact=True)).to_be_visible()

    page.get_by_role("button", name="Show dismissed ones").click()
    expect(table.get_by_role("row").filter(has_text="second of three")).to_contain_text(
        "dismissed by admin::"
    )
