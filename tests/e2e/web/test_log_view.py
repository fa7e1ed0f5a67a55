"""A log on the screen: followed or not, folded, wrapped, timed, copied, and linked to."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import Person
from tests.support.site import Site

LONG = 400
"""Characters of a line that no screen of these tests is wide enough for."""
COMMAND = (
    f"printf 'wide %0{LONG}d\\n' 7; printf '\\033[32mgreen\\033[0m\\n'; seq -f 'line %.f' 1 300;"
    " while [ ! -e more ]; do sleep 0.05; done; seq -f 'more %.f' 1 200;"
    " while [ ! -e end ]; do sleep 0.05; done; echo the end"
)


TALL = {"width": 1280, "height": 1400}
"""A screen on which a log is seen from its first row to its last."""


def lines_of(page: Page):
    return page.get_by_role("region", name="Lines: performing")


@pytest.fixture(scope="module")
def begun(site: Site) -> tuple[str, str]:
    """A run that prints, waits for the file `more`, prints, waits for `end`, and ends."""
    stack = site.stack()
    return stack, site.task(stack, COMMAND, skip_init=True)


@pytest.fixture
def person(visit, site: Site) -> Person:
    """The administrator, with a log in full view."""
    seated: Person = visit(site.server.address, viewport=TALL)
    return seated


@pytest.fixture
def over(site: Site, begun) -> tuple[str, str]:
    """The same run when it has ended."""
    _, run = begun
    if site.api.run(run)["state"] != "FINISHED":
        for file in ("more", "end"):
            (site.source(run) / file).touch()
        site.api.wait_for(run, "FINISHED")
    return begun


def test_whoever_scrolls_up_is_left_in_peace_until_they_follow_again(person, site, begun):
    stack, run = begun
    page = person.open(f"/stack/{stack}/run/{run}")
    lines = lines_of(page)
    follow = page.get_by_role("button", name="Follow new lines")
    expect(lines.get_by_text("line 300", exact=True)).to_be_in_viewport()
    expect(follow).to_have_count(0)

    lines.hover()
    page.mouse.wheel(0, -2_000)
    expect(follow).to_be_visible()
    first = lines.locator("[data-line]").first.get_attribute("data-line")
    (site.source(run) / "more").touch()

    expect(page.get_by_text(re.compile(r"^50\d lines, "))).to_be_visible()
    assert lines.locator("[data-line]").first.get_attribute("data-line") == first
    expect(lines.get_by_text("more 200", exact=True)).to_have_count(0)
    follow.click()
    expect(lines.get_by_text("more 200", exact=True)).to_be_in_viewport()
    expect(follow).to_have_count(0)
    (site.source(run) / "end").touch()
    expect(lines.get_by_text("the end", exact=True)).to_be_in_viewport()
    expect(page.get_by_text("Complete", exact=True)).to_be_visible()


def test_lines_are_wrapped_timed_and_folded(person, over):
    stack, run = over
    page = person.open(f"/stack/{stack}/run/{run}")
    lines = lines_of(page)
    expect(lines.get_by_text("the end", exact=True)).to_be_visible()
    lines.focus()
    page.keyboard.press("Home")
    wide = lines.locator("[data-line]").filter(has_text="wide 000")
    expect(wide).to_be_in_viewport()
    box = wide.bounding_box()
    assert box
    one_row = box["height"]

    wrap = page.get_by_role("button", name="Wrap long lines")
    wrap.click()
    expect(wrap).to_have_attribute("aria-pressed", "true")
    box = wide.bounding_box()
    assert box
    assert box["height"] > one_row
    wrap.click()

    clock = re.compile(r"\d\d:\d\d:\d\d\.\d{3}")
    expect(wide).not_to_contain_text(clock)
    times = page.get_by_role("button", name="Show times")
    times.click()
    expect(wide).to_contain_text(clock)
    assert person.barriers() == []
    times.click()

    page.get_by_role("button", name="Fold lines").click()
    page.get_by_role("menuitem", name="Long runs of lines alike").click()
    expect(lines.get_by_role("button", name="Unfold 299 lines")).to_be_visible()
    expect(lines.get_by_text("line 2", exact=True)).to_have_count(0)
    # What came after stands right below.
    expect(lines.get_by_text("the end", exact=True)).to_be_in_viewport()
    lines.get_by_role("button", name="Unfold 299 lines").click()
    expect(lines.get_by_text("line 2", exact=True)).to_be_visible()
    expect(lines.get_by_text("the end", exact=True)).to_have_count(0)


def test_lines_are_copied_and_a_link_to_them_leads_there(person, site, over):
    stack, run = over
    version = site.version(run, "PERFORMING")
    person.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = person.open(f"/stack/{stack}/run/{run}?log={version}#L100")
    lines = lines_of(page)
    hundredth = lines.get_by_role("link", name="Line 100", exact=True)
    expect(hundredth).to_be_in_viewport()
    chosen = page.get_by_role("region", name="Chosen lines")
    expect(chosen).to_contain_text("Line 100")

    def copied(button: str, told: str) -> str:
        page.get_by_role("button", name=button).click()
        expect(page.get_by_role("alert").filter(has_text=told)).to_be_visible()
        words: str = page.evaluate("navigator.clipboard.readText()")
        return words

    lines.get_by_role("link", name="Line 102", exact=True).click(modifiers=["Shift"])
    expect(page).to_have_url(re.compile(rf"\?log={version}#L100-L102$"))
    expect(chosen).to_contain_text("Lines 100 to 102")
    whole = site.api.log(run, version).decode()
    plain = re.sub("\x1b\\[[0-9]*m", "", whole).split("\n")
    assert copied("Copy the lines", "The lines are on the clipboard").split("\n") == plain[99:102]
    assert copied("Copy a link", "The link is on the clipboard") == page.url
    assert "\x1b" in whole
    copy = copied("Copy the log without colours", "The log is on the clipboard")
    assert copy.rstrip("\n").split("\n") == plain[:-1]

    there = person.new_page()
    there.goto(page.url)
    expect(there.get_by_role("region", name="Chosen lines")).to_contain_text("Lines 100 to 102")
    for number in (100, 102):
        link = lines_of(there).get_by_role("link", name=f"Line {number}", exact=True)
        expect(link).to_be_in_viewport()
    there.get_by_role("button", name="Clear").click()
    expect(there).to_have_url(re.compile(rf"\?log={version}$"))
