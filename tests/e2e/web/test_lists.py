"""The list of stacks: narrowed, ordered, turned over, and found again by its address."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.support.browser import PHONE

SCHEMES = ("light", "dark")


def test_filters_are_counted_searched_and_part_of_the_address(person, visit, site, five):
    five("count")
    five("account")
    page = person.open("/stacks?q=count")
    page.get_by_role("button", name="Label").click()
    page.get_by_role("searchbox", name="Search in label").fill("STORY:COUNT")
    value = page.get_by_role("checkbox", name=re.compile("^story:count"))
    expect(value).to_have_accessible_name("story:count 5")
    value.click()
    expect(value).to_be_checked()
    page.keyboard.press("Escape")

    expect(page).to_have_url(re.compile(r"f\.label=story%3Acount"))
    expect(page.get_by_role("group", name="Filters in use")).to_contain_text("Label: story:count")
    page.get_by_role("button", name="Stack", exact=True).click()  # by name, then the other way
    page.get_by_role("button", name="Stack", exact=True).click()
    names = page.get_by_role("link", name=re.compile("^count "))
    expect(names).to_have_text([f"count {number}" for number in (5, 4, 3, 2, 1)])

    for scheme in SCHEMES:
        other = visit(site.server.address, color_scheme=scheme, viewport=PHONE)
        there = other.open(page.url.removeprefix(site.server.address))
        names = there.get_by_role("link", name=re.compile("^count "))
        expect(names).to_have_text([f"count {number}" for number in (5, 4, 3, 2, 1)])
        there.get_by_role("checkbox", name="Choose count 3").check()
        expect(there.get_by_role("region", name="With the chosen ones")).to_be_visible()
        assert other.barriers() == []


MANY = """
insert into stack
select (jsonb_populate_record(one, jsonb_build_object(
  'id', 'page-' || n, 'name', 'page ' || to_char(n, 'FM000')
))).*
from stack one, generate_series(1, %s) n where one.id = %s
"""
"""Rows like one, behind the product's back: a page is turned at fifty."""


def test_pages_are_turned_and_columns_chosen_and_both_are_in_the_address(person, visit, site):
    like = site.stack(labels=["story:pages"], name="like the others")
    site.platform.change(MANY, 51, like)
    try:
        page = person.open("/stacks?q=page-&sort=name")
        rows = page.get_by_role("table", name="Stacks").get_by_role("row")
        names = page.get_by_role("link", name=re.compile(r"^page \d"))
        where = page.get_by_role("navigation", name="Pages")
        expect(where).to_contain_text("1 to 50 of 51")
        expect(rows).to_have_count(51)  # with that of the titles
        expect(names.first).to_have_text("page 001")
        back = where.get_by_role("button", name="Previous")
        expect(back).to_have_attribute("aria-description", "This is the first page.")

        where.get_by_role("button", name="Next").click()
        expect(names).to_have_text(["page 051"])
        expect(where).to_contain_text("51 to 51 of 51")
        on = where.get_by_role("button", name="Next")
        expect(on).to_have_attribute("aria-description", "This is the last page.")
        page.reload()
        expect(names).to_have_text(["page 051"])
        back.click()
        expect(names).to_have_count(50)

        where.get_by_role("combobox", name="Rows of a page").click()
        page.get_by_role("option", name="100 rows").click()
        expect(where).to_contain_text("51 rows")
        expect(names).to_have_count(51)
        page.get_by_role("button", name="Columns").click()
        first = page.get_by_role("menuitemcheckbox").first
        expect(first).to_have_attribute("aria-disabled", "true")
        expect(first).to_have_text("StackIt names the rows, and is always shown.")
        first.press("Enter")
        expect(first).to_be_checked()
        branch = page.get_by_role("menuitemcheckbox", name="Branch")
        expect(branch).not_to_be_checked()
        branch.click()
        expect(branch).to_be_checked()
        page.get_by_role("menuitemcheckbox", name="Commit").click()
        page.keyboard.press("Escape")
        titles = ["Stack", "State", "Since", "Branch", "Labels", "Space"]
        headings = page.get_by_role("columnheader").filter(has_text=re.compile(r"\w"))
        expect(headings).to_have_text(titles)
        expect(page).to_have_url(re.compile(r"rows=100"))

        # Who is sent the address sees the same.
        there = visit(site.server.address).open(page.url.removeprefix(site.server.address))
        expect(there.get_by_role("navigation", name="Pages")).to_contain_text("51 rows")
        headings = there.get_by_role("columnheader").filter(has_text=re.compile(r"\w"))
        expect(headings).to_have_text(titles)
        there.get_by_role("button", name="Columns").click()
        there.get_by_role("menuitem", name="The usual ones").click()
        expect(there).not_to_have_url(re.compile("columns="))
        expect(headings).to_have_text(["Stack", "State", "Since", "Commit", "Labels", "Space"])
    finally:
        site.platform.change("delete from stack where id like 'page-%%'")
