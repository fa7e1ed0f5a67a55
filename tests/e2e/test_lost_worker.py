"""Workers that are gone from one moment to the next, and what people are told about their runs."""

from __future__ import annotations

import secrets
import socket
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.api_client import PATIENCE
from tests.support.commands import processes_with
from tests.support.platform import workers_of
from tests.support.site import TRIGGER, Site, states

LEASE_AND_LOOK = 60
"""Seconds until people know: a lease of five, a look every ten, and a busy machine."""

PLANS = 'resource "terraform_data" "it" { input = "x" }\n'
APPLIES = """
resource "terraform_data" "first" { input = "made" }
resource "terraform_data" "slow" {
  depends_on = [terraform_data.first]
  provisioner "local-exec" {
    command = "echo one >> effects; echo begun; sleep 30; echo two >> effects; : TOKEN"
  }
}
"""
NOT_HERE = "1.5.7"
"""A version of Terraform that a worker has to download."""


@dataclass
class Accident:
    """Two workers were killed over four runs, one of them in each phase that stories tell of."""

    token: str
    """In the command line of everything that their runs started."""
    workers: list[object]
    planning_stack: str
    planning: dict[str, object]
    next_in_line: str
    applying_stack: str
    applying: dict[str, object]
    effects: Path
    """What the command of the apply wrote."""
    preparing_stack: str
    preparing: dict[str, object]
    applied_stack: str
    applied: dict[str, object]
    """A run that had applied, and was still to report it."""


@pytest.fixture(scope="module")
def site(pair) -> Site:
    return Site(pair.site.platform, pair.b, pool="workers to be lost")


@pytest.fixture(scope="module")
def accident(site: Site) -> Accident:
    token = f"gantry-lost-{secrets.token_hex(6)}"
    # Where tools are downloaded from, somebody takes the call and never answers.
    silent = socket.create_server(("127.0.0.1", 0))
    workers = site.start_workers(
        2,
        GANTRY_WORKER_CONCURRENCY="2",
        GANTRY_TERRAFORM_MIRROR=f"http://127.0.0.1:{silent.getsockname()[1]}",
    )
    known = [worker["id"] for worker in workers_of(site.api, site.pool)]
    slow = f"echo begun\nsh -c 'sleep 60; : {token}'\n"
    repository = site.repository({"main.tf": PLANS, "before.sh": slow})
    planning_stack = site.stack(repository, beforePlan=["sh before.sh"])
    planning = site.trigger(planning_stack)
    site.api.wait_for(planning, "PLANNING")
    site.api.wait_for_words(planning, site.version(planning, "PLANNING"), "begun")
    repository.commit({"before.sh": "true\n"})
    next_in_line = site.trigger(planning_stack)

    applying_stack = site.stack(APPLIES.replace("TOKEN", token))
    applying = site.planned(applying_stack)
    site.decide("runConfirm", applying_stack, applying)
    site.api.wait_for(applying, "APPLYING")
    site.api.wait_for_words(applying, site.version(applying, "APPLYING"), "begun")
    effects = site.source(applying) / "effects"
    assert len(processes_with(token)) >= 2

    applied_stack = site.stack(PLANS, afterApply=["echo done", f"sh -c 'sleep 60; : {token}'"])
    applied = site.planned(applied_stack)
    site.decide("runConfirm", applied_stack, applied)
    site.api.wait_for(applied, "APPLYING")
    site.api.wait_for_words(applied, site.version(applied, "APPLYING"), "done\n")

    preparing_stack = site.stack(PLANS, terraformVersion=NOT_HERE)
    preparing = site.trigger(preparing_stack)
    silent.settimeout(PATIENCE)
    with closing(silent), closing(silent.accept()[0]):
        assert site.api.run(preparing)["state"] == "PREPARING"
        for worker in workers:
            worker.kill()

    return Accident(
        token=token,
        workers=known,
        planning_stack=planning_stack,
        planning=site.api.wait_for(planning, "FAILED"),
        next_in_line=next_in_line,
        applying_stack=applying_stack,
        applying=site.api.wait_for(applying, "FAILED"),
        effects=effects,
        preparing_stack=preparing_stack,
        preparing=site.api.wait_for(preparing, "FAILED"),
        applied_stack=applied_stack,
        applied=site.api.wait_for(applied, "FAILED"),
    )


def seconds_between(run, before: str, after: str) -> int:
    at = {move["state"]: move["timestamp"] for move in run["history"]}
    return at[after] - at[before]


def test_no_command_survives_its_worker(accident):
    deadline = time.monotonic() + 10
    while left := processes_with(accident.token):
        assert time.monotonic() < deadline, left
        time.sleep(0.02)

    assert accident.effects.read_text() == "one\n"


def test_a_run_whose_worker_was_lost_while_preparing_fails_and_says_why(accident, site):
    failed = accident.preparing

    assert "was lost while preparing: nothing heard since" in failed["failureReason"]
    assert seconds_between(failed, "PREPARING", "FAILED") < LEASE_AND_LOOK
    assert not failed["outcomeUnknown"]
    assert site.look(accident.preparing_stack, "lockedBy")["lockedBy"] is None
    again = site.trigger(accident.preparing_stack)
    site.api.wait_for(again, "READY")
    site.decide("runCancel", accident.preparing_stack, again)


def test_a_run_whose_worker_was_lost_while_planning_fails_and_says_why(accident, site):
    failed = accident.planning
    last = failed["history"][0]

    assert last["workerId"] in accident.workers
    assert failed["failureReason"].startswith(
        f"The worker {last['workerId']} was lost while planning: nothing heard since "
    )
    assert last["note"] == failed["failureReason"]
    assert seconds_between(failed, "PLANNING", "FAILED") < LEASE_AND_LOOK
    assert not failed["outcomeUnknown"]
    assert site.look(accident.planning_stack, "lockedBy")["lockedBy"] is None


def test_a_run_whose_worker_was_lost_while_applying_leaves_its_stack_locked(accident, site):
    failed = accident.applying

    assert "was lost while applying: nothing heard since" in failed["failureReason"]
    assert seconds_between(failed, "APPLYING", "FAILED") < LEASE_AND_LOOK
    assert failed["outcomeUnknown"]
    locked = site.look(accident.applying_stack, "lockedBy lockNote blocked")
    assert locked["lockedBy"] == "system"
    assert failed["id"] in locked["lockNote"]
    assert "Compare the state with the infrastructure" in locked["lockNote"]
    assert not locked["blocked"]
    refusal = site.api.expect_error(TRIGGER, stack=accident.applying_stack, kind="TRACKED")
    assert refusal.code == "STACK_LOCKED"
    assert "unlock the stack" in refusal.message


def test_a_run_that_was_applied_and_not_reported_says_what_is_known(accident, site):
    failed, stack = accident.applied, accident.applied_stack

    assert failed["outcomeUnknown"]
    kept = site.platform.rows("select serial, run_id from state_version where stack_id = %s", stack)
    ((serial, run),) = kept
    assert run == failed["id"]
    known = f'Its log ends with "done". The newest state has serial {serial}, written by this run.'
    assert failed["failureReason"].endswith(known)
    locked = site.look(stack, "lockedBy lockNote")
    assert locked["lockedBy"] == "system"
    assert known in locked["lockNote"]
    assert site.platform.rows("select 1 from state_lock where stack_id = %s", stack) == []


def test_a_new_worker_takes_what_waits_and_clears_up_after_the_lost_ones(accident, site):
    assert accident.effects.exists()
    assert site.api.run(accident.next_in_line)["state"] == "READY"

    site.start_workers(2)

    assert not accident.effects.exists()
    site.api.wait_for(accident.next_in_line, "UNCONFIRMED")
    site.decide("runDiscard", accident.planning_stack, accident.next_in_line)


def test_unlocking_acknowledges_the_unknown_outcome_and_lets_runs_go_on(accident, site):
    stack = accident.applying_stack

    site.api.ask("mutation ($id: ID!) { stackUnlock(id: $id) { lockedBy } }", id=stack)

    # The state lock of the lost worker's Terraform is gone as well.
    again = site.planned(stack)
    assert site.api.run(again)["delta"]["addCount"] >= 1
    assert site.api.run(accident.applying["id"])["outcomeUnknown"]
    site.decide("runDiscard", stack, again)


def test_the_run_after_one_that_was_applied_and_not_reported_has_nothing_to_do(accident, site):
    stack = accident.applied_stack
    site.api.ask("mutation ($id: ID!) { stackUnlock(id: $id) { lockedBy } }", id=stack)

    again = site.trigger(stack)

    assert "APPLYING" not in states(site.api.wait_for(again, "FINISHED"))
