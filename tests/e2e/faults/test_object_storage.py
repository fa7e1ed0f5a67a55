"""Object storage that refuses, is cut off or is slow: runs end well later, or say why not."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tests.support.platform import make_pool
from tests.support.site import states

SAME_EVERY_TIME = """
resource "terraform_data" "it" {
  input = "made once"
  provisioner "local-exec" { command = "sh counted.sh" }
}
"""
IMPATIENT = Path(__file__).parents[2] / "support" / "impatient_worker.py"
PLAN_LOST = "The workspace could not be stored: the object storage does not answer"


def test_a_source_that_cannot_be_stored_fails_its_run_and_is_stored_for_the_next(house):
    stack = house.site.stack(house.site.repository(house.files()), autodeploy=True)

    with house.gate.away("refusing"):
        run = house.site.trigger(stack)
        failed = house.site.api.wait_for(run, "FAILED")

    assert failed["failureReason"] == "The object storage cannot be reached; try again."
    assert house.applied()[run] == 0
    house.check_next(stack)


def test_a_source_that_cannot_be_fetched_by_the_worker_fails_its_run_and_says_why(house):
    stack = house.stack(autodeploy=True)
    house.check_next(stack)  # by now its source is stored
    house.gate.hold("GET /gantry-metadata")
    run = house.site.trigger(stack)
    house.until(house.gate.waits, "the source to be asked for")

    with house.gate.away("refusing"):
        house.gate.let_through()
        failed = house.site.api.wait_for(run, "FAILED")

    assert failed["failureReason"] == (
        "The workspace could not be fetched: the object storage does not answer."
    )
    assert not failed["outcomeUnknown"]
    assert house.applied()[run] == 0
    house.check_let_go(stack, run)
    house.check_next(stack)


def test_a_plan_that_cannot_be_stored_fails_its_run_and_its_log_is_archived_later(house):
    stack = house.stack()
    run = house.planning(stack)
    lost = "select count(*) from run_log where run_id = %s and object_key is null"

    with house.gate.away("cut"):
        house.go_on(stack)
        failed = house.site.api.wait_for(run, "FAILED")
        house.until(lambda: any("run-logs" in p for _, p in house.gate.refused), "an attempt")
        said = house.site.api.whole_log(run)

    assert failed["failureReason"] == PLAN_LOST
    assert not failed["outcomeUnknown"]
    assert house.applied()[run] == 0
    house.check_let_go(stack, run)
    house.check_next(stack)
    # Whoever looks for logs that were forgotten comes once a minute, and may just have been.
    house.until(
        lambda: house.platform.rows(lost, run) == [(0,)], "its logs to be archived", seconds=150
    )
    assert house.site.api.whole_log(run) == said


def test_an_apply_saves_its_state_when_the_storage_is_back(house):
    stack = house.stack()
    run = house.applying(stack)

    with house.gate.away("refusing"):
        house.go_on(stack)
        refused = "select 1 from run where id = %s and state_refusal is not null"
        house.until(lambda: house.platform.rows(refused, run), "the state to be refused")

    house.site.api.wait_for(run, "FINISHED")
    house.check_applied(stack, run)
    house.check_next(stack)


def test_a_state_that_is_refused_to_the_end_is_kept_sealed_and_becomes_the_stacks_own(
    house, tmp_path
):
    pool = make_pool(house.site.api, "workers without patience")
    worker = house.platform.start_worker(
        pool,
        program=IMPATIENT,
        GANTRY_WORKER_RUNTIME="process",
        SPACELIFT_RUN_LOGS_ON_STANDARD_OUTPUT_ENABLED="true",
    )
    house.site.pool.workers.append(worker)
    code = house.site.repository({**house.files(), "main.tf": SAME_EVERY_TIME})
    stack = house.site.stack(code, workerPool=pool.id)
    run = house.applying(stack)

    with house.gate.away("refusing"):
        house.go_on(stack)
        failed = house.site.api.wait_for(run, "FAILED")
        # The store is still away: what is kept of the state lies elsewhere.
        listed = admin(house, "list")

    # It failed, says why and where the state is, and nothing happens to the stack meanwhile.
    assert "The state could not be saved" in failed["failureReason"]
    assert "The object storage cannot be reached" in failed["failureReason"]
    assert "`gantry admin unsaved-states` has it" in failed["failureReason"]
    assert house.applied()[run] == 1
    rows = house.platform.rows
    assert rows("select 1 from state_version where stack_id = %s", stack) == []
    assert house.site.look(stack, "lockedBy") == {"lockedBy": "system"}
    assert run in listed.stdout
    ((sealed,),) = rows("select sealed from unsaved_state where run_id = %s", run)
    with pytest.raises(gzip.BadGzipFile):  # the database has it, and not what it says
        gzip.decompress(sealed)
    house.check_let_go(stack, run)

    # Somebody looks at it, and makes it the stack's own.
    exported = tmp_path / "state.json"
    assert admin(house, "export", run, str(exported)).returncode == 0
    (made,) = json.loads(exported.read_text())["resources"]
    assert (made["type"], made["name"]) == ("terraform_data", "it")
    house.site.api.ask("mutation ($id: ID!) { stackLock(id: $id) { id } }", id=stack)
    house.site.api.ask(IMPORT, id=stack, state=exported.read_text())
    house.site.api.ask("mutation ($id: ID!) { stackUnlock(id: $id) { id } }", id=stack)
    assert admin(house, "delete", run).returncode == 0

    # What was made is in it: the next run has nothing to do.
    again = house.site.trigger(stack)
    ended = house.site.api.wait_for(again, "FINISHED")
    assert not any(ended["delta"].values())
    assert "APPLYING" not in states(ended)
    assert house.applied()[again] == 0
    house.check_let_go(stack, again)
    worker.terminate()
    assert worker.ended() == 0


def admin(house, *words: str):
    """What an operator does about states that nobody took."""
    return house.platform.run("admin", "unsaved-states", *words)


IMPORT = (
    "mutation ($id: ID!, $state: String!) { stackManagedStateImport(stackId: $id, state: $state) }"
)


def test_runs_take_longer_on_slow_storage_and_lose_nothing(house):
    stack = house.stack()

    with house.gate.slowly(0.5):
        run = house.site.trigger(stack)
        house.confirm(stack, run)

    house.check_applied(stack, run)
    house.check_next(stack)


def test_what_cannot_be_read_while_storage_is_away_is_not_said_to_be_gone(house):
    archived = "select run_id, state_version from run_log where object_key is not null limit 1"
    house.until(lambda: house.platform.rows(archived), "a log to be archived")
    ((run, version),) = house.platform.rows(archived)

    with house.gate.away("refusing"):
        answer = house.site.api.http.get(f"/logs/{run}/{version}")

    assert (answer.status_code, answer.json()["code"]) == (503, "STORAGE_UNAVAILABLE")
