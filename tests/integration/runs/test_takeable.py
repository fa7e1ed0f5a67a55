"""A run that waits for a worker and that none may ever be given comes to an end, and says why."""

from __future__ import annotations

import json

from gantry.domains.runs import decisions, leasing, takeable, waiting
from gantry.domains.runs.states import State
from gantry.domains.runs.waiting import Owner, Reason, Until
from gantry.domains.vcs import service as vcs
from gantry.kernel.tx import SYSTEM
from gantry_protocol.words import Phase

from tests.support.given import (
    ADMIN,
    ONE_CHANGE,
    everything,
    given_a_run,
    given_a_state,
    history,
    run_now,
    state_of,
    sweep,
    write_state,
)

S = State
GONE = "The repository does not answer any more."


async def settled(core, run, state: str, error: str | None = None) -> None:
    """The commit of the run comes into a state behind the services."""
    await core.change(
        'update "commit" set state = :state, error = :error, stored_at = null, wanted_at = now()'
        " where id = :id",
        state=state,
        error=error,
        id=run.commit_id,
    )


async def grows_old(core) -> None:
    """Every tree may have left its bucket."""
    await core.change("update \"commit\" set stored_at = now() - interval '25 hours'")


async def condition(core, run):
    async with core.db.read(ADMIN) as tx:
        return (await waiting.conditions(tx, [run.id])).get(run.id)


async def fetches(core) -> int:
    """Fetches that wait for a drain."""
    rows = await core.rows(
        "select count(*) from procrastinate_jobs where task_name = 'vcs.fetch' and status = 'todo'"
    )
    return int(str(rows[0][0]))


# -- ready


async def test_a_ready_run_whose_source_cannot_be_had_fails_without_any_worker(core, stack):
    run = await given_a_run(core, stack)
    behind = await given_a_run(core, stack)
    await settled(core, run, "FAILED", GONE)

    await sweep(core)

    now = await run_now(core, run)
    assert (now.state, now.failure) == (S.FAILED, GONE)
    assert await history(core, run) == [S.QUEUED, S.READY, S.FAILED]
    # It was of the same commit, and held nothing: it ends the same way, and the stack is free.
    assert await state_of(core, behind) is S.FAILED
    assert await fetches(core) == 0


async def test_a_worker_that_asks_does_not_have_a_failed_source_fetched_for_ever(
    core, stack, worker
):
    run = await given_a_run(core, stack)
    await settled(core, run, "FAILED", GONE)

    assert await worker.claim() is None

    now = await run_now(core, run)
    assert (now.state, now.failure) == (S.FAILED, GONE)
    assert await fetches(core) == 0
    await worker.claim()
    assert await fetches(core) == 0


async def test_when_a_tree_that_grew_old_cannot_be_fetched_again_its_ready_run_ends(
    core, stack, worker, monkeypatch
):
    run = await given_a_run(core, stack)
    await grows_old(core)
    assert await worker.claim() is None
    assert await fetches(core) == 1
    waits = await condition(core, run)
    assert (waits.reason, waits.owner) == (Reason.SOURCE, Owner.PLATFORM)

    async def away(*_: object, **__: object) -> None:
        raise vcs.RepositoryUnreachable(GONE)

    monkeypatch.setattr(vcs, "PAUSE", 0.0)
    monkeypatch.setattr(core.sources, "fetch", away)
    await core.drain()

    now = await run_now(core, run)
    assert (now.state, now.failure) == (S.FAILED, GONE)
    assert await worker.claim() is None
    assert await fetches(core) == 0


async def test_a_tree_that_grew_old_is_fetched_again_and_its_run_is_taken(core, stack, worker):
    run = await given_a_run(core, stack)
    await grows_old(core)
    assert await worker.claim() is None

    await core.drain()

    assert await condition(core, run) is not None
    assert (await worker.take(run)).commit is not None


async def test_a_ready_run_waits_for_its_source_and_says_until_when(core, stack, worker):
    run = await given_a_run(core, stack)
    await settled(core, run, "WANTED")

    found = await condition(core, run)

    ((wanted_at,),) = await core.rows(
        'select wanted_at from "commit" where id = :id', id=run.commit_id
    )
    assert (found.reason, found.owner, found.until) == (
        Reason.SOURCE,
        Owner.PLATFORM,
        Until.DEADLINE,
    )
    assert found.deadline == wanted_at + 2 * vcs.FORGOTTEN_AFTER
    before = await everything(core)
    await sweep(core)
    assert await worker.claim() is None
    assert await state_of(core, run) is S.READY
    assert [row for row in await everything(core) if row[0] == "run"] == [
        row for row in before if row[0] == "run"
    ]


async def test_a_run_that_is_retried_has_its_source_wanted_again(core, stack):
    run = await given_a_run(core, stack)
    await settled(core, run, "FAILED", GONE)
    await sweep(core)

    await given_a_run(core, stack)

    assert await fetches(core) == 1


async def test_a_fetch_that_is_forgotten_twice_is_given_up(core, stack):
    run = await given_a_run(core, stack, sha=core.source.side)
    await core.change("delete from procrastinate_jobs")

    for expected in ("WANTED", "FAILED"):
        await core.change("update \"commit\" set wanted_at = now() - interval '1 hour'")
        async with core.db.write(SYSTEM) as tx:
            await vcs.reconcile(tx)
        await core.change("delete from procrastinate_jobs where task_name = 'vcs.fetch'")
        ((state,),) = await core.rows('select state from "commit" where id = :id', id=run.commit_id)
        assert state == expected
        assert await state_of(core, run) is S.QUEUED
    await core.drain()

    now = await run_now(core, run)
    assert (now.state, now.failure) == (S.FAILED, vcs.GIVEN_UP)


async def test_an_error_that_nobody_foresaw_ends_the_fetch_and_its_runs(core, stack, monkeypatch):
    run = await given_a_run(core, stack, sha=core.source.side)

    async def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a bug, which may quote https://user:password@host")

    monkeypatch.setattr(vcs, "PAUSE", 0.0)
    monkeypatch.setattr(core.sources, "fetch", broken)
    await core.drain()

    now = await run_now(core, run)
    assert (now.state, now.failure) == (S.FAILED, vcs.NOT_FORESEEN)


# -- confirmed, and to be planned again


async def test_a_confirmed_run_does_not_need_its_source_any_more(core, stack, worker):
    run = await given_a_run(core, stack)
    await worker.plan(run, ONE_CHANGE)
    async with core.db.write(ADMIN) as tx:
        await decisions.confirm(tx, stack.id, run.id, note=None)
    await settled(core, run, "FAILED", GONE)

    await sweep(core)
    await takeable.source_settled(core.db, commit_id=run.commit_id)

    assert await state_of(core, run) is S.CONFIRMED
    found = await condition(core, run)
    assert (found.reason, found.until) == (Reason.NO_WORKER, Until.WORKER_FREE)
    await worker.apply(run)
    assert await state_of(core, run) is S.FINISHED


async def test_a_run_to_be_planned_again_does_not_need_its_source_any_more(core, stack, worker):
    run = await given_a_run(core, stack)
    await worker.plan(run, ONE_CHANGE)
    async with core.db.write(ADMIN) as tx:
        await decisions.replan(tx, stack.id, run.id, targets=["null_resource.a"])
    await settled(core, run, "FAILED", GONE)

    await sweep(core)

    assert await state_of(core, run) is S.REPLAN_REQUESTED
    await worker.take(run)
    await worker.done(run, Phase.PREPARE)


async def test_a_confirmed_plan_of_an_older_state_ends_without_any_worker(core, stack, worker):
    await given_a_state(core, stack)
    run = await given_a_run(core, stack)
    await worker.plan(run, ONE_CHANGE)
    async with core.db.write(ADMIN) as tx:
        await decisions.confirm(tx, stack.id, run.id, note=None)
    await sweep(core)
    assert await state_of(core, run) is S.CONFIRMED

    state = {"version": 4, "serial": 2, "lineage": "ours", "outputs": {}, "resources": []}
    await write_state(core, stack, json.dumps(state).encode())
    await sweep(core)

    now = await run_now(core, run)
    assert now.state is S.FAILED
    assert now.failure == (
        "The plan was made for state serial 1; the state is at 2 now."
        " Discard this run and trigger a new one."
    )


# -- at work


async def test_a_run_at_work_that_nobody_holds_ends(core, stack, worker):
    run = await given_a_run(core, stack)
    await worker.take(run)
    await core.change("delete from run_lease")
    found = await condition(core, run)
    assert (found.owner, found.until) == (Owner.PLATFORM, Until.DEADLINE)

    await leasing.reconcile(core.db, lasts=leasing.AWAY)

    now = await run_now(core, run)
    assert now.state is S.FAILED
    assert now.failure == "No worker holds the run, which was preparing"
