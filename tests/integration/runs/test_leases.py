"""One worker has a run, and only it may speak for it."""

from __future__ import annotations

import asyncio

import pytest
from gantry.domains.pools import service as pools
from gantry.domains.runs import decisions, leasing
from gantry.domains.runs.states import State
from gantry_protocol.calls import Applied, Failed, PhaseDone, Stopped
from gantry_protocol.words import Phase, Then

from tests.support.given import (
    ADMIN,
    ONE_CHANGE,
    Hand,
    everything,
    expiry,
    given_a_pool,
    given_a_run,
    given_a_stack,
    given_a_worker,
    lease_runs_out,
    leases,
    plan_of,
    run_now,
    state_of,
    write_state,
)

S = State


# -- winning a run


async def test_of_fifty_workers_exactly_one_wins_a_run(core, pool, stack):
    workers = [await given_a_worker(core, pool) for _ in range(50)]
    run = await given_a_run(core, stack)

    claims = await asyncio.gather(*(worker.claim() for worker in workers))

    (winner,) = [worker for worker, claim in zip(workers, claims, strict=True) if claim]
    assert await leases(core) == [(run.id, winner.id, 1)]
    now = await run_now(core, run)
    assert (now.state, now.fence, now.state_version) == (S.PREPARING, 1, 2)


async def test_of_many_runs_each_goes_to_one_worker(core, pool):
    runs = [
        await given_a_run(core, await given_a_stack(core, pool, f"Stack {n}")) for n in range(6)
    ]
    workers = [await given_a_worker(core, pool) for _ in range(8)]

    for _ in range(3):  # one that met another's run on each try asks again, as workers do
        await asyncio.gather(*(worker.claim() for worker in workers))

    held = await leases(core)
    assert [run_id for run_id, _, _ in held] == sorted(run.id for run in runs)
    assert len({worker_id for _, worker_id, _ in held}) == 6


async def test_a_worker_has_no_more_runs_than_it_takes(core, pool):
    for n in range(4):
        await given_a_run(core, await given_a_stack(core, pool, f"Stack {n}"))
    worker = await given_a_worker(core, pool, concurrency=2)

    # Ten requests at once: the row of the worker keeps them apart.
    claims = await asyncio.gather(*(worker.claim() for _ in range(10)))

    assert len({claim.run.id for claim in claims if claim}) == 2
    assert len(await leases(core)) == 2
    assert await worker.claim() is None


async def test_a_worker_that_is_done_may_have_the_next_run(core, pool, stack, worker):
    first = await given_a_run(core, stack)
    other = await given_a_run(core, await given_a_stack(core, pool, "Database"))
    await worker.take(first)
    assert await worker.claim() is None

    await worker.fail(first, Phase.PREPARE)

    assert (await worker.claim()).run.id == other.id


@pytest.mark.parametrize("order", ["drained", "cycled"])
async def test_a_worker_that_is_to_take_nothing_gets_nothing(core, pool, stack, worker, order):
    run = await given_a_run(core, stack)
    async with core.db.write(ADMIN) as tx:
        if order == "drained":
            await pools.set_drained(tx, pool.id, worker.id, drain=True)
        else:
            await pools.cycle(tx, pool.id)
    before = await everything(core)

    assert await worker.claim() is None

    assert await everything(core) == before
    assert await state_of(core, run) is S.READY
    if order == "drained":
        async with core.db.write(ADMIN) as tx:
            await pools.set_drained(tx, pool.id, worker.id, drain=False)
        await worker.take(run)


async def test_a_drained_worker_finishes_what_it_holds(core, pool, stack, worker):
    run = await given_a_run(core, stack)
    await worker.take(run)
    async with core.db.write(ADMIN) as tx:
        await pools.set_drained(tx, pool.id, worker.id, drain=True)

    await worker.done(run, Phase.PREPARE, Phase.INIT)

    assert (await worker.beat()).alive == {run.id}
    assert (await worker.say(run, plan_of())).state == "FINISHED"


async def test_a_worker_of_another_pool_gets_nothing(core, stack):
    run = await given_a_run(core, stack)
    other = await given_a_pool(core, "others", key=1)
    worker = await given_a_worker(core, other)

    assert await worker.claim() is None
    # Nor when it names the pool of the run.
    own = await given_a_pool(core, "third")
    assert await Hand(core, own, worker.id).claim() is None
    assert await state_of(core, run) is S.READY
    assert await leases(core) == []


async def test_nobody_who_has_not_registered_gets_a_run(core, pool, stack):
    run = await given_a_run(core, stack)
    assert await Hand(core, pool, "01ARZ3NDEKTSV4RRFFQ69G5FAV").claim() is None
    assert await state_of(core, run) is S.READY


async def test_workers_of_a_key_that_was_replaced_get_nothing(core, pool, stack, worker):
    run = await given_a_run(core, stack)
    async with core.db.write(ADMIN) as tx:
        fresh = await pools.reset(
            tx, core.authority, core.reach, pool.id, request=core.keys.pool_requests[1]
        )

    assert await Hand(core, fresh, worker.id).claim() is None
    assert await state_of(core, run) is S.READY
    newcomer = await given_a_worker(core, fresh)
    await newcomer.take(run)


async def test_each_lease_has_a_higher_fence(core, stack, worker):
    run = await given_a_run(core, stack)
    await worker.plan(run, ONE_CHANGE)
    assert worker.held[run.id] == 1
    async with core.db.write(ADMIN) as tx:
        await decisions.confirm(tx, stack.id, run.id, note=None)

    await worker.take(run)

    assert worker.held[run.id] == 2
    assert (await run_now(core, run)).fence == 2


async def test_a_lease_whose_offer_was_lost_is_offered_again(core, stack, worker):
    run = await given_a_run(core, stack)
    first = await worker.take(run)
    await lease_runs_out(core, run)
    before = await expiry(core, run)
    worker.held.clear()  # the answer never came

    again = await worker.claim()

    assert (again.run.id, again.fence) == (run.id, first.fence)
    assert await expiry(core, run) > before
    assert (await run_now(core, run)).state_version == 2
    assert await worker.claim() is None  # now it knows
    await worker.done(run, Phase.PREPARE)


async def test_a_worker_that_holds_a_run_without_knowing_is_not_taken_for_available(
    core, stack, worker
):
    await given_a_run(core, stack)
    claim = await worker.claim()

    lost = await leasing.note_idle(core.db, worker.id)

    assert lost is not None
    assert lost.available_at is None
    known = await leasing.note_idle(core.db, worker.id, known=[(claim.run.id, claim.fence)])
    assert known is not None
    assert known.available_at is not None
    assert await leasing.note_idle(core.db, "nobody") is None


async def test_a_run_that_its_worker_has_begun_is_not_offered_again(core, stack, worker):
    run = await given_a_run(core, stack)
    await worker.take(run)
    await worker.done(run, Phase.PREPARE)
    worker.held.clear()

    assert await worker.claim() is None
    assert await state_of(core, run) is S.INITIALIZING


async def test_what_one_worker_has_won_is_not_offered_to_another(core, pool, stack, worker):
    await worker.take(await given_a_run(core, stack))
    other = await given_a_worker(core, pool)
    assert await other.claim() is None


# -- speaking for a run


REPORTS = [
    PhaseDone(phase=Phase.PREPARE),
    Failed(phase=Phase.PREPARE, reason="x"),
    Stopped(phase=Phase.PREPARE),
    plan_of(ONE_CHANGE, key="k"),
    Applied(wrapped_up=True),
]


@pytest.mark.parametrize("told", REPORTS, ids=lambda told: told.kind)
async def test_a_report_under_a_stale_fence_is_answered_and_changes_nothing(
    core, stack, worker, told
):
    run = await given_a_run(core, stack)
    await worker.take(run)
    before = await everything(core)

    for fence in (0, 2, -1):
        verdict = await worker.say(run, told, fence=fence)
        assert (verdict.accepted, verdict.state) == (False, "PREPARING")
        assert verdict.reason == "the run is no longer yours"

    assert await everything(core) == before


async def test_another_worker_with_the_right_fence_is_refused_too(core, pool, stack, worker):
    run = await given_a_run(core, stack)
    await worker.take(run)
    other = await given_a_worker(core, pool)
    before = await everything(core)

    verdict = await other.say(run, PhaseDone(phase=Phase.PREPARE), fence=1)

    assert not verdict.accepted
    assert await everything(core) == before


async def test_a_worker_that_another_pool_names_is_refused_too(core, stack, worker):
    run = await given_a_run(core, stack)
    await worker.take(run)
    other = await given_a_pool(core, "others", key=1)
    before = await everything(core)

    verdict = await Hand(core, other, worker.id).say(run, PhaseDone(phase=Phase.PREPARE), fence=1)

    assert not verdict.accepted
    assert await everything(core) == before


async def test_a_workspace_of_another_run_is_not_taken(core, pool, stack, worker):
    other = await given_a_run(core, await given_a_stack(core, pool, "Database"))
    run = await given_a_run(core, stack)
    await (await given_a_worker(core, pool)).claim()
    await worker.take(run)
    await worker.done(run, Phase.PREPARE, Phase.INIT)
    before = await everything(core)

    verdict = await worker.say(run, plan_of(ONE_CHANGE, key=f"{other.id}/workspace"))

    assert not verdict.accepted
    assert await everything(core) == before


async def test_a_report_on_a_run_that_does_not_exist_is_answered(core, worker):
    verdict = await worker.say(
        "01ARZ3NDEKTSV4RRFFQ69G5FAV", PhaseDone(phase=Phase.PREPARE), fence=1
    )
    assert (verdict.accepted, verdict.reason) == (False, "there is no such run")


async def test_the_worker_of_the_plan_cannot_speak_for_the_apply(core, pool, stack, worker):
    run = await given_a_run(core, stack)
    await worker.plan(run, ONE_CHANGE)
    async with core.db.write(ADMIN) as tx:
        await decisions.confirm(tx, stack.id, run.id, note=None)
    other = await given_a_worker(core, pool)
    await other.take(run)
    before = await everything(core)

    verdict = await worker.say(run, Failed(phase=Phase.PREPARE, reason="late"))

    assert not verdict.accepted
    assert await everything(core) == before
    await other.done(run, Phase.PREPARE)


async def test_a_report_whose_answer_was_lost_is_answered_the_same_again(core, stack, worker):
    run = await given_a_run(core, stack)
    await worker.take(run)

    for phase in (Phase.PREPARE, Phase.INIT):
        first = await worker.say(run, PhaseDone(phase=phase))
        before = await everything(core)
        again = await worker.say(run, PhaseDone(phase=phase))
        assert again == first
        assert await everything(core) == before


async def test_a_plan_whose_answer_was_lost_is_deployed_once(core, pool, worker):
    stack = await given_a_stack(core, pool, autodeploy=True)
    run = await given_a_run(core, stack)
    first = await worker.plan(run, ONE_CHANGE)
    before = await everything(core)

    again = await worker.say(run, plan_of(ONE_CHANGE, key=f"{run.id}/other"))

    assert again == first
    assert (again.then, again.phase) == (Then.CONTINUE, Phase.APPLY)
    assert await everything(core) == before


async def test_after_the_end_a_repeated_report_is_refused_and_changes_nothing(core, stack, worker):
    run = await given_a_run(core, stack)
    await worker.plan(run)
    before = await everything(core)

    again = await worker.say(run, plan_of())

    assert (again.accepted, again.state) == (False, "FINISHED")
    assert await everything(core) == before


async def test_twenty_reports_of_one_phase_at_once_move_the_run_once(core, stack, worker):
    run = await given_a_run(core, stack)
    await worker.take(run)

    verdicts = await asyncio.gather(
        *(worker.say(run, PhaseDone(phase=Phase.PREPARE)) for _ in range(20))
    )

    assert {(v.accepted, v.then, v.phase) for v in verdicts} == {(True, Then.CONTINUE, Phase.INIT)}
    assert (await run_now(core, run)).state_version == 3


# -- what may have changed since the plan


async def test_a_confirmed_plan_that_has_become_stale_is_not_given_out(core, pool, stack, worker):
    run = await given_a_run(core, stack)
    await worker.plan(run, ONE_CHANGE)
    async with core.db.write(ADMIN) as tx:
        await decisions.confirm(tx, stack.id, run.id, note=None)
    other = await given_a_run(core, await given_a_stack(core, pool, "Database"))
    await write_state(core, stack, b'{"version": 4, "serial": 1, "lineage": "l"}')

    claim = await worker.claim()

    assert claim.run.id == other.id
    now = await run_now(core, run)
    assert now.state is S.FAILED
    assert "The plan was made for state serial none; the state is at 1 now" in now.failure
    assert (await leases(core))[0][0] == other.id
