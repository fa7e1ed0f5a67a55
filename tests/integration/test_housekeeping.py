"""What nobody needs any more goes, and what failed says why."""

from __future__ import annotations

import pytest
from gantry.domains.runs import decisions, logbook
from gantry.infra import job_failures, queue, queue_admin
from gantry.infra.db import libpq_url
from gantry.kernel.errors import UserError
from gantry.ports.objects import Bucket, StorageDown
from procrastinate.exceptions import ConnectorException

from tests.support.given import (
    ADMIN,
    ONE_CHANGE,
    given_a_pool,
    given_a_run,
    given_a_stack,
    given_a_worker,
)

# -- workspaces


async def test_the_workspace_of_a_run_goes_when_the_run_has_ended(core):
    pool = await given_a_pool(core)
    stack = await given_a_stack(core, pool)
    worker = await given_a_worker(core, pool)
    run = await given_a_run(core, stack)
    await core.objects.put(Bucket.WORKSPACE, f"{run.id}/workspace", b"sealed")
    await worker.plan(run, ONE_CHANGE)

    await _do(core, "runs.forget_workspaces")
    assert await core.objects.size(Bucket.WORKSPACE, f"{run.id}/workspace") == 6

    async with core.db.write(ADMIN) as tx:
        await decisions.discard(tx, stack.id, run.id, note=None)
    for _ in range(2):
        await _do(core, "runs.forget_workspaces")
    assert await core.objects.size(Bucket.WORKSPACE, f"{run.id}/workspace") is None
    assert await core.rows("select workspace_key from run") == [(None,)]


# -- logs


async def test_one_logs_trouble_does_not_keep_the_others_from_their_archive(core, monkeypatch):
    done = []

    async def archive(db, objects, *, run_id, state_version):
        if state_version == 1:
            raise ValueError("a log like no other")
        done.append(state_version)

    monkeypatch.setattr(logbook, "archive", archive)

    with pytest.raises(ValueError, match="like no other"):
        await logbook.archive_each(core.db, core.objects, [("R", 0), ("R", 1), ("R", 2)])

    assert done == [0, 2]


async def test_storage_that_is_away_is_not_asked_for_every_log(core, monkeypatch):
    asked = []

    async def archive(db, objects, *, run_id, state_version):
        asked.append(state_version)
        raise StorageDown("away")

    monkeypatch.setattr(logbook, "archive", archive)

    with pytest.raises(StorageDown):
        await logbook.archive_each(core.db, core.objects, [("R", 0), ("R", 1)])

    assert asked == [0]


# -- jobs


@pytest.fixture
async def failing(core):
    """A queue whose two jobs fail, one of them a periodic one."""

    async def fail(**_):
        raise UserError("The sentence.", detail="the detail\nin two lines")

    app = queue.open_queue(libpq_url(core.url))

    async def remember(job_id, error):
        await job_failures.remember(core.db.engine, job_id, error)

    queue.serve(app, {"once": fail, "tick": fail}, remember=remember)
    async with app.open_async():
        once = await app.configure_task("once", queue=queue.ORDINARY_QUEUE).defer_async(a=1)
        tick = await app.configure_task(
            "tick", queue=queue.PERIODIC_QUEUE, queueing_lock="tick"
        ).defer_async()
        for _ in range(queue.MAX_ATTEMPTS):
            await app.run_worker_async(wait=False, install_signal_handlers=False)
            await core.change("update procrastinate_jobs set scheduled_at = null")
        yield app, once, tick


async def test_a_failed_job_is_listed_with_why_it_failed(core, failing):
    _, once, _ = failing
    rows = {row.id: row for row in await queue_admin.jobs(core.db.engine, "failed", 50)}

    assert rows[once].reason == "UserError: The sentence. the detail in two lines"
    assert rows[once].attempts == queue.MAX_ATTEMPTS


async def test_a_periodic_job_that_was_given_up_does_not_bury_the_others(core, failing):
    _, once, tick = failing
    assert {row.id for row in await queue_admin.jobs(core.db.engine, "failed", 50)} == {once, tick}

    await job_failures.forget(core.db.engine)

    assert [row.id for row in await queue_admin.jobs(core.db.engine, "failed", 50)] == [once]
    assert await core.rows("select job_id from job_failure") == [(once,)]


async def test_a_job_of_which_another_waits_is_left_alone_and_the_rest_is_retried(core, failing):
    app, once, tick = failing
    waits = app.configure_task("tick", queue=queue.PERIODIC_QUEUE, queueing_lock="tick")
    await waits.defer_async()

    assert await queue_admin.retry(core.db.engine, [tick, once, 10**9]) == [once]

    (row,) = await queue_admin.jobs(core.db.engine, "failed", 50)
    assert row.id == tick


async def _do(core, name):
    async with core.queue.open_async():
        await core.queue.configure_task(name, queue=queue.ORDINARY_QUEUE).defer_async()
    await core.drain()


async def test_a_job_of_a_newer_release_is_left_to_a_newer_drain(core, monkeypatch):
    newer = queue.open_queue(libpq_url(core.url))
    done = []
    queue.serve(newer, {"later.invented": _note(done)})
    async with newer.open_async():
        await newer.configure_task("later.invented", queue=queue.ORDINARY_QUEUE).defer_async(a=1)
        await _work(core)
        (left,) = await core.rows(
            "select status::text, scheduled_at > now() from procrastinate_jobs"
        )
        assert left == ("todo", True)

        await core.change("update procrastinate_jobs set scheduled_at = null")
        await newer.run_worker_async(wait=False, install_signal_handlers=False)

    assert done == [1]


async def test_a_job_that_no_release_knows_fails_in_the_end(core):
    async with core.queue.open_async():
        unknown = core.queue.configure_task(
            "never.known", queue=queue.ORDINARY_QUEUE, allow_unknown=True
        )
        await unknown.defer_async()
    await core.change("update procrastinate_jobs set attempts = :times", times=queue.LEAVE_TIMES)

    await _work(core)

    assert await core.rows("select status::text from procrastinate_jobs") == [("failed",)]


def _note(done):
    async def note(a):
        done.append(a)

    return note


async def _work(core):
    """What a drain does that finds nothing more to do."""
    async with core.queue.open_async():
        await core.queue.run_worker_async(
            wait=False, listen_notify=False, install_signal_handlers=False
        )


# -- a drain that lives on


async def test_a_drains_heart_beats_on_after_the_database_was_away(core, monkeypatch):
    """Its jobs would be done by others beside it."""
    app = queue.open_queue(libpq_url(core.url))
    monkeypatch.setattr(queue, "LISTEN_AGAIN_SECONDS", 0.01)
    async with app.open_async():
        worker_id = await app.job_manager.register_worker()
        await core.change("update procrastinate_workers set last_heartbeat = 'epoch'")
        working, failures = app.connector.execute_query_async, 2

        async def failing(*words, **values):
            nonlocal failures
            if failures:
                failures -= 1
                raise ConnectorException("the server closed the connection")
            return await working(*words, **values)

        monkeypatch.setattr(app.connector, "execute_query_async", failing)
        await app.job_manager.update_heartbeat(worker_id)

        assert failures == 0
        beats = await core.rows(
            "select last_heartbeat > now() - interval '1 minute' from procrastinate_workers"
        )
        assert beats == [(True,)]
        await app.job_manager.unregister_worker(worker_id)


# -- what comes when it is due


async def test_a_job_that_would_find_nothing_is_started_once_a_minute_only(core):
    async def nothing() -> None:
        pass

    minute = 60 * 29_000_000
    own = queue.open_queue(libpq_url(core.url))
    queue.serve(own, {"keys.rekey": nothing, "runs.reconcile": nothing})
    tasks = {
        name: own.periodic_registry.register_task(
            task=own.tasks[name], cron="* * * * * *", periodic_id=name, configure_kwargs={}
        )
        for name in ("keys.rekey", "runs.reconcile")
    }
    keeper = queue._Deferrer(own.periodic_registry, lambda name: name == "keys.rekey")

    async with own.open_async():
        due = [minute, minute + 5, minute + 55, minute + 60]
        await keeper.defer_jobs([(tasks["keys.rekey"], at) for at in due])
        await keeper.defer_jobs([(tasks["runs.reconcile"], minute + 5)])

    started = await core.rows(
        "select task_name, (args->>'timestamp')::int from procrastinate_jobs order by id"
    )
    assert started == [
        ("keys.rekey", minute),
        ("keys.rekey", minute + 60),
        ("runs.reconcile", minute + 5),
    ]
