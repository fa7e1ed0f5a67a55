"""Views of a list that somebody keeps: for themselves, and for everybody."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.support.browser import PHONE

NARROWED = "/stacks?f.label=story:kept&sort=-name&columns=name,state"


def views(page: Page) -> None:
    page.get_by_role("button", name="Views", exact=True).click()


def test_a_view_is_kept_found_again_shared_renamed_and_deleted(person, visit, site):
    code = site.repository({"main.tf": ""})
    for number in (1, 2):
        site.stack(code, name=f"kept {number}", labels=["story:kept"])
    site.stack(code, name="not kept")
    page = person.open(NARROWED)
    rows = page.get_by_role("link", name=re.compile("kept"))
    expect(rows).to_have_text(["kept 2", "kept 1"])

    views(page)
    expect(page.get_by_text("No saved view yet")).to_be_visible()
    page.get_by_role("button", name="Save this view").click()
    dialog = page.get_by_role("dialog", name="Save this view")
    save = dialog.get_by_role("button", name="Save the view")
    expect(save).to_have_attribute("aria-description", "Give the view a name first.")
    assert person.barriers() == []
    dialog.get_by_role("textbox", name="Name").fill("What is kept")
    dialog.get_by_role("textbox", name="Name").press("Enter")
    expect(page.get_by_role("alert").filter(has_text="What is kept is saved")).to_be_visible()

    page.get_by_role("button", name="Show all").click()
    expect(rows).to_have_count(3)
    views(page)
    page.get_by_role("button", name="What is kept").click()
    expect(rows).to_have_text(["kept 2", "kept 1"])
    expect(page).to_have_url(re.compile(r"f\.label=story%3Akept&sort=-name&columns=name%2Cstate$"))
    views(page)
    expect(
        page.get_by_role("button", name="What is kept").get_by_label("Shown now")
    ).to_be_visible()

    page.get_by_role("button", name="Change saved views").click()
    one = page.get_by_role("dialog").get_by_role("form", name="What is kept")
    one.get_by_role("switch", name="For everybody").click()
    expect(one.get_by_role("switch", name="For everybody")).to_be_checked()
    one.get_by_role("textbox", name="Name").fill("Kept for all")
    one.get_by_role("button", name="Rename").click()
    one = page.get_by_role("dialog").get_by_role("form", name="Kept for all")
    expect(one).to_be_visible()
    found = site.api.ask('{ savedFilters(type: "stacks") { name isPublic } }')["savedFilters"]
    assert found == [{"name": "Kept for all", "isPublic": True}]

    for scheme in ("light", "dark"):
        other = visit(site.server.address, color_scheme=scheme, viewport=PHONE)
        there = other.open("/stacks")
        views(there)
        assert other.barriers() == []
        there.get_by_role("button", name="Kept for all").click()
        expect(there.get_by_role("link", name=re.compile("^kept"))).to_have_text(
            ["kept 2", "kept 1"]
        )

    one.get_by_role("button", name="Delete").click()
    confirm = page.get_by_role("dialog", name="Delete the view Kept for all?")
    confirm.get_by_role("button", name="Delete the view").click()
    expect(page.get_by_text("There is none any more")).to_be_visible()
    assert site.api.ask("{ savedFilters { id } }") == {"savedFilters": []}
