"""Whose turn it is: one run holds a stack, the others wait, and every wait can be explained."""

from __future__ import annotations

import asyncio

import pytest
from gantry.domains.pools import service as pools
from gantry.domains.runs import decisions, queue_repo, repo, takeable, waiting
from gantry.domains.runs.model import Run
from gantry.domains.runs.states import Kind, State
from gantry.domains.stacks import service as stack_service
from gantry.domains.stacks.access import StackLocked
from gantry.kernel.errors import Conflict
from gantry.kernel.tx import SYSTEM
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from tests.support.given import (
    ADMIN,
    ONE_CHANGE,
    WRITER,
    everything,
    given_a_run,
    given_a_stack,
    given_a_task,
    given_a_worker,
    given_the_public_pool,
    history,
    lease_runs_out,
    run_now,
    stack_now,
    state_of,
    sweep,
)

S = State


async def discard(core, stack, run, by=ADMIN):
    async with core.db.write(by) as tx:
        await decisions.discard(tx, stack.id, run.id, note=None)


async def lock(core, stack, by):
    async with core.db.write(by) as tx:
        await stack_service.lock(tx, stack.id, note="moving house")


async def unlock(core, stack, by):
    async with core.db.write(by) as tx:
        await stack_service.unlock(tx, stack.id)


async def why(core, run):
    async with core.db.read(ADMIN) as tx:
        return (await waiting.explanations(tx, [run.id])).get(run.id)


async def holders(core, stack):
    async with core.db.read(SYSTEM) as tx:
        return (await repo.holders(tx, [stack.id])).get(stack.id)


# -- one holder


async def test_a_second_run_waits_for_the_first(core, stack):
    first = await given_a_run(core, stack)
    second = await given_a_run(core, stack)

    assert await state_of(core, first) is S.READY
    assert await state_of(core, second) is S.QUEUED
    assert (await holders(core, stack)).id == first.id
    began = f"{(await run_now(core, first)).state_since:%Y-%m-%d %H:%M:%S} UTC"
    assert await why(core, second) == (
        f"waits for run {first.id}, which holds the stack since {began}"
    )


@pytest.mark.parametrize("kinds", [(Kind.TRACKED, Kind.DESTROY), (Kind.DESTROY, Kind.TRACKED)])
async def test_runs_of_every_kind_that_changes_things_hold_the_stack(core, stack, kinds):
    first, second = [await given_a_run(core, stack, kind) for kind in kinds]
    task = await given_a_task(core, stack)

    states = [await state_of(core, run) for run in (first, second, task)]
    assert states == [S.READY, S.QUEUED, S.QUEUED]


@pytest.mark.parametrize("end", ["finish", "discard", "fail", "lose"])
async def test_when_a_run_ends_the_next_in_line_becomes_ready(core, stack, worker, end):
    first = await given_a_run(core, stack)
    second = await given_a_run(core, stack)
    third = await given_a_run(core, stack)

    if end == "finish":
        await worker.plan(first)
    elif end == "discard":
        await discard(core, stack, first)
    elif end == "fail":
        await worker.take(first)
        await worker.fail(first, "prepare")
    else:
        await worker.take(first)
        await lease_runs_out(core, first)
        await sweep(core)

    assert (await run_now(core, first)).finished
    assert [await state_of(core, run) for run in (second, third)] == [S.READY, S.QUEUED]


async def test_a_run_that_waits_for_confirmation_holds_the_stack(core, stack, worker):
    first = await given_a_run(core, stack)
    await worker.plan(first, ONE_CHANGE)
    second = await given_a_run(core, stack)
    assert await state_of(core, second) is S.QUEUED

    await discard(core, stack, first)

    assert await state_of(core, second) is S.READY


async def test_other_stacks_do_not_wait(core, pool, stack):
    other = await given_a_stack(core, pool, "Database")
    runs = [await given_a_run(core, one) for one in (stack, other)]
    assert [await state_of(core, run) for run in runs] == [S.READY, S.READY]


async def test_eight_promotions_at_once_let_one_run_hold_the_stack(core, stack):
    blocker = await given_a_run(core, stack)
    waiting_runs = [await given_a_run(core, stack) for _ in range(8)]
    # The blocker ends behind the services, so that all eight find the stack free at once.
    await core.change(
        "update run set state = 'CANCELED', finished_at = now() where id = :run", run=blocker.id
    )

    await asyncio.gather(*(takeable.promote_stack(core.db, stack.id) for _ in range(8)))

    states = [await state_of(core, run) for run in waiting_runs]
    assert states == [S.READY, *[S.QUEUED] * 7]
    assert (await history(core, waiting_runs[0])).count(S.READY) == 1


async def test_eight_triggers_at_once_make_eight_runs_and_one_holder(core, stack):
    runs = await asyncio.gather(*(given_a_run(core, stack) for _ in range(8)))

    states = sorted([await state_of(core, run) for run in runs])
    assert states == [*[S.QUEUED] * 7, S.READY]


async def test_the_database_itself_refuses_a_second_holder(core, stack):
    await given_a_run(core, stack)
    second = await given_a_run(core, stack)

    with pytest.raises(IntegrityError, match="run_one_holder_per_stack"):
        async with core.db.write(SYSTEM) as tx:
            await tx.session.execute(
                update(Run).where(Run.id == second.id).values(state=State.READY)
            )
    assert await state_of(core, second) is S.QUEUED


async def test_a_run_that_was_forgotten_is_started_by_the_reconciler(core, stack):
    first = await given_a_run(core, stack)
    second = await given_a_run(core, stack)
    await core.change(
        "update run set state = 'CANCELED', finished_at = now() where id = :run", run=first.id
    )
    assert await state_of(core, second) is S.QUEUED

    await sweep(core)

    assert await state_of(core, second) is S.READY


async def test_reconciling_a_world_in_order_changes_nothing(core, stack, worker):
    await worker.take(await given_a_run(core, stack))
    await given_a_run(core, stack)
    before = await everything(core)

    await sweep(core)

    assert await everything(core) == before


# -- previews


async def test_previews_do_not_wait_and_do_not_hold(core, stack):
    holder = await given_a_run(core, stack)
    previews = [await given_a_run(core, stack, Kind.PROPOSED) for _ in range(3)]

    assert [await state_of(core, run) for run in previews] == [S.READY] * 3
    assert (await holders(core, stack)).id == holder.id
    await discard(core, stack, holder)
    assert await holders(core, stack) is None


# -- locks


async def test_a_locked_stack_takes_runs_from_its_lock_owner_only(core, stack):
    await lock(core, stack, ADMIN)
    mine = await given_a_run(core, stack, by=ADMIN)
    before = await everything(core)

    for kind in (Kind.TRACKED, Kind.DESTROY):
        with pytest.raises(StackLocked, match=r"locked by admin::ada \(moving house\)"):
            await given_a_run(core, stack, kind, by=WRITER)
    with pytest.raises(StackLocked):
        await given_a_task(core, stack, by=WRITER)

    assert await everything(core) == before
    assert await state_of(core, mine) is S.READY


async def test_previews_of_others_go_on_while_the_stack_is_locked(core, stack):
    await lock(core, stack, ADMIN)
    preview = await given_a_run(core, stack, Kind.PROPOSED, by=WRITER)
    assert await state_of(core, preview) is S.READY


async def test_runs_of_others_wait_until_the_stack_is_unlocked(core, stack):
    holder = await given_a_run(core, stack, by=ADMIN)
    others = await given_a_run(core, stack, by=WRITER)
    mine = await given_a_run(core, stack, by=ADMIN)
    await lock(core, stack, ADMIN)

    await discard(core, stack, holder)
    assert await state_of(core, others) is S.QUEUED  # although it is older
    assert await state_of(core, mine) is S.READY
    await discard(core, stack, mine)
    assert "waits for admin::ada to unlock the stack, locked since " in await why(core, others)
    await unlock(core, stack, ADMIN)
    await core.drain()

    assert await state_of(core, others) is S.READY


async def test_a_run_of_a_push_waits_for_a_lock_too(core, stack):
    blocker = await given_a_run(core, stack)
    pushed = await given_a_run(core, stack, trigger_kind="git commit")
    await lock(core, stack, ADMIN)
    await discard(core, stack, blocker)

    assert (await run_now(core, pushed)).triggered_by is None
    assert await state_of(core, pushed) is S.QUEUED


# -- in which order


async def claimed(core, worker):
    """The runs as a worker with room for all is given them."""
    found = []
    while (claim := await worker.claim()) is not None:
        found.append(claim.run.id)
    return found


async def test_a_pool_gives_out_runs_by_priority_then_kind_then_age(core, pool):
    stacks = [await given_a_stack(core, pool, f"Stack {n}") for n in range(6)]
    drift = await given_a_run(core, stacks[0])
    await core.change("update run set drift = true where id = :run", run=drift.id)
    preview = await given_a_run(core, stacks[1], Kind.PROPOSED)
    blocking = await given_a_run(core, stacks[2])
    later = await given_a_run(core, stacks[3])
    urgent = await given_a_run(core, stacks[4], Kind.PROPOSED)
    unimportant = await given_a_run(core, stacks[5])
    async with core.db.write(ADMIN) as tx:
        await decisions.prioritise(tx, stacks[4].id, urgent.id, priority=1)
        await decisions.prioritise(tx, stacks[5].id, unimportant.id, priority=-1)
    worker = await given_a_worker(core, pool, concurrency=9)

    order = [run.id for run in (urgent, blocking, later, preview, drift, unimportant)]
    async with core.db.read(ADMIN) as tx:
        page = await queue_repo.page(tx, pool.id, limit=10, offset=0, descending=False)
        ahead = await queue_repo.counts_ahead(tx, [run.id for run, _ in page])
    assert [(run.id, place) for run, place in page] == [
        (run_id, place) for place, run_id in enumerate(order, 1)
    ]
    assert [ahead[run_id] for run_id in order] == list(range(6))
    assert await claimed(core, worker) == order


async def test_what_was_confirmed_goes_before_what_has_not_begun(core, pool, stack):
    worker = await given_a_worker(core, pool, concurrency=3)
    confirmed = await given_a_run(core, stack)
    await worker.plan(confirmed, ONE_CHANGE)
    others = [await given_a_stack(core, pool, name) for name in ("Database", "Storage")]
    urgent, ordinary = [await given_a_run(core, other) for other in others]
    async with core.db.write(ADMIN) as tx:
        await decisions.prioritise(tx, others[0].id, urgent.id, priority=5)
        await decisions.confirm(tx, stack.id, confirmed.id, note=None)

    assert await claimed(core, worker) == [urgent.id, confirmed.id, ordinary.id]


async def test_the_order_of_a_stacks_own_queue_is_the_same(core, stack):
    holder = await given_a_run(core, stack)
    older = await given_a_run(core, stack)
    urgent = await given_a_run(core, stack)
    async with core.db.write(ADMIN) as tx:
        await decisions.prioritise(tx, stack.id, urgent.id, priority=1)

    await discard(core, stack, holder)

    assert [await state_of(core, run) for run in (urgent, older)] == [S.READY, S.QUEUED]


async def test_runs_that_have_ended_or_run_in_public_are_not_prioritised(core, stack):
    ended = await given_a_run(core, stack)
    await discard(core, stack, ended)
    await given_the_public_pool(core)
    public = await given_a_stack(core, None, "In public")
    run = await given_a_run(core, public)
    before = await everything(core)

    for one, words in ((ended, "has ended"), (run, "public worker pool")):
        with pytest.raises(Conflict, match=words):
            async with core.db.write(ADMIN) as tx:
                await decisions.prioritise(tx, one.stack_id, one.id, priority=1)

    assert await everything(core) == before


# -- why a run waits


async def test_without_a_worker_the_wait_says_so(core, stack):
    run = await given_a_run(core, stack)
    assert await why(core, run) == "waits for a worker: none of pool builders is connected"


async def test_a_wait_for_busy_and_drained_workers_is_counted(core, pool, stack, worker):
    drained = await given_a_worker(core, pool)
    async with core.db.write(ADMIN) as tx:
        await pools.set_drained(tx, pool.id, drained.id, drain=True)
    others = [await given_a_stack(core, pool, f"Other {n}") for n in range(2)]
    await worker.take(await given_a_run(core, others[0]))
    await given_a_run(core, others[1])
    run = await given_a_run(core, stack)

    assert await why(core, run) == (
        "waits for a worker: none of pool builders is idle: 1 busy, 1 drained;"
        " 1 run before it, spaces taking turns"
    )


async def test_a_run_that_waits_for_a_person_says_so(core, stack, worker):
    run = await given_a_run(core, stack)
    await worker.plan(run, ONE_CHANGE)
    assert "confirm or discard" in await why(core, run)


async def test_a_run_whose_source_is_on_its_way_says_so(core, stack):
    run = await given_a_run(core, stack, sha=core.source.side)

    assert await state_of(core, run) is S.QUEUED
    assert await why(core, run) == "waits for its source to be fetched"


async def test_a_run_that_is_at_work_or_over_waits_for_nothing(core, stack, worker):
    run = await given_a_run(core, stack)
    await worker.take(run)
    assert await why(core, run) is None
    async with core.db.write(ADMIN) as tx:
        await decisions.stop(tx, stack.id, run.id, note=None)
    assert "waits for the worker to stop" in await why(core, run)
    await worker.stop(run, "prepare")
    assert await why(core, run) is None


async def test_runs_behind_an_unknown_outcome_wait_for_somebody_to_look(core, pool, worker):
    stack = await given_a_stack(core, pool, autodeploy=True)
    lost = await given_a_run(core, stack)
    await worker.plan(lost, ONE_CHANGE)
    behind = await given_a_run(core, stack)
    await lease_runs_out(core, lost)

    await sweep(core)

    assert await state_of(core, lost) is S.FAILED
    assert await state_of(core, behind) is S.QUEUED
    assert "waits for somebody to look into the stack and unlock it" in await why(core, behind)
    with pytest.raises(StackLocked):
        await given_a_run(core, stack)
    await unlock(core, stack, ADMIN)
    await core.drain()
    assert await state_of(core, behind) is S.READY
    assert (await stack_now(core, stack)).locked_by is None
