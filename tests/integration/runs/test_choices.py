"""What is said to be possible is possible; what is not is refused in the words that were said."""

from __future__ import annotations

import pytest
from gantry.domains.runs import choices, decisions, triggers
from gantry.domains.runs.choices import Decision
from gantry.domains.runs.states import Kind, State
from gantry.domains.stacks import service as stack_service
from gantry.kernel.errors import UserError
from gantry.kernel.tx import SYSTEM

from tests.support.given import (
    ADMIN,
    ONE_CHANGE,
    READER,
    STRANGER,
    WRITER,
    everything,
    given_a_pool,
    given_a_run,
    given_a_stack,
    given_a_worker,
    given_the_public_pool,
    state_of,
    write_state,
)

D = Decision


class Undone(Exception):
    """Ends a transaction that was only a question."""


@pytest.fixture
async def worker(core):
    return await given_a_worker(core, await given_a_pool(core))


@pytest.fixture
async def stack(core, worker):
    return await given_a_stack(core, worker.pool)


async def refusals(core, run, *, by=ADMIN):
    """Why each decision would be refused; None for those that would be taken."""
    async with core.db.read(by) as tx:
        (found,) = (await choices.choices(tx, [run.id])).values()
    return {one.decision: one.refusal and one.refusal.message for one in found}


def decide(core, decision, run):
    """The decision itself."""
    about = (run.stack_id, run.id)
    return {
        D.CONFIRM: lambda tx: decisions.confirm(tx, *about, note=None),
        D.DISCARD: lambda tx: decisions.discard(tx, *about, note=None),
        D.REPLAN: lambda tx: decisions.replan(tx, *about, targets=["null_resource.a"]),
        D.REVIEW: lambda tx: decisions.review(tx, *about, approve=True, note=None),
        D.CANCEL: lambda tx: decisions.cancel(tx, *about, note=None),
        D.STOP: lambda tx: decisions.stop(tx, *about, note=None),
        D.KILL: lambda tx: decisions.kill(tx, *about, note=None),
        D.RETRY: lambda tx: triggers.retry(tx, core.vault, *about),
        D.PROMOTE: lambda tx: triggers.promote(tx, core.vault, *about),
        D.PRIORITIZE: lambda tx: decisions.prioritise(tx, *about, priority=1),
        D.COMMENT: lambda tx: decisions.comment(tx, *about, body="so"),
    }[decision]


async def answered(core, decision, run, *, by):
    """What the decision says; nothing is kept of it."""
    try:
        async with core.db.write(by) as tx:
            await decide(core, decision, run)(tx)
            await tx.session.flush()
            raise Undone
    except Undone:
        return None
    except UserError as refusal:
        return refusal.message


async def stay_true(core, run, *, by=ADMIN, but=()):
    """Each of the answers is what the decision answers."""
    before = await everything(core)
    said = await refusals(core, run, by=by)
    assert set(said) == set(Decision)
    for decision in Decision:
        now = await answered(core, decision, run, by=by)
        assert (now is None) == (said[decision] is None) or decision in but, (decision, now, said)
    assert await everything(core) == before
    return {decision for decision, refusal in said.items() if refusal is None}


async def test_what_is_said_is_what_happens_all_along_a_run(core, worker, stack):
    run = await given_a_run(core, stack)
    blocked = await given_a_run(core, stack)
    common = {D.COMMENT, D.PRIORITIZE}
    assert await stay_true(core, run) == common | {D.CANCEL, D.DISCARD}
    assert await stay_true(core, blocked) == common | {D.CANCEL, D.DISCARD, D.REVIEW}

    await worker.take(run)
    assert await stay_true(core, run) == common | {D.STOP}

    async with core.db.write(ADMIN) as tx:
        await decisions.stop(tx, stack.id, run.id, note=None)
    # To ask again is taken and changes nothing; people are told that it was asked.
    assert await stay_true(core, run, but=[D.STOP]) == common | {D.KILL}


async def test_a_plan_can_be_decided_on(core, worker, stack):
    run = await given_a_run(core, stack)
    await worker.plan(run, ONE_CHANGE)

    possible = await stay_true(core, run)

    expected = {D.CONFIRM, D.DISCARD, D.REPLAN, D.REVIEW, D.COMMENT, D.PRIORITIZE}
    assert possible == expected


async def test_a_plan_of_a_state_that_has_changed_says_so(core, worker, stack):
    run = await given_a_run(core, stack)
    await worker.plan(run, ONE_CHANGE)
    await write_state(core, stack, b'{"version": 4, "serial": 7, "lineage": "l"}')

    said = await refusals(core, run)

    assert said[D.CONFIRM] == (
        "The plan was made for state serial none; the state is at 7 now."
        " Discard this run and trigger a new one."
    )
    assert D.DISCARD in await stay_true(core, run)


async def test_whoever_is_locked_out_is_told_by_whom(core, worker, stack):
    run = await given_a_run(core, stack)
    await worker.plan(run, ONE_CHANGE)
    async with core.db.write(WRITER) as tx:
        await stack_service.lock(tx, stack.id, note="moving house")

    said = await refusals(core, run)

    locked = "stack is locked by admin::wim (moving house); only they can start runs on it"
    assert (said[D.CONFIRM], said[D.REPLAN], said[D.DISCARD]) == (locked, locked, None)
    await stay_true(core, run)
    assert D.CONFIRM in await stay_true(core, run, by=WRITER)


async def test_whoever_may_only_read_is_told_which_right_is_missing(core, worker, stack):
    run = await given_a_run(core, stack)
    await worker.plan(run, ONE_CHANGE)

    said = await refusals(core, run, by=READER)

    assert "RUN_CONFIRM" in said[D.CONFIRM]
    assert await stay_true(core, run, by=READER) == set()


async def test_whoever_may_not_see_a_run_is_told_nothing(core, stack):
    run = await given_a_run(core, stack)
    async with core.db.read(STRANGER) as tx:
        assert await choices.choices(tx, [run.id]) == {}


async def test_a_run_that_has_ended_can_be_started_again(core, worker, stack):
    run = await given_a_run(core, stack, Kind.PROPOSED)
    await worker.plan(run, ONE_CHANGE)
    assert await state_of(core, run) is State.FINISHED
    assert await stay_true(core, run) == {D.RETRY, D.COMMENT}

    async with core.db.write(ADMIN) as tx:
        await stack_service.set_disabled(tx, stack.id, disabled=True)
    said = await refusals(core, run)
    assert said[D.RETRY] == "stack is disabled; enable it before starting runs on it"
    await stay_true(core, run)


async def test_a_run_of_the_public_pool_has_no_priority(core):
    await given_the_public_pool(core)
    run = await given_a_run(core, await given_a_stack(core, None))

    said = await refusals(core, run)

    assert said[D.PRIORITIZE] == "Runs on the public worker pool cannot be prioritised."
    await stay_true(core, run)


async def test_many_runs_are_asked_for_together(core, stack):
    runs = [await given_a_run(core, stack, Kind.PROPOSED) for _ in range(3)]
    async with core.db.read(SYSTEM) as tx:
        found = await choices.choices(tx, [run.id for run in runs])
    assert set(found) == {run.id for run in runs}
