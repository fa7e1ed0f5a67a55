"""A plan is read, and confirmed or discarded by whoever has read it."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.support.run_page import address, decide, history, shows
from tests.support.site import states


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_plan_is_read_and_confirmed_with_a_note(visit, site, planned, scheme):
    person = visit(site.server.address, color_scheme=scheme)
    page = person.open(address(planned, "/changes"))

    page.get_by_role("checkbox", name="Choose terraform_data.network").check()
    attributes = page.get_by_role("table", name="Attributes of terraform_data.gate")
    expect(attributes.get_by_text("secret", exact=True)).to_be_visible()
    expect(attributes.get_by_text("known after apply").first).to_be_visible()
    expect(page.get_by_text("open sesame")).to_have_count(0)
    assert person.barriers() == []
    page.get_by_role("tab", name="Log").click()
    expect(page.get_by_role("region", name="Lines: planning")).to_contain_text("will be created")
    assert person.barriers() == []

    decide(page, "Confirm", "Apply this plan?", "Before the freeze")

    shows(page, "finished")
    expect(history(page)).to_contain_text("Before the freeze")
    expect(page.get_by_role("region", name="Lines: applying")).to_contain_text("Apply complete!")
    page.get_by_role("tab", name="Outputs").click()
    expect(page.get_by_role("table", name="Outputs")).to_contain_text("10.20.0.0/16")
    assert person.barriers() == []
    assert site.api.run(planned[1])["state"] == "FINISHED"


def test_a_plan_is_discarded_from_the_palette_with_a_note(person, site, planned):
    page = person.open(address(planned))
    expect(page.get_by_role("button", name="Discard", exact=True)).to_be_visible()

    # The palette asks what the button asks.
    page.keyboard.press("Control+k")
    page.get_by_role("button", name="Discard this run").click()
    dialog = page.get_by_role("dialog", name="Discard this run?")
    dialog.get_by_label("Note").fill("Not on a Friday")
    dialog.get_by_role("button", name="Discard", exact=True).click()

    shows(page, "discarded")
    expect(history(page)).to_contain_text("Not on a Friday")
    expect(page.get_by_role("button", name="Retry")).to_be_visible()
    assert states(site.api.run(planned[1]))[-2:] == ["UNCONFIRMED", "DISCARDED"]
