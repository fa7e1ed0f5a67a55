"""What is done with many stacks at once: told and refused one by one, and stopped halfway."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, Route, expect

from tests.support.site import states

RUNS = "runs { id state }"


def begin(page: Page, what: str, stacks: int) -> None:
    """With the chosen ones."""
    bar = page.get_by_role("region", name="With the chosen ones")
    bar.get_by_role("button", name=what, exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name=f"{what} {stacks} stacks").click()


@contextmanager
def held_back(page: Page, operation: str) -> Iterator[list[Route]]:
    """What the page sends of the operation meanwhile reaches no server before the end."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        if operation in (route.request.post_data or ""):
            held.append(route)
        else:
            route.continue_()

    page.route("**/graphql", hold)
    yield held
    for route in held:
        route.continue_()
    page.unroute("**/graphql", hold)


def test_runs_of_many_are_started_halfway_then_wholly_and_discarded(person, site, five, idle):
    stacks = five("rollout", workerPool=idle.id)
    page = person.open("/stacks?f.label=story:rollout")
    page.get_by_role("checkbox", name="Choose all of this page").check()
    with held_back(page, "BulkTrigger") as held:
        begin(page, "Trigger", 5)
        work = page.get_by_role("region", name="Trigger: progress")
        each = work.get_by_role("listitem")
        expect(each.filter(has_text="under way")).to_have_count(3)
        work.get_by_role("button", name="Stop").click()
        assert len(held) == 3

    expect(work.get_by_role("status")).to_have_text("Trigger: 3 of 5 stacks done, 2 not begun")
    expect(each.filter(has_text="not begun")).to_have_text(
        [re.compile("rollout 4"), re.compile("rollout 5")]
    )
    assert [len(site.look(stack, RUNS)["runs"]) for stack in stacks] == [1, 1, 1, 0, 0]

    work.get_by_role("button", name="Try the other 2 stacks again").click()
    expect(work.get_by_role("status")).to_have_text("Trigger: 2 of 2 stacks done")
    work.get_by_role("button", name="Close").click()
    expect(page.get_by_role("link", name="ready", exact=True)).to_have_count(5)
    runs = [site.look(stack, RUNS)["runs"] for stack in stacks]
    assert [[run["state"] for run in one] for one in runs] == [["READY"]] * 5

    # Somebody decides about two of them meanwhile; of one before the page is asked anything.
    site.decide("runCancel", stacks[0], runs[0][0]["id"])
    expect(page.get_by_role("link", name="ready", exact=True)).to_have_count(4)
    bar = page.get_by_role("region", name="With the chosen ones")
    bar.get_by_role("button", name="Discard", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("rollout 1: No run of it waits for a decision.")
    expect(dialog).to_contain_text("their plans are lost")
    dialog.get_by_label("Note").fill("The other way round")
    with held_back(page, "BulkDiscard"):
        dialog.get_by_role("button", name="Discard 4 stacks").click()
        work = page.get_by_role("region", name="Discard: progress")
        expect(work.get_by_role("listitem").filter(has_text="under way")).to_have_count(3)
        site.decide("runCancel", stacks[1], runs[1][0]["id"])

    expect(work.get_by_role("status")).to_have_text("Discard: 3 of 4 stacks done, 1 refused")
    refused = work.get_by_role("listitem").filter(has_text="refused")
    expect(refused).to_have_text(
        re.compile("rollout 2.*cannot discard: the tracked run is canceled.*ILLEGAL_RUN_TRANSITION")
    )
    ended = [site.api.run(run["id"]) for (run,) in runs]
    assert [states(run)[-1] for run in ended] == ["CANCELED"] * 2 + ["DISCARDED"] * 3
    assert {run["history"][0]["note"] for run in ended[2:]} == {"The other way round"}


def test_what_cannot_be_is_refused_for_each_and_changes_none(person, site, five):
    stacks = five("halt")
    page = person.open("/stacks?f.label=story:halt")
    page.get_by_role("checkbox", name="Choose all of this page").check()
    page.get_by_role("button", name="Add labels").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Labels").fill("kept, " + "x" * 300)
    dialog.get_by_role("button", name="Add labels 5 stacks").click()

    work = page.get_by_role("region", name="Add labels: progress")
    expect(work.get_by_role("status")).to_have_text("Add labels: 0 of 5 stacks done, 5 refused")
    expect(work.get_by_text("labels: each has at most 255 characters")).to_have_count(5)
    code = work.get_by_role("link", name="BAD_STACK").first
    expect(code).to_have_attribute("href", "/help/errors/BAD_STACK")
    assert [site.look(stack, "labels")["labels"] for stack in stacks] == [
        [f"halt:{number}", "story:halt"] for number in range(1, 6)
    ]
