"""Object storage that refuses, is cut off or is slow: runs end well later, or say why not."""

from __future__ import annotations

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
