"""What is seldom decided about a run: stopped, done again, put before others, and talked about."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.support.platform import Pool
from tests.support.run_page import address, decide, decide_in_menu, history, shows
from tests.support.site import states

QUEUE = """
query ($id: ID!) {
  workerPool(id: $id) { searchSchedulableRuns(input: {}) { edges { node { run { id } } } } }
}
"""


def queue(site, pool: Pool) -> list[str]:
    """The runs that wait for a worker of the pool, the first first."""
    found = site.api.ask(QUEUE, id=pool.id)["workerPool"]["searchSchedulableRuns"]
    return [edge["node"]["run"]["id"] for edge in found["edges"]]


def test_a_run_is_put_before_others_and_back_canceled_and_done_again(person, site, idle):
    stacks = [site.stack(workerPool=idle.id) for _ in range(2)]
    first, second = (site.trigger(stack) for stack in stacks)
    for run in (first, second):
        site.api.wait_for(run, "READY")
    assert queue(site, idle) == [first, second]
    page = person.open(address((stacks[1], second)))
    standing = page.get_by_role("status").filter(has_text="Place in the queue")
    expect(standing).to_contain_text(re.compile(r"Place in the queue\s*2"))

    decide_in_menu(page, "Prioritize", "Put this run before others?")
    expect(standing).to_contain_text(re.compile(r"Place in the queue\s*1\D"))
    assert queue(site, idle) == [second, first]
    decide_in_menu(page, "Take the priority away", "Put this run before others?")
    expect(standing).to_contain_text(re.compile(r"Place in the queue\s*2"))
    assert queue(site, idle) == [first, second]

    decide(page, "Cancel", "Cancel this run?", "Too early")
    shows(page, "canceled")
    expect(history(page)).to_contain_text("Too early")
    assert queue(site, idle) == [first]
    decide(page, "Retry", "Start a run like this one?")
    expect(page).not_to_have_url(re.compile(f"/run/{second}"))
    again = page.url.rsplit("/", 1)[1]
    shows(page, "ready")
    assert site.api.run(second)["state"] == "CANCELED"
    assert queue(site, idle) == [first, again]
    for stack, run in zip(stacks, (first, again), strict=True):
        site.decide("runCancel", stack, run)


def test_a_run_is_talked_about_approved_and_rejected_and_goes_nowhere_by_it(person, site, idle):
    stack = site.stack(workerPool=idle.id)
    before = site.trigger(stack)
    behind = site.trigger(stack)
    page = person.open(address((stack, behind)))
    expect(page.get_by_text("Nobody has said anything yet")).to_be_visible()
    comment = page.get_by_role("button", name="Comment", exact=True)
    expect(comment).to_have_attribute("aria-description", "There is nothing to send yet.")

    page.get_by_role("textbox", name="Comment").fill("Is this the one\nfor the new subnet?")
    comment.click()
    expect(page.get_by_role("textbox", name="Comment")).to_have_value("")
    expect(page.get_by_text("for the new subnet?")).to_be_visible()
    decide_in_menu(page, "Approve", "Approve this run?", "Looks right")
    expect(page.get_by_text("Looks right")).to_be_visible()
    decide_in_menu(page, "Reject", "Reject this run?", "But not today")
    expect(page.get_by_text("But not today")).to_be_visible()

    said = "comments { body } reviews { decision note state }"
    asked = "query ($stack: ID!, $run: ID!) { stack(id: $stack) { run(id: $run) { SAID } } }"
    found = site.api.ask(asked.replace("SAID", said), stack=stack, run=behind)["stack"]["run"]
    assert found == {
        "comments": [{"body": "Is this the one\nfor the new subnet?"}],
        "reviews": [
            {"decision": "APPROVE", "note": "Looks right", "state": "QUEUED"},
            {"decision": "REJECT", "note": "But not today", "state": "QUEUED"},
        ],
    }
    assert states(site.api.run(behind)) == ["QUEUED"]
    for run in (behind, before):
        site.decide("runCancel", stack, run)


def test_what_runs_is_stopped_and_the_page_says_why(person, site):
    stack = site.stack()
    run = site.task(stack, "echo begun; sleep 30; echo $((40 + 2))", skip_init=True)
    page = person.open(address((stack, run)))
    lines = page.get_by_role("region", name="Lines: performing")
    expect(lines.get_by_text("begun", exact=True)).to_be_visible()

    decide(page, "Stop", "Stop this run?", "Wrong stack")

    shows(page, "stopped")
    expect(history(page)).to_contain_text("Wrong stack")
    expect(page.get_by_role("button", name="Retry", exact=True)).to_be_visible()
    stopped = site.api.run(run)
    assert states(stopped)[-2:] == ["PERFORMING", "STOPPED"]
    assert "\n42" not in site.api.whole_log(run)
