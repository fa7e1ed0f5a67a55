"""Every run that has not ended has an owner, a deadline where there is one, and an explanation."""

from __future__ import annotations

import pytest
from gantry.domains.runs import decisions, waiting
from gantry.domains.runs.states import TERMINAL, Kind, State
from gantry.domains.runs.waiting import Owner, Reason
from gantry.domains.stacks import service as stack_service

from tests.support.given import (
    ADMIN,
    ONE_CHANGE,
    WRITER,
    given_a_run,
    given_a_worker,
    run_now,
)


@pytest.fixture
async def worker(core, pool):
    return await given_a_worker(core, pool)


async def condition(core, run):
    async with core.db.read(ADMIN) as tx:
        return (await waiting.conditions(tx, [run.id])).get(run.id)


async def test_a_run_behind_another_names_it(core, stack):
    first = await given_a_run(core, stack)
    second = await given_a_run(core, stack)

    found = await condition(core, second)

    assert (found.reason, found.owner) == (Reason.STACK_HELD, Owner.PLATFORM)
    assert found.blocked_by == first.id
    assert found.since == (await run_now(core, second)).state_since


async def test_a_run_behind_a_lock_belongs_to_people(core, stack):
    blocker = await given_a_run(core, stack, by=WRITER)
    behind = await given_a_run(core, stack, by=WRITER)
    async with core.db.write(ADMIN) as tx:
        await stack_service.lock(tx, stack.id, note=None)
        await decisions.discard(tx, stack.id, blocker.id, note=None)

    found = await condition(core, behind)

    assert (found.reason, found.owner, found.deadline) == (
        Reason.STACK_LOCKED,
        Owner.PERSON,
        None,
    )


async def test_a_run_without_a_worker_says_how_many_are_before_it(core, pool, stack):
    await given_a_run(core, stack, Kind.PROPOSED)
    second = await given_a_run(core, stack, Kind.PROPOSED)

    found = await condition(core, second)

    assert (found.reason, found.ahead) == (Reason.NO_WORKER, 1)


async def test_a_run_at_work_ends_with_its_lease(core, stack, worker):
    run = await given_a_run(core, stack)
    await worker.take(run)
    ((lease_ends,),) = await core.rows("select expires_at from run_lease")

    found = await condition(core, run)

    assert (found.reason, found.owner) == (Reason.WORK, Owner.WORKER)
    assert (found.worker_id, found.deadline) == (worker.id, lease_ends)
    assert not found.waits


async def test_a_plan_waits_for_a_person_without_a_deadline(core, stack, worker):
    run = await given_a_run(core, stack)
    await worker.plan(run, ONE_CHANGE)

    found = await condition(core, run)

    assert (found.reason, found.owner, found.deadline) == (
        Reason.CONFIRMATION,
        Owner.PERSON,
        None,
    )


async def test_a_run_that_has_ended_stands_nowhere(core, stack):
    run = await given_a_run(core, stack)
    async with core.db.write(ADMIN) as tx:
        await decisions.discard(tx, stack.id, run.id, note=None)

    assert await condition(core, run) is None


async def test_no_state_but_an_end_is_without_an_owner(core, stack):
    run = await given_a_run(core, stack)
    for state in set(State) - set(TERMINAL) - {State.PENDING}:
        await core.change("update run set state = :state", state=state.value)

        found = await condition(core, run)

        assert found is not None, state
        assert found.words
