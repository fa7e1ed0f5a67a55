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
    expect(page.get_by_role("alert")).to_have_text("The user name or the password is wrong.")
    assert not person.context.cookies()

    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile(r"/stacks\?q=nothing$"))
    expect(page.get_by_role("heading", name="Stacks")).to_be_visible()


def test_the_page_for_signing_in_has_no_barrier_in_either_theme(visit, site):
    for scheme in ("light", "dark"):
        person = visit(site.server.address, signed_in=False, color_scheme=scheme)
        page = person.open("/sign-in")
        expect(page.get_by_role("button", name="Sign in")).to_be_visible()
        assert person.barriers() == []
