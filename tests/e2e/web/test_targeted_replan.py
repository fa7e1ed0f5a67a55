"""A plan is made again for some of its resources, and no others are changed."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.support.run_page import address, decide, shows


def test_a_plan_is_made_again_for_what_was_chosen(person, site, planned):
    page = person.open(address(planned, "/changes"))
    again = page.get_by_role("button", name=re.compile("Plan these alone"))
    expect(again).to_have_attribute("aria-description", "Choose the resources first.")

    page.get_by_label("Address").fill("network")
    expect(page.get_by_text("1 of 2 resources")).to_be_visible()
    page.get_by_role("button", name="Choose all shown").click()
    again.click()
    dialog = page.get_by_role("dialog", name="Plan these alone?")
    expect(dialog).to_contain_text("The chosen resources, as planned now: 1 to add.")
    expect(dialog.get_by_role("region", name="Chosen resources")).to_have_text(
        "terraform_data.network"
    )
    dialog.get_by_role("button", name="Plan again").click()

    expect(page.get_by_text("This plan was made for 1 address only")).to_be_visible()
    shows(page, "replan requested")
    site.api.wait_for(planned[1], "UNCONFIRMED")
    decide(page, "Confirm", "Apply this plan?")
    shows(page, "finished")
    managed = site.look(planned[0], "entities { address }")["entities"]
    assert [one["address"] for one in managed if "terraform_data" in one["address"]] == [
        "terraform_data.network"
    ]
