"""Getting in by the page, and what somebody sees who is not in."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.support.platform import ADMIN, PASSWORD


def test_who_opens_a_link_signs_in_and_is_where_the_link_led(visit, site):
    person = visit(site.server.address, signed_in=False)
    page = person.open("/stacks?q=nothing")
    expect(page).to_have_url(re.compile(r"/sign-in\?next="))

    page.get_by_label("User name").fill(ADMIN)
    page.get_by_role("textbox", name="Password").fill("a guess")
    page.get_by_role("button", name="Sign in").click()
    refusal = page.get_by_role("alert")
    expect(refusal).to_contain_text("The user name or the password is wrong.")
    assert not person.context.cookies()

    # What the code means can be read by people who are not in.
    refusal.get_by_role("link", name="WRONG_CREDENTIALS").click()
    expect(page.get_by_role("heading", name="WRONG_CREDENTIALS")).to_be_visible()
    expect(page.get_by_role("heading", name="What to do")).to_be_visible()
    page.go_back()

    page.get_by_label("User name").fill(ADMIN)
    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile(r"/stacks\?q=nothing$"))
    expect(page.get_by_role("heading", name="Stacks")).to_be_visible()


def test_every_code_is_explained_to_people_who_are_not_in(visit, site):
    person = visit(site.server.address, signed_in=False)
    page = person.open("/help/errors")

    expect(page.get_by_role("heading", name="Error codes", level=1)).to_be_visible()
    expect(page).to_have_title("Error codes · Gantry")
    page.get_by_role("searchbox", name="Code or words").fill("not invited")
    page.get_by_role("link", name="NOT_INVITED").click()
    expect(page.get_by_role("heading", name="NOT_INVITED", level=1)).to_be_focused()
    assert person.barriers_in_every_look() == []

    page.get_by_role("link", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()


def test_the_page_for_signing_in_has_no_barrier_in_either_theme(visit, site):
    for scheme in ("light", "dark"):
        person = visit(site.server.address, signed_in=False, color_scheme=scheme)
        page = person.open("/sign-in")
        expect(page.get_by_role("button", name="Sign in")).to_be_visible()
        assert person.barriers() == []
