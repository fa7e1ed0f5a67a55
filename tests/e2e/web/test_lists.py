"""The list of stacks, the overview, and the palette that leads everywhere."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Route, expect

from tests.support.browser import PHONE

SCHEMES = ("light", "dark")


@pytest.fixture
def five(site):
    """Makes five stacks of one label, called `<label> 1` to `<label> 5`; their ids."""

    def make(label: str) -> list[str]:
        code = site.repository({"main.tf": ""})
        return [
            site.stack(
                code, name=f"{label} {number}", labels=[f"story:{label}", f"{label}:{number}"]
            )
            for number in range(1, 6)
        ]

    return make


def locks(site, stacks):
    found = [site.look(stack, "lockedBy lockNote") for stack in stacks]
    return [(one["lockedBy"] is not None, one["lockNote"]) for one in found]


def test_many_stacks_are_locked_at_once_and_each_says_how_it_went(person, site, five):
    stacks = five("bulk")
    site.api.ask("mutation ($id: ID!) { stackLock(id: $id) { id } }", id=stacks[0])
    page = person.open("/stacks?f.label=story:bulk")
    expect(page.get_by_role("row")).to_have_count(6)  # with that of the titles
    page.get_by_role("button", name="Columns").click()
    first = page.get_by_role("menuitemcheckbox").first
    expect(first).to_have_attribute("aria-disabled", "true")
    expect(first).to_have_text("StackIt names the rows, and is always shown.")
    first.press("Enter")
    expect(first).to_be_checked()
    page.keyboard.press("Escape")
    page.get_by_role("checkbox", name="Choose all of this page").check()
    bar = page.get_by_role("region", name="With the chosen ones")
    expect(bar).to_contain_text("5 stacks chosen")
    expect(bar.get_by_role("button", name="Discard")).to_have_attribute(
        "aria-description", re.compile("No run of it waits for a decision")
    )

    bar.get_by_role("button", name="Lock", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("1 left out")
    expect(dialog).to_contain_text("bulk 1: It is locked by")
    dialog.get_by_label("Why").fill("moving house")
    # Somebody is quicker with one of them.
    lock = 'mutation ($id: ID!) { stackLock(id: $id, note: "mine") { id } }'
    site.api.ask(lock, id=stacks[4])
    dialog.get_by_role("button", name=re.compile("^Lock [34] stack")).click()

    work = page.get_by_role("region", name="Lock: progress")
    expect(work.get_by_role("status")).to_contain_text(re.compile("Lock: 3 of [34] stacks done"))
    assert locks(site, stacks) == [
        (True, None),
        *[(True, "moving house")] * 3,
        (True, "mine"),
    ]
    work.get_by_role("button", name="Close").click()
    expect(page.get_by_text("locked", exact=True)).to_have_count(5)

    bar.get_by_role("button", name="Unlock").click()
    page.get_by_role("dialog").get_by_role("button", name="Unlock 5 stacks").click()
    done = page.get_by_role("region", name="Unlock: progress").get_by_role("status")
    expect(done).to_contain_text("5 of 5 stacks done")
    assert locks(site, stacks) == [(False, None)] * 5


def test_what_is_done_with_many_is_refused_one_by_one_and_can_be_stopped(person, site, five):
    stacks = five("halt")
    page = person.open("/stacks?f.label=story:halt")
    page.get_by_role("checkbox", name="Choose all of this page").check()
    page.get_by_role("button", name="Add labels").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Labels").fill("kept, " + "x" * 300)
    held: list[Route] = []

    def hold(route: Route) -> None:
        if "BulkLabels" in (route.request.post_data or ""):
            held.append(route)
        else:
            route.continue_()

    page.route("**/graphql", hold)
    with page.expect_request(lambda one: "BulkLabels" in (one.post_data or "")):
        dialog.get_by_role("button", name="Add labels 5 stacks").click()
    work = page.get_by_role("region", name="Add labels: progress")
    expect(work.get_by_role("listitem").filter(has_text="under way")).to_have_count(3)
    work.get_by_role("button", name="Stop").click()
    for route in held:
        route.continue_()

    expect(work.get_by_role("status")).to_have_text(
        "Add labels: 0 of 5 stacks done, 3 refused, 2 not begun"
    )
    expect(work.get_by_text("labels: each has at most 255 characters")).to_have_count(3)
    code = work.get_by_role("link", name="BAD_STACK").first
    expect(code).to_have_attribute("href", "/help/errors/BAD_STACK")
    assert len(held) == 3
    assert [site.look(stack, "labels")["labels"] for stack in stacks] == [
        [f"halt:{number}", "story:halt"] for number in range(1, 6)
    ]


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


def test_what_waits_for_somebody_is_told_wherever_one_is(person, visit, site):
    code = 'resource "terraform_data" "it" { input = timestamp() }'
    stack = site.stack(code, name="needs you", labels=["story:overview"])
    page = person.open("/")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    elsewhere = visit(site.server.address)
    listed = elsewhere.open("/stacks?f.label=story:overview")
    expect(listed.get_by_role("row")).to_have_count(2)

    run = site.planned(stack)
    waits = page.get_by_role("list", name="Runs that need a decision")
    expect(waits.get_by_role("link", name="needs you")).to_be_visible()
    expect(waits).to_contain_text("1 to add, 0 to change, 0 to delete")
    assert person.barriers() == []
    notice = listed.get_by_role("alert").filter(has_text="needs you: a plan waits for a decision")
    expect(notice).to_be_visible()
    expect(listed.get_by_role("row", name=re.compile("needs you"))).to_contain_text("unconfirmed")
    assert elsewhere.barriers() == []
    notice.get_by_role("link").click()
    expect(listed).to_have_url(re.compile(f"/stack/{stack}/run/{run}$"))

    listed.keyboard.press("Control+k")
    palette = listed.get_by_role("textbox", name=re.compile("Stacks, runs, pages"))
    for scheme in SCHEMES:
        listed.emulate_media(color_scheme=scheme)
        expect(listed.get_by_role("button", name="Trigger a run of needs you")).to_be_visible()
        assert elsewhere.barriers() == []
    palette.fill(run.lower())
    expect(
        listed.get_by_role("button", name=re.compile("tracked run of needs you"))
    ).to_be_visible()
    palette.fill("needs y")
    expect(
        listed.get_by_role("button", name=re.compile("^needs you .*unconfirmed"))
    ).to_be_visible()

    site.decide("runDiscard", stack, run)
    expect(waits.get_by_role("link", name="needs you")).to_have_count(0)
