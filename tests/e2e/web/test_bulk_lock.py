"""Many stacks are locked and unlocked at once, and nobody's lock is taken on the way."""

from __future__ import annotations

import re

from playwright.sync_api import expect


def locks(site, stacks):
    found = [site.look(stack, "lockedBy lockNote") for stack in stacks]
    return [(one["lockedBy"] is not None, one["lockNote"]) for one in found]


def test_many_stacks_are_locked_at_once_and_each_says_how_it_went(person, site, five):
    stacks = five("bulk")
    site.api.ask("mutation ($id: ID!) { stackLock(id: $id) { id } }", id=stacks[0])
    page = person.open("/stacks?f.label=story:bulk")
    expect(page.get_by_role("row")).to_have_count(6)  # with that of the titles
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
