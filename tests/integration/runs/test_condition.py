"""Every run that has not ended has an owner, a deadline where there is one, and an explanation."""

from __future__ import annotations

import pytest
from gantry.domains.runs import decisions, leasing, triggers, waiting
from gantry.domains.runs.states import TERMINAL, WORKING, Kind, State
from gantry.domains.runs.waiting import Owner, Reason, Until
from gantry.domains.stacks import service as stack_service
from gantry.domains.vcs import service as vcs
from gantry.jobs.catalog import TIMETABLE

from tests.support.given import (
    ADMIN,
    ONE_CHANGE,
    WRITER,
    given_a_run,
    given_a_state,
    run_now,
    state_of,
    sweep,
)


async def condition(core, run):
    async with core.db.read(ADMIN) as tx:
        return (await waiting.conditions(tx, [run.id])).get(run.id)


async def test_a_run_behind_another_names_it(core, stack):
    first = await given_a_run(core, stack)
    second = await given_a_run(core, stack)

    found = await condition(core, second)

    assert (found.reason, found.owner) == (Reason.STACK_HELD, Owner.PLATFORM)
    assert (found.until, found.deadline) == (Until.RUN_ENDED, None)
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


STANDS = {
    State.QUEUED: (Reason.TURN, Owner.PLATFORM, Until.DEADLINE),
    State.READY: (Reason.NO_WORKER, Owner.PLATFORM, Until.WORKER_FREE),
    State.CONFIRMED: (Reason.NO_WORKER, Owner.PLATFORM, Until.WORKER_FREE),
    State.REPLAN_REQUESTED: (Reason.NO_WORKER, Owner.PLATFORM, Until.WORKER_FREE),
    State.UNCONFIRMED: (Reason.CONFIRMATION, Owner.PERSON, Until.PERSON_DECIDED),
    State.PENDING_REVIEW: (Reason.REVIEW, Owner.PERSON, Until.PERSON_DECIDED),
    **dict.fromkeys(WORKING, (Reason.WORK, Owner.WORKER, Until.DEADLINE)),
}
"""What is to be said of a run that has everything it needs and nothing in its way."""


def test_every_state_that_is_not_an_end_is_looked_at_here():
    assert set(STANDS) == set(State) - set(TERMINAL) - {State.PENDING}


@pytest.mark.parametrize("state", STANDS, ids=lambda state: state.value)
async def test_every_state_has_its_owner_and_what_ends_it(core, stack, worker, state):
    run = await given_a_run(core, stack)
    if state in WORKING:
        await worker.take(run)
    await core.change("update run set state = :state", state=state.value)

    found = await condition(core, run)

    assert (found.reason, found.owner, found.until) == STANDS[state]
    assert (found.deadline is not None) == (found.until is Until.DEADLINE)
    assert found.words


async def test_a_turn_comes_with_the_next_sweep(core, stack):
    run = await given_a_run(core, stack)
    await core.change("update run set state = 'QUEUED'")
    await core.change("insert into lease_sweep (id, at) values (1, now() - interval '1 hour')")
    ((last,),) = await core.rows("select at from lease_sweep")

    found = await condition(core, run)
    assert (found.reason, found.deadline) == (Reason.TURN, last + waiting.SWEEPS_COME)
    assert found.words.endswith(": no drain is at work")

    await sweep(core)
    assert await state_of(core, run) is State.READY


async def test_a_source_is_given_up_after_two_looks(core, stack):
    run = await given_a_run(core, stack, sha=core.source.side)
    ((wanted_at,),) = await core.rows(
        'select wanted_at from "commit" where id = :id', id=run.commit_id
    )

    found = await condition(core, run)
    assert (found.reason, found.until) == (Reason.SOURCE, Until.DEADLINE)
    assert found.deadline == wanted_at + 2 * vcs.FORGOTTEN_AFTER

    await core.change("update \"commit\" set error = 'forgotten once'")
    assert (await condition(core, run)).deadline == wanted_at + vcs.FORGOTTEN_AFTER


async def test_a_run_behind_the_deletion_of_its_stack_names_the_run_that_deletes(
    core, stack, worker
):
    await given_a_state(core, stack)
    preview = await given_a_run(core, stack, Kind.PROPOSED, sha=core.source.side)
    await core.change("update run set deletes_stack = false")
    async with core.db.write(ADMIN) as tx:
        await triggers.delete_stack(tx, core.vault, stack.id, destroy_resources=True)
    await core.change("update run set state = 'QUEUED', finished_at = null")
    ((deletion,),) = await core.rows("select id from run where deletes_stack")

    found = await condition(core, preview)

    assert (found.reason, found.until, found.blocked_by) == (
        Reason.STACK_DELETION,
        Until.RUN_ENDED,
        deletion,
    )


def test_sweeps_come_as_often_as_is_said():
    assert TIMETABLE["runs.reconcile"] == "* * * * * */10"
    assert waiting.SWEEPS_COME.total_seconds() == 10
    # One that is late is no outage that would give every lease its time again.
    assert waiting.SWEEPS_COME < leasing.AWAY
