"""Two servers: nobody can tell which of them answered.

The last stories take server A, a drain and a scheduler away for good.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.api_client import PATIENCE
from tests.support.platform import Process, workers_of
from tests.support.site import Site, states

CODE = 'resource "terraform_data" "it" { input = "x" }\noutput "it" { value = "y" }\n'
COUNTED = """
resource "terraform_data" "it" {
  triggers_replace = [timestamp()]
  provisioner "local-exec" { command = "echo $TF_VAR_spacelift_run_id >> EFFECTS" }
}
"""
BEFORE_THE_NEXT_QUESTION = 10
"""Seconds. Workers ask every 15 without being rung for, the last time when they became idle."""


@pytest.fixture(scope="module")
def site(pair) -> Site:
    if not any(worker.alive for worker in pair.site.pool.workers):
        # Without the sandbox: what runs do is counted outside of their workspaces.
        pair.site.start_workers(2, GANTRY_WORKER_RUNTIME="process")
    return pair.site


@pytest.fixture(scope="module")
def via_a(pair):
    """The same person at server A; `site.api` is at B."""
    return pair.site.api.at(pair.a.address)


def took(run, before: str, after: str) -> int:
    at = {move["state"]: move["timestamp"] for move in reversed(run["history"])}
    return at[after] - at[before]


def connected(server: Process) -> set[str]:
    """The workers that have ever connected to the server's broker."""
    lines = [json.loads(line) for line in server.said().splitlines() if line.startswith("{")]
    return {line["worker_id"] for line in lines if line["event"] == "worker connected"}


def alive(site: Site) -> set[str]:
    """The workers whose processes live: the newest that the API shows."""
    count = sum(worker.alive for worker in site.pool.workers)
    return {str(worker["id"]) for worker in workers_of(site.api, site.pool)[:count]}


def wait_until_connected(server: Process, workers: set[str]) -> None:
    deadline = time.monotonic() + PATIENCE
    while missing := workers - connected(server):
        assert time.monotonic() < deadline, f"{missing} did not connect to {server.name}"
        time.sleep(0.05)


def test_workers_are_connected_to_server_a(pair, site):
    wait_until_connected(pair.a, alive(site))
    assert not alive(site) & connected(pair.b)


def test_a_trigger_through_one_server_wakes_a_worker_at_the_other(site):
    stack = site.stack(CODE)
    for _ in range(2):
        run = site.planned(stack)
        assert took(site.api.run(run), "READY", "PREPARING") < BEFORE_THE_NEXT_QUESTION
        site.decide("runDiscard", stack, run)


def test_a_stop_through_one_server_reaches_the_worker_at_the_other(site):
    stack = site.stack(CODE, beforePlan=["echo begun", "sleep 60"])
    run = site.trigger(stack)
    site.api.wait_for(run, "PLANNING")
    site.api.wait_for_words(run, site.version(run, "PLANNING"), "begun")

    site.decide("runStop", stack, run)

    site.api.wait_for(run, "STOPPED")


def test_moves_made_through_one_server_are_heard_at_the_other(site, via_a):
    stack = site.stack(CODE)
    run = site.planned(stack)
    with site.api.following(f"run:{run}", f"stack:{stack}") as signals:
        via_a.ask(
            "mutation ($s: ID!, $r: ID!) { runDiscard(stack: $s, run: $r) { id } }", s=stack, r=run
        )
        heard = [next(signals), next(signals)]

    assert {signal["topic"] for signal in heard} == {f"run:{run}", f"stack:{stack}"}
    assert {signal["state"] for signal in heard} == {"DISCARDED"}


def test_a_reader_that_was_away_hears_at_the_other_server_what_it_missed(site, via_a):
    stack = site.stack(CODE)
    run = site.trigger(stack)
    numbers = []
    with via_a.http.stream("GET", "/events", params={"topic": f"run:{run}"}) as response:
        for line in response.iter_lines():
            if line.startswith("id: "):
                numbers.append(line[4:])
            if '"INITIALIZING"' in line:
                break
    site.api.wait_for(run, "UNCONFIRMED")

    seen = []
    with site.api.http.stream(
        "GET", "/events", params={"topic": f"run:{run}"}, headers={"last-event-id": numbers[-1]}
    ) as response:
        for line in response.iter_lines():
            if line.startswith("data: "):
                seen.append(json.loads(line[6:]).get("state"))
            if seen[-1:] == ["UNCONFIRMED"]:
                break

    assert "PLANNING" in seen
    site.decide("runDiscard", stack, run)


def test_a_log_is_followed_live_at_either_server_and_has_the_same_bytes(site, via_a):
    stack = site.stack(CODE, beforePlan=["for i in 1 2 3 4 5; do echo line $i; sleep 0.2; done"])
    run = site.trigger(stack)
    site.api.wait_for(run, "PLANNING")
    version = site.version(run, "PLANNING")

    with ThreadPoolExecutor(2) as hands:
        readers = [hands.submit(api.log, run, version) for api in (site.api, via_a)]
        first, second = (reader.result() for reader in readers)

    assert first == second
    assert b"line 1\n" in first
    assert b"line 5\n" in first
    site.api.wait_for(run, "UNCONFIRMED")
    site.decide("runDiscard", stack, run)


def test_people_at_both_servers_start_one_run_at_a_time(site, via_a):
    stack = site.stack(CODE, autodeploy=True)
    document = "mutation ($stack: ID!) { runTrigger(stack: $stack) { id } }"
    with ThreadPoolExecutor(4) as hands:
        asked = [
            hands.submit(api.at(api.address).ask, document, stack=stack)
            for api in (site.api, via_a) * 2
        ]
        runs = [future.result()["runTrigger"]["id"] for future in asked]

    for run in sorted(runs):
        ended = site.api.wait_for(run, "FINISHED")
        assert len(set(states(ended))) == len(states(ended))
    applied = [run for run in runs if "APPLYING" in states(site.api.run(run))]
    assert len(applied) == 1
    assert json.loads(site.outputs(stack)["it"]) == "y"


def test_runs_outlive_one_of_each_that_is_killed(pair, site, tmp_path):
    effects = tmp_path / "effects"
    code = COUNTED.replace("EFFECTS", str(effects))
    slow = ["echo begun", "sleep 3", "echo still here"]
    planning_stack = site.stack(code, beforePlan=slow)
    applying_stack = site.stack(code, beforeApply=slow)
    applying = site.planned(applying_stack)
    site.decide("runConfirm", applying_stack, applying)
    planning = site.trigger(planning_stack)
    for run, state in ((planning, "PLANNING"), (applying, "APPLYING")):
        site.api.wait_for(run, state)
        site.api.wait_for_words(run, site.version(run, state), "begun")
    next_in_line = site.trigger(applying_stack)

    for part in (pair.a, pair.drains[0], pair.schedulers[0]):
        part.kill()

    site.api.wait_for(planning, "UNCONFIRMED")
    site.decide("runConfirm", planning_stack, planning)
    for run, state in ((planning, "PLANNING"), (applying, "APPLYING")):
        ended = site.api.wait_for(run, "FINISHED")
        assert states(ended).count("APPLYING") == 1
        assert "begun\nstill here\n" in site.api.log(run, site.version(run, state)).decode()
    for stack, run in ((planning_stack, planning), (applying_stack, applying)):
        kept = "select run_id from state_version where stack_id = %s order by serial desc limit 1"
        assert site.platform.rows(kept, stack) == [(run,)]
    # The one that waited behind starts by itself, now that there is one of each.
    site.api.wait_for(next_in_line, "UNCONFIRMED")
    site.decide("runConfirm", applying_stack, next_in_line)
    site.api.wait_for(next_in_line, "FINISHED")
    assert Counter(effects.read_text().split()) == dict.fromkeys(
        (planning, applying, next_in_line), 1
    )
    for stack in (planning_stack, applying_stack):
        check_nothing_is_held(site, stack)


def check_nothing_is_held(site, stack):
    """No run of the stack has a worker, and nobody has its state or the stack itself."""
    rows = site.platform.rows
    leases = "select run_id from run_lease l join run on run.id = l.run_id where stack_id = %s"
    assert rows(leases, stack) == []
    assert rows("select lock_id from state_lock where stack_id = %s", stack) == []
    assert rows("select locked_by from stack where id = %s", stack) == [(None,)]


def test_workers_of_a_server_that_is_gone_are_rung_for_at_the_other(pair, site):
    assert not pair.a.alive
    wait_until_connected(pair.b, alive(site))

    stack = site.stack(CODE)
    run = site.planned(stack)

    assert took(site.api.run(run), "READY", "PREPARING") < BEFORE_THE_NEXT_QUESTION
    site.decide("runDiscard", stack, run)
