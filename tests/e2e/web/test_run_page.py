"""A run's page: its plan is read, confirmed, discarded, made again for less; once, whoever asks."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.support.site import states

CODE = """
variable "password" {
  default   = "open sesame"
  sensitive = true
}
resource "terraform_data" "network" { input = { cidr = "10.20.0.0/16" } }
resource "terraform_data" "gate" { input = var.password }
output "cidr" { value = "10.20.0.0/16" }
"""


@pytest.fixture
def planned(site):
    """A stack, and a run of it whose plan waits to be confirmed."""
    stack = site.stack(CODE)
    return stack, site.planned(stack)


def address(planned, tab=""):
    stack, run = planned
    return f"/stack/{stack}/run/{run}{tab}"


def decide(page: Page, what: str, title: str, note: str = ""):
    """Press the button, say why, and press it again."""
    page.get_by_role("button", name=what, exact=True).click()
    dialog = page.get_by_role("dialog", name=title)
    if note:
        dialog.get_by_label("Note").fill(note)
    dialog.get_by_role("button", name=what, exact=True).click()


def history(page: Page):
    return page.get_by_label("History, newest first")


def shows(page: Page, state: str):
    expect(history(page).get_by_text(state, exact=True).first).to_be_visible()


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


def only_decisions(route: Route) -> None:
    if "mutation" in (route.request.post_data or ""):
        route.continue_()


def test_of_two_people_who_confirm_at_once_one_does(visit, site, planned):
    first, second = visit(site.server.address), visit(site.server.address)
    # The second hears of nothing until both have pressed the button.
    second.context.route("**/events?*", lambda route: route.abort())
    pages = [one.open(address(planned)) for one in (first, second)]
    for page in pages:
        page.get_by_role("button", name="Confirm", exact=True).click()
    asked = [page.get_by_role("dialog", name="Apply this plan?") for page in pages]
    for dialog in asked:
        expect(dialog).to_be_visible()
    # Nor does it ask again by itself: what is not answered leaves the page as it is.
    second.context.route("**/graphql", only_decisions)

    for dialog in asked:
        dialog.get_by_role("button", name="Confirm", exact=True).click()

    expect(asked[1].get_by_role("alert")).to_contain_text("cannot confirm: the tracked run is")
    expect(asked[1].get_by_role("link", name="ILLEGAL_RUN_TRANSITION")).to_be_visible()
    for held in ("**/events?*", "**/graphql"):
        second.context.unroute(held)
    pages[1].reload()
    for page in pages:
        shows(page, "finished")
    assert states(site.api.run(planned[1])).count("CONFIRMED") == 1
