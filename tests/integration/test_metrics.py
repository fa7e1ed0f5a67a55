"""What those who watch an installation read: counts of this process, and how all of it stands."""

from __future__ import annotations

import time

import pytest
from gantry.apps.metering import readings
from gantry.domains.runs import decisions
from gantry.domains.runs import repo as runs
from gantry.infra.meter import Meter
from gantry.kernel.tx import SYSTEM
from gantry_protocol.words import Phase
from prometheus_client.parser import text_string_to_metric_families

from tests.support.given import (
    given_a_pool,
    given_a_run,
    given_a_stack,
    given_a_task,
    given_a_worker,
)


@pytest.fixture
def meter(core):
    """Counts what this test makes true."""
    return core.meter


async def values(core, meter):
    """{(name, labels): value} of a page."""
    page = meter.page(await readings(core.db)).decode()
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


async def test_a_run_that_waits_and_the_workers_that_could_take_it_are_counted(core, meter):
    pool = await given_a_pool(core)
    await given_a_worker(core, pool)
    await given_a_run(core, await given_a_stack(core, pool))

    found = await values(core, meter)

    assert found["gantry_queue_runs", (pool.id,)] == 1
    assert 0 <= found["gantry_queue_oldest_seconds", (pool.id,)] < 60
    assert found["gantry_workers", (pool.id, "idle")] == 1
    assert found["gantry_runs_unfinished", ("READY",)] == 1
    assert found["gantry_run_moves_total", ("TRACKED", "READY")] == 1


async def test_a_run_that_is_taken_makes_its_worker_busy_and_its_states_are_timed(core, meter):
    pool = await given_a_pool(core)
    worker = await given_a_worker(core, pool)
    run = await given_a_run(core, await given_a_stack(core, pool))

    await worker.take(run)
    await worker.done(run, Phase.PREPARE)

    found = await values(core, meter)
    assert ("gantry_queue_runs", (pool.id,)) not in found
    assert found["gantry_workers", (pool.id, "busy")] == 1
    assert found["gantry_run_state_seconds_count", ("PREPARING",)] == 1
    assert found["gantry_run_state_seconds_sum", ("PREPARING",)] >= 0


async def test_what_was_undone_is_not_counted(core, meter):
    pool = await given_a_pool(core)
    run = await given_a_run(core, await given_a_stack(core, pool))
    before = await values(core, meter)

    with pytest.raises(ZeroDivisionError):
        await _lose_in_vain(core, run)

    after = await values(core, meter)
    assert after["gantry_runs_lost_total", ("unknown",)] == 0
    assert after["gantry_runs_lost_total", ("known",)] == 0
    assert after["gantry_run_moves_total", ("TRACKED", "READY")] == 1
    assert ("gantry_run_moves_total", ("TRACKED", "FAILED")) not in after
    assert before["gantry_runs_unfinished", ("READY",)] == 1


async def _lose_in_vain(core, run):
    async with core.db.write(SYSTEM) as tx:
        stack, held = await runs.lock(tx, run.id)
        await decisions.end_without_worker(tx, stack, held, "in vain")
        raise ZeroDivisionError


async def test_a_run_lost_while_it_changed_things_is_counted_and_its_stack_shows(core, meter):
    pool = await given_a_pool(core)
    worker = await given_a_worker(core, pool)
    task = await given_a_task(core, await given_a_stack(core, pool), skip_init=True)
    await worker.take(task)
    await worker.done(task, Phase.PREPARE)

    async with core.db.write(SYSTEM) as tx:
        stack, run = await runs.lock(tx, task.id)
        await decisions.end_without_worker(tx, stack, run, "its worker was lost")

    found = await values(core, meter)
    assert found["gantry_runs_lost_total", ("unknown",)] == 1
    assert found["gantry_stacks_locked", ("system",)] == 1
    assert found["gantry_stacks_locked", ("people",)] == 0


async def test_jobs_are_counted_by_how_they_stand(core, meter):
    pool = await given_a_pool(core)
    worker = await given_a_worker(core, pool)
    run = await given_a_run(core, await given_a_stack(core, pool))
    await worker.take(run)
    await worker.fail(run, Phase.PREPARE)  # its log is to be archived
    before = await values(core, meter)
    assert before["gantry_jobs", ("async", "todo")] >= 1
    assert 0 <= before["gantry_jobs_oldest_seconds", ("async", "todo")] < 60

    await core.drain()

    after = await values(core, meter)
    assert ("gantry_jobs", ("async", "todo")) not in after
    assert after["gantry_job_seconds_count", ("logs.archive", "done")] == 1


async def test_how_long_a_job_was_due_is_measured_by_the_databases_clock(core, meter):
    """Also of one that is tried again: it was not due while it paused."""
    async with core.queue.open_async():
        await core.queue.configure_task("runs.promote").defer_async(stack_id="none")
        await core.queue.configure_task("vcs.reconcile").defer_async(timestamp=int(time.time()) - 7)
    await core.change(
        "update procrastinate_events e set at = now() - interval '100 seconds'"
        " from procrastinate_jobs j where j.id = e.job_id and j.task_name = 'runs.promote'"
    )
    await core.change(
        "update procrastinate_jobs set scheduled_at = now() - interval '20 seconds'"
        " where task_name = 'runs.promote'"
    )

    await core.drain()

    found = await values(core, meter)
    assert found["gantry_job_wait_seconds_count", ("runs.promote",)] == 1
    assert 20 <= found["gantry_job_wait_seconds_sum", ("runs.promote",)] < 50
    assert 7 <= found["gantry_job_wait_seconds_sum", ("vcs.reconcile",)] < 37


def test_the_connection_to_an_external_broker_is_measured_where_there_is_one():
    counting = Meter()
    assert b"gantry_broker_up" not in counting.page()

    counting.broker(True)
    assert b"\ngantry_broker_up 1.0\n" in counting.page()
    counting.broker(False)
    assert b"\ngantry_broker_up 0.0\n" in counting.page()
