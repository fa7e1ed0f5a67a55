"""Back to an earlier state, by the page alone, and what that leaves."""

from __future__ import annotations

import re

from playwright.sync_api import expect


def test_the_page_leads_from_an_earlier_state_to_it_being_the_current_one(visit, site, applied):
    stack, _ = applied
    before = site.versions(stack)
    serial, version, _ = before[0]
    person = visit(site.server.address)
    page = person.open(f"/stack/{stack}/state")
    page.get_by_role("button", name=f"More for serial {serial}", exact=True).click()
    page.get_by_role("menuitem", name="Roll back to this state").click()

    expect(page.get_by_text("What will not be undone:")).to_be_visible()
    expect(page.get_by_role("table", name="Attributes of terraform_data.size")).to_be_visible()
    expect(page.get_by_role("button", name=f"Roll back to serial {serial}")).to_have_attribute(
        "aria-description", re.compile("Lock the stack first")
    )
    assert person.barriers() == []
    page.get_by_role("button", name="Lock the stack", exact=True).click()
    page.get_by_text("You locked it").wait_for()
    page.get_by_role("button", name=f"Roll back to serial {serial}").click()
    page.get_by_role("dialog").get_by_role("button", name="Roll back").click()
    expect(page.get_by_text(re.compile(r"The state is serial \d+ now"))).to_be_visible()
    page.get_by_role("button", name="Unlock the stack").click()
    expect(page.get_by_role("button", name="Unlock the stack")).to_have_attribute(
        "aria-description", "It is not locked."
    )
    page.get_by_role("button", name="All states").click()
    expect(page.get_by_role("table", name="States")).to_contain_text(
        f"rolled back to serial {serial}"
    )

    *kept, (newest, _, _) = site.versions(stack)
    assert kept == before
    assert newest > before[-1][0]
    assert site.look(stack, "isStateRollback lockedAt") == {
        "isStateRollback": True,
        "lockedAt": None,
    }
    assert site.platform.rows(
        "select rollback_of from state_version where stack_id = %s and serial = %s", stack, newest
    ) == [(version,)]
