"""A session ends while a page is open: the page says so, and goes on where it is afterwards."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.support.platform import ADMIN, PASSWORD

CODE = 'resource "terraform_data" "it" { input = "x" }\n'


def sign_in(page: Page) -> None:
    """In the dialog that the page shows."""
    dialog = page.get_by_role("dialog", name="Your session has ended")
    dialog.get_by_label("User name").fill(ADMIN)
    dialog.get_by_role("textbox", name="Password").fill(PASSWORD)
    dialog.get_by_role("button", name="Sign in").click()
    expect(dialog).to_have_count(0)


def test_what_was_typed_outlives_a_session_that_ended_and_nothing_is_done_without_one(person, site):
    stack = site.stack(CODE)
    run = site.planned(stack)
    page = person.open(f"/stack/{stack}/run/{run}")
    page.get_by_role("textbox", name="Comment").fill("Half a thought")
    page.get_by_role("button", name="Confirm", exact=True).click()
    dialog = page.get_by_role("dialog", name="Apply this plan?")
    dialog.get_by_role("textbox", name="Note").fill("looked at it with Wim")
    site.platform.change(
        "update session set ended_at = now() where id = (select max(id) from session)"
    )

    dialog.get_by_role("button", name="Confirm").click()

    expect(page.get_by_role("alert").filter(has_text="nothing was done")).to_be_visible()
    expect(page.get_by_role("dialog", name="Your session has ended")).to_be_visible()
    assert site.api.run(run)["state"] == "UNCONFIRMED"
    assert person.barriers() == []

    sign_in(page)
    expect(page.get_by_role("alert").filter(has_text="What you see is from before")).to_have_count(
        0
    )
    expect(dialog.get_by_role("textbox", name="Note")).to_have_value("looked at it with Wim")
    dialog.get_by_role("button", name="Confirm").click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("textbox", name="Comment")).to_have_value("Half a thought")
    confirmed = site.api.wait_for(run, "FINISHED")
    assert "looked at it with Wim" in [move["note"] for move in confirmed["history"]]
    expect(page.get_by_text("finished", exact=True).first).to_be_visible()


def test_who_signs_out_in_one_tab_is_told_in_the_other_and_signs_in_for_both(person, site):
    site.stack(CODE, name="Two tabs")
    page = person.open("/stacks?q=Two+tabs")
    expect(page.get_by_role("link", name="Two tabs")).to_be_visible()
    other = person.new_page()
    other.goto("/stacks")

    other.get_by_role("button", name=re.compile("Signed in as")).click()
    other.get_by_role("menuitem", name="Sign out").click()
    expect(other.get_by_role("heading", name="Sign in to Gantry")).to_be_visible()

    told = page.get_by_role("dialog", name="Your session has ended")
    expect(told).to_be_visible()
    # What was there stays, to be looked at.
    told.get_by_role("button", name="Look at the page first").click()
    expect(page.get_by_role("link", name="Two tabs")).to_be_visible()
    assert person.barriers() == []

    other.get_by_label("User name").fill(ADMIN)
    other.get_by_role("textbox", name="Password").fill(PASSWORD)
    other.get_by_role("button", name="Sign in").click()
    expect(other.get_by_role("heading", name="Overview")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page).to_have_url(re.compile(r"q=Two"))


def test_a_session_that_has_expired_before_a_page_is_opened_leads_back_to_the_page(person, site):
    person.open("/stacks")
    person.context.request.post("/logout")

    page = person.open("/stacks?q=later")
    page.get_by_label("User name").fill(ADMIN)
    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()

    expect(page).to_have_url(re.compile(r"/stacks\?q=later$"))
