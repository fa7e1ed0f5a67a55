"""The servers go away while a page is open, and come back."""

from __future__ import annotations

from playwright.sync_api import expect


def test_a_page_says_that_the_server_is_away_and_goes_on_by_itself(person, site, replicas):
    stack = site.stack('resource "terraform_data" "it" { input = "x" }\n')
    run = site.planned(stack)
    page = person.open(f"/stack/{stack}/run/{run}")
    expect(page.get_by_text("unconfirmed", exact=True).first).to_be_visible()
    page.get_by_role("textbox", name="Comment").fill("Half a thought")
    page.evaluate("window.neverLoadedAgain = true")

    for server in replicas.servers.values():
        server.kill()

    away = page.get_by_role("alert").filter(has_text="The server cannot be reached")
    expect(away).to_be_visible()
    # What was there is still there; what is asked for now is refused in so many words.
    page.get_by_role("button", name="Discard").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Discard").click()
    expect(page.get_by_role("alert").filter(has_text="The server did not answer")).to_be_visible()
    dialog.get_by_role("button", name="Back").click()
    expect(page.get_by_role("textbox", name="Comment")).to_have_value("Half a thought")
    assert person.barriers() == []

    replicas.start_servers(*replicas.servers)
    expect(away).to_have_count(0)
    site.decide("runDiscard", stack, run)

    expect(page.get_by_text("discarded", exact=True).first).to_be_visible()
    expect(page.get_by_role("textbox", name="Comment")).to_have_value("Half a thought")
    assert page.evaluate("window.neverLoadedAgain")
