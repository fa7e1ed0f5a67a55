"""A worker that is there says so; one that is not is noticed, and what it held has an end."""

from __future__ import annotations

import asyncio

import pytest
from gantry.domains.pools import repo as pools_repo
from gantry.domains.runs import decisions, repo
from gantry.domains.runs.states import State
from gantry.domains.stacks import service as stack_service
from gantry.domains.tfstate import service as states
from gantry.kernel.tx import SYSTEM
from gantry_protocol.calls import PhaseDone
from gantry_protocol.words import Phase

from tests.support.given import (
    ADMIN,
    ONE_CHANGE,
    STRANGER,
    everything,
    expiry,
    given_a_run,
    given_a_stack,
    given_a_task,
    given_a_worker,
    lease_runs_out,
    leases,
    plan_of,
    run_now,
    stack_now,
    state_of,
    sweep,
)

S = State


# -- heartbeats


async def test_a_beat_renews_a_lease(core, stack, worker):
    run = await given_a_run(core, stack)
    await worker.take(run)
    await lease_runs_out(core, run)
    before = await expiry(core, run)

    pulse = await worker.beat()

    assert pulse.alive == {run.id}
    assert await expiry(core, run) > before


async def test_a_beat_renews_only_what_is_the_workers_own(core, pool, stack, worker):
    mine = await given_a_run(core, stack)
    await worker.take(mine)
    theirs = await given_a_run(core, await given_a_stack(core, pool, "Database"))
    other = await given_a_worker(core, pool)
    await other.take(theirs)
    before = await leases(core), await expiry(core, mine), await expiry(core, theirs)

    pulse = await worker.beat((mine.id, 2), (mine.id, 0), (theirs.id, 1), ("nonsense", 1))

    assert pulse.alive == set()
    assert (await leases(core), await expiry(core, mine), await expiry(core, theirs)) == before


async def test_a_beat_tells_of_stops_only_for_the_workers_own_runs(core, pool, stack, worker):
    run = await given_a_run(core, stack)
    await worker.take(run)
    async with core.db.write(ADMIN) as tx:
        await decisions.stop(tx, stack.id, run.id, note=None)
    other = await given_a_worker(core, pool)

    assert (await other.beat((run.id, 1))).stopping == set()
    assert (await worker.beat()).stopping == {run.id}


async def test_a_beat_brings_back_a_worker_that_was_thought_gone(core, pool, worker):
    async with core.db.write(SYSTEM) as tx:
        await pools_repo.mark_gone(tx, worker.id)

    await worker.beat()

    async with core.db.read(SYSTEM) as tx:
        (found,) = (await pools_repo.present(tx, [pool.id]))[pool.id]
    assert found.id == worker.id


async def test_a_beat_after_the_run_was_taken_away_says_so(core, stack, worker):
    run = await given_a_run(core, stack)
    await worker.take(run)
    await lease_runs_out(core, run)
    await sweep(core)

    assert (await worker.beat()).alive == set()
    assert await state_of(core, run) is S.FAILED


# -- lost workers


@pytest.mark.parametrize(
    ("phases", "words"),
    [
        ([], "preparing"),
        ([Phase.PREPARE], "initializing"),
        ([Phase.PREPARE, Phase.INIT], "planning"),
    ],
)
async def test_a_worker_lost_before_it_changed_anything_fails_its_run(
    core, stack, worker, phases, words
):
    run = await given_a_run(core, stack)
    await worker.take(run)
    for phase in phases:
        await worker.done(run, phase)
    await lease_runs_out(core, run)

    await sweep(core)

    now = await run_now(core, run)
    assert (now.state, now.outcome_unknown) == (S.FAILED, False)
    assert now.failure.startswith(f"The worker {worker.id} was lost while {words}: nothing heard")
    assert (await stack_now(core, stack)).locked_at is None
    assert await leases(core) == []
    async with core.db.read(SYSTEM) as tx:
        last = (await repo.transitions(tx, [run.id]))[run.id][0]
    assert (last.note, last.worker_id) == (now.failure, worker.id)
    assert not (await worker.say(run, PhaseDone(phase=Phase.PREPARE))).accepted


async def test_a_worker_lost_while_it_prepares_an_apply_has_changed_nothing(core, stack, worker):
    run = await given_a_run(core, stack)
    await worker.plan(run, ONE_CHANGE)
    async with core.db.write(ADMIN) as tx:
        await decisions.confirm(tx, stack.id, run.id, note=None)
    await worker.take(run)
    await lease_runs_out(core, run)

    await sweep(core)

    now = await run_now(core, run)
    assert (now.state, now.outcome_unknown) == (S.FAILED, False)
    assert (await stack_now(core, stack)).locked_at is None


@pytest.mark.parametrize("doing", ["applying", "performing"])
async def test_a_worker_lost_while_it_changes_things_leaves_the_stack_locked(
    core, pool, worker, doing
):
    stack = await given_a_stack(core, pool, autodeploy=True)
    if doing == "applying":
        run = await given_a_run(core, stack)
        await worker.plan(run, ONE_CHANGE)
    else:
        run = await given_a_task(core, stack, skip_init=True)
        await worker.take(run)
        await worker.done(run, Phase.PREPARE)
    await lease_runs_out(core, run)

    await sweep(core)

    now, after = await run_now(core, run), await stack_now(core, stack)
    assert (now.state, now.outcome_unknown) == (S.FAILED, True)
    assert f"was lost while {doing}" in now.failure
    assert after.locked_by == "system"
    assert f"The outcome of run {run.id} is unknown" in after.lock_note
    assert "Compare the state" in after.lock_note
    async with core.db.read(ADMIN) as tx:
        assert list(await repo.unknown_outcomes(tx, [stack.id])) == [stack.id]
    async with core.db.read(STRANGER) as tx:
        assert await repo.unknown_outcomes(tx, [stack.id]) == {}


async def test_a_persons_lock_is_taken_over_or_their_next_run_would_start(core, pool, worker):
    stack = await given_a_stack(core, pool, autodeploy=True)
    run = await given_a_run(core, stack)
    behind = await given_a_run(core, stack)
    await worker.plan(run, ONE_CHANGE)
    async with core.db.write(ADMIN) as tx:
        await stack_service.lock(tx, stack.id, note="mine")
    await lease_runs_out(core, run)

    await sweep(core)

    after = await stack_now(core, stack)
    assert after.locked_by == "system"
    assert "It was locked by admin::ada before" in after.lock_note
    assert (await run_now(core, run)).outcome_unknown
    assert await state_of(core, behind) is S.QUEUED


async def test_a_lease_that_was_renewed_in_time_is_left_alone(core, stack, worker):
    run = await given_a_run(core, stack)
    await worker.take(run)
    before = await everything(core)

    await asyncio.gather(*(sweep(core) for _ in range(4)))

    assert await everything(core) == before


async def test_after_an_outage_workers_have_their_full_time_to_come_back(core, stack, worker):
    run = await given_a_run(core, stack)
    await worker.take(run)
    await lease_runs_out(core, run)
    await core.change("update lease_sweep set at = now() - interval '5 minutes'")

    await sweep(core)
    assert await state_of(core, run) is S.PREPARING
    assert (await worker.beat()).alive == {run.id}

    await lease_runs_out(core, run)  # and once more, though nothing was in the way
    await sweep(core)
    assert await state_of(core, run) is S.FAILED


@pytest.mark.parametrize(("gap", "ends"), [("14 seconds", True), ("16 seconds", False)])
async def test_an_outage_that_a_lease_may_not_outlive_prolongs_it(core, stack, worker, gap, ends):
    run = await given_a_run(core, stack)
    await worker.take(run)
    await lease_runs_out(core, run)
    await core.change(f"update lease_sweep set at = now() - interval '{gap}'")

    await sweep(core)

    assert await state_of(core, run) is (S.FAILED if ends else S.PREPARING)


async def test_four_reconcilers_at_once_end_a_lost_run_once(core, pool, stack, worker):
    run = await given_a_run(core, stack)
    behind = await given_a_run(core, stack)
    await worker.take(run)
    await lease_runs_out(core, run)

    await asyncio.gather(*(sweep(core) for _ in range(4)))

    assert (await run_now(core, run)).state_version == 3
    assert await state_of(core, behind) is S.READY


async def test_a_report_and_the_reconciler_at_once_leave_one_end(core, pool):
    for n in range(5):
        worker = await given_a_worker(core, pool)
        run = await given_a_run(core, await given_a_stack(core, pool, f"Stack {n}"))
        await worker.take(run)
        await worker.done(run, Phase.PREPARE, Phase.INIT)
        await lease_runs_out(core, run)

        verdict, _ = await asyncio.gather(worker.say(run, plan_of()), sweep(core))

        now = await run_now(core, run)
        assert now.state is (S.FINISHED if verdict.accepted else S.FAILED)
        assert now.state_version == 5


async def test_what_a_lost_run_held_of_the_state_is_free(core, stack, worker):
    run = await given_a_run(core, stack)
    await worker.take(run)
    await worker.done(run, Phase.PREPARE, Phase.INIT)
    async with core.db.write(SYSTEM) as tx:
        await states.lock(tx, stack.id, {"ID": "abc", "Who": "run"}, run_id=run.id)
    await lease_runs_out(core, run)

    await sweep(core)

    assert await core.rows("select 1 from state_lock") == []
