"""The overview: what waits and why, what failed, how busy workers are, how long runs took."""

from __future__ import annotations

import re
from itertools import pairwise

from playwright.sync_api import Locator, expect

SCHEMES = ("light", "dark")
STATES = "{ stacks { state } }"
COLUMNS = (
    ("QUEUED", "READY", "CONFIRMED"),
    ("PREPARING", "INITIALIZING", "PREPARING_APPLY"),
    ("PLANNING",),
    ("APPLYING",),
)
"""Of the chart, without decisions: the states of a run that belong to each."""


def seconds(run) -> list[int]:
    """How long the run was in the states of each column, by the API."""
    moves = sorted(run["history"], key=lambda move: int(move["stateVersion"]))
    took = [(one["state"], later["timestamp"] - one["timestamp"]) for one, later in pairwise(moves)]
    return [sum(for_ for state, for_ in took if state in column) for column in COLUMNS]


def rows(part: Locator, of: str) -> Locator:
    return part.get_by_role("listitem").filter(has_text=of)


def test_what_failed_what_waits_and_how_busy_workers_are_is_as_it_is(person, site, idle, applied):
    broken, held, busy = (
        site.stack(name=f"{name} of the overview", workerPool=where)
        for name, where in (("broken", site.pool.id), ("held", idle.id), ("busy", site.pool.id))
    )
    failed = site.task(broken, "exit 7", skip_init=True)
    waits = [site.trigger(held) for _ in range(2)]
    run = site.task(busy, "while [ ! -e go-on ]; do sleep 0.05; done", skip_init=True)
    site.api.wait_for(failed, "FAILED")
    site.api.wait_for(run, "PERFORMING")
    page = person.open("/")

    lately = page.get_by_role("region", name="Failed lately")
    reason = site.api.run(failed)["failureReason"]
    expect(rows(lately, "broken of the overview")).to_contain_text(reason)
    waiting = rows(page.get_by_role("region", name="Waiting, and why"), "held of the overview")
    expect(waiting.nth(0)).to_contain_text("none of pool pool without workers is connected")
    expect(waiting.nth(1).get_by_role("link", name="See what is in the way")).to_be_visible()
    workers = page.get_by_role("region", name="Workers")
    expect(workers).to_contain_text(
        re.compile("pool without workers *no worker connected, 1 waiting")
    )
    expect(workers).to_contain_text(re.compile("workers *1 of 2 busy"))
    load = workers.get_by_role("progressbar", name="workers: workers that are busy", exact=True)
    expect(load).to_have_attribute("aria-valuenow", "50")
    states = [stack["state"] for stack in site.api.ask(STATES)["stacks"]]
    number = page.get_by_role("link", name="stacks failed")
    expect(number).to_have_text(re.compile(rf"^{states.count('FAILED')}\s*stacks failed$"))

    stack, (_, last) = applied
    shown = page.get_by_role("table", name="Durations by run and phase").get_by_role("row")
    name = site.look(stack, "name")["name"]
    cells = shown.filter(has_text=name).last.get_by_role("cell")
    took = [f"{one} s" for one in seconds(site.api.run(last))]
    expect(cells).to_have_text([re.compile(name), *took])
    assert person.barriers() == []
    (site.source(run) / "go-on").touch()
    for one in reversed(waits):
        site.decide("runCancel", held, one)


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
