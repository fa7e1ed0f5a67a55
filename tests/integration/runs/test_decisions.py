"""What people decide about runs is done once, by those who may, or not at all."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest
from gantry.domains.people.actions import Action
from gantry.domains.runs import decisions, repo
from gantry.domains.runs.service import advance
from gantry.domains.runs.states import IllegalMove, Kind, Signal, State
from gantry.domains.stacks import service as stack_service
from gantry.domains.stacks.access import StackLocked
from gantry.kernel.errors import NotAllowed, NotFound, Unauthenticated, UserError
from gantry.kernel.ids import new_id
from gantry.kernel.tx import ANONYMOUS, Actor
from gantry_protocol.words import Phase

from tests.support.given import (
    ADMIN,
    ONE_CHANGE,
    READER,
    STRANGER,
    WRITER,
    everything,
    given_a_run,
    given_a_stack,
    history,
    run_now,
    state_of,
    write_state,
)

S = State


@pytest.fixture
async def planned(core, stack, worker):
    """A run that waits for confirmation."""
    run = await given_a_run(core, stack)
    await worker.plan(run, ONE_CHANGE)
    return run


async def refused(core, error, decide, *, by=ADMIN, words=None):
    """Nothing changes, and the decision raises."""
    before = await everything(core)
    with pytest.raises(error, match=words) as raised:
        async with core.db.write(by) as tx:
            await decide(tx)
    assert await everything(core) == before
    return raised.value


async def state_becomes(core, stack, serial):
    await write_state(core, stack, b'{"version": 4, "serial": %d, "lineage": "l"}' % serial)


# -- once


async def test_of_fifty_confirmations_one_counts(core, stack, planned):
    async def confirm(n):
        try:
            async with core.db.write(ADMIN) as tx:
                await decisions.confirm(
                    tx, stack.id, planned.id, note=f"by {n}", user_metadata=[str(n)]
                )
        except IllegalMove:
            return None
        return n

    answers = await asyncio.gather(*(confirm(n) for n in range(50)))

    (winner,) = [answer for answer in answers if answer is not None]
    assert (await history(core, planned)).count(S.CONFIRMED) == 1
    now = await run_now(core, planned)
    assert (now.state, now.state_version) == (S.CONFIRMED, 6)
    assert now.user_metadata == [str(winner)]
    async with core.db.read(ADMIN) as tx:
        assert (await repo.transitions(tx, [planned.id]))[planned.id][0].note == f"by {winner}"


async def test_of_a_confirmation_and_a_discard_at_once_one_counts(core, pool, worker):
    async def decide(action, stack, run):
        try:
            async with core.db.write(ADMIN) as tx:
                await action(tx, stack.id, run.id, note=None)
        except IllegalMove:
            return False
        return True

    for n in range(5):
        stack = await given_a_stack(core, pool, f"Stack {n}")
        run = await given_a_run(core, stack)
        await worker.plan(run, ONE_CHANGE)

        confirmed, discarded = await asyncio.gather(
            decide(decisions.confirm, stack, run), decide(decisions.discard, stack, run)
        )

        assert confirmed != discarded
        assert await state_of(core, run) is (S.CONFIRMED if confirmed else S.DISCARDED)
        if confirmed:
            assert await decide(decisions.stop, stack, run)  # out of the worker's way


# -- confirm


async def test_a_plan_on_a_state_that_has_changed_since_cannot_be_confirmed(core, stack, planned):
    await state_becomes(core, stack, 7)

    error = await refused(
        core,
        decisions.StalePlan,
        lambda tx: decisions.confirm(tx, stack.id, planned.id, note=None),
    )

    assert error.code == "STALE_PLAN"
    assert error.message == (
        "The plan was made for state serial none; the state is at 7 now."
        " Discard this run and trigger a new one."
    )


async def test_a_plan_on_the_state_that_still_is_can_be_confirmed(core, stack, worker):
    await state_becomes(core, stack, 7)
    run = await given_a_run(core, stack)
    await worker.plan(run, ONE_CHANGE)

    async with core.db.write(ADMIN) as tx:
        await decisions.confirm(tx, stack.id, run.id, note=None)

    assert await state_of(core, run) is S.CONFIRMED


async def test_a_state_of_serial_zero_counts_as_a_state(core, stack, planned):
    await state_becomes(core, stack, 0)

    error = await refused(
        core,
        decisions.StalePlan,
        lambda tx: decisions.confirm(tx, stack.id, planned.id, note=None),
    )

    assert "for state serial none; the state is at 0 now" in error.message


@pytest.mark.parametrize("decide", [decisions.confirm, decisions.discard])
async def test_without_a_run_the_one_that_blocks_the_stack_is_meant(core, stack, planned, decide):
    behind = await given_a_run(core, stack)

    async with core.db.write(ADMIN) as tx:
        decided = await decide(tx, stack.id, None, note=None)

    assert decided.id == planned.id
    assert decided.state in (S.CONFIRMED, S.DISCARDED)
    assert S.DISCARDED not in await history(core, behind)


@pytest.mark.parametrize("decide", [decisions.confirm, decisions.discard])
async def test_without_a_run_and_a_blocker_there_is_nothing_to_decide(core, stack, decide):
    await given_a_run(core, stack, Kind.PROPOSED)
    await refused(
        core,
        NotFound,
        lambda tx: decide(tx, stack.id, None, note=None),
        words="blocking run not found",
    )


async def test_only_the_owner_of_a_lock_confirms(core, stack, planned):
    async with core.db.write(WRITER) as tx:
        await stack_service.lock(tx, stack.id, note=None)

    await refused(
        core,
        StackLocked,
        lambda tx: decisions.confirm(tx, stack.id, planned.id, note=None),
        words="locked by admin::wim",
    )
    async with core.db.write(WRITER) as tx:
        await decisions.confirm(tx, stack.id, planned.id, note=None)
    assert await state_of(core, planned) is S.CONFIRMED


async def test_what_does_not_wait_for_a_decision_cannot_be_confirmed(core, stack, worker):
    run = await given_a_run(core, stack)
    decide = partial(decisions.confirm, stack_id=stack.id, run_id=run.id, note=None)

    await refused(core, IllegalMove, decide, words="cannot confirm: the tracked run is ready")
    await worker.take(run)
    await refused(core, IllegalMove, decide, words="cannot confirm: the tracked run is preparing")
    await worker.fail(run, Phase.PREPARE)
    await refused(core, IllegalMove, decide, words="cannot confirm: the tracked run is failed")


# -- rights


DECISIONS = {
    "confirm": partial(decisions.confirm, note=None),
    "discard": partial(decisions.discard, note=None),
    "cancel": partial(decisions.cancel, note=None),
    "stop": partial(decisions.stop, note=None),
    "kill": partial(decisions.kill, note=None),
    "replan": partial(decisions.replan, targets=["a.b"]),
    "review": partial(decisions.review, approve=True, note=None),
    "comment": partial(decisions.comment, body="hm"),
    "prioritise": partial(decisions.prioritise, priority=1),
}


async def test_a_reader_decides_nothing(core, stack, planned):
    for decide in DECISIONS.values():
        what = partial(decide, stack_id=stack.id, run_id=planned.id)
        error = await refused(core, NotAllowed, what, by=READER)
        assert "unauthorized: you need the" in error.message


async def test_a_stranger_is_not_told_that_the_run_exists(core, stack, planned):
    for decide in DECISIONS.values():
        what = partial(decide, stack_id=stack.id, run_id=planned.id)
        error = await refused(core, NotFound, what, by=STRANGER)
        assert error.message == "not found"


async def test_somebody_who_has_not_signed_in_decides_nothing(core, stack, planned):
    for decide in DECISIONS.values():
        what = partial(decide, stack_id=stack.id, run_id=planned.id)
        await refused(core, (NotFound, Unauthenticated), what, by=ANONYMOUS)


async def test_a_run_of_another_stack_is_not_found(core, pool, stack, planned):
    other = await given_a_stack(core, pool, "Database")
    elsewhere = ((other.id, planned.id), (stack.id, new_id()), ("none", planned.id))
    for decide in DECISIONS.values():
        for stack_id, run_id in elsewhere:
            what = partial(decide, stack_id=stack_id, run_id=run_id)
            error = await refused(core, NotFound, what)
            assert error.message == "not found"


@pytest.mark.parametrize(
    ("action", "kind", "allowed"),
    [
        (Action.RUN_CANCEL, Kind.PROPOSED, True),
        (Action.RUN_CANCEL, Kind.TRACKED, False),
        (Action.RUN_CANCEL_BLOCKING, Kind.TRACKED, True),
        (Action.RUN_CANCEL_BLOCKING, Kind.PROPOSED, False),
    ],
)
async def test_to_cancel_a_run_that_blocks_takes_a_stronger_right(
    core, stack, action, kind, allowed
):
    run = await given_a_run(core, stack, kind)
    rights = frozenset({Action.SPACE_READ.value, action.value})
    somebody = Actor("user", new_id(), name="admin::x", everywhere=rights)
    decide = partial(decisions.cancel, stack_id=stack.id, run_id=run.id, note=None)

    if not allowed:
        await refused(core, NotAllowed, decide, by=somebody)
    else:
        async with core.db.write(somebody) as tx:
            await decide(tx)
        assert await state_of(core, run) is S.CANCELED


@pytest.mark.parametrize(
    ("action", "kind", "allowed"),
    [
        (Action.RUN_STOP, Kind.PROPOSED, True),
        (Action.RUN_STOP, Kind.TRACKED, False),
        (Action.RUN_STOP_BLOCKING, Kind.TRACKED, True),
    ],
)
async def test_to_stop_a_run_that_blocks_takes_a_stronger_right(
    core, stack, worker, action, kind, allowed
):
    run = await given_a_run(core, stack, kind)
    await worker.take(run)
    rights = frozenset({Action.SPACE_READ.value, action.value})
    somebody = Actor("user", new_id(), name="admin::x", everywhere=rights)
    decide = partial(decisions.stop, stack_id=stack.id, run_id=run.id, note=None)

    if not allowed:
        await refused(core, NotAllowed, decide, by=somebody)
    else:
        async with core.db.write(somebody) as tx:
            await decide(tx)
        assert (await worker.beat()).stopping == {run.id}


async def test_rights_in_one_space_are_none_in_another(core, stack, planned):
    rights = frozenset(action.value for action in Action)
    elsewhere = Actor("user", new_id(), name="admin::x", by_space={"other": rights})
    here = Actor("user", new_id(), name="admin::y", by_space={"root": rights})
    decide = partial(decisions.confirm, stack_id=stack.id, run_id=planned.id, note=None)

    await refused(core, NotFound, decide, by=elsewhere)
    async with core.db.write(here) as tx:
        await decide(tx)
    assert await state_of(core, planned) is S.CONFIRMED


# -- discard all


async def test_discarding_all_ends_everything_that_waits_and_starts_nothing(core, stack, planned):
    queued = [await given_a_run(core, stack) for _ in range(2)]
    preview = await given_a_run(core, stack, Kind.PROPOSED)

    async with core.db.write(ADMIN) as tx:
        done = await decisions.discard_all(tx, stack.id, note="clean up")

    assert done.failed == []
    runs = [planned, *queued, preview]
    assert sorted(run.id for run in done.runs) == sorted(run.id for run in runs)
    assert {await state_of(core, run) for run in runs} == {S.DISCARDED}
    for run in queued:
        assert await history(core, run) == [S.QUEUED, S.DISCARDED]


async def test_discarding_all_leaves_alone_what_a_worker_is_on(core, stack, worker):
    busy = await given_a_run(core, stack)
    await worker.take(busy)
    queued = await given_a_run(core, stack)

    async with core.db.write(ADMIN) as tx:
        done = await decisions.discard_all(tx, stack.id, note=None)

    # A client that empties a stack takes anything in `failed` for the end of its attempt.
    assert ([run.id for run in done.runs], done.failed) == ([queued.id], [])
    assert await state_of(core, busy) is S.PREPARING


async def test_discarding_all_stops_a_confirmed_run_that_no_worker_has_taken(core, stack, planned):
    async with core.db.write(ADMIN) as tx:
        await decisions.confirm(tx, stack.id, planned.id, note=None)

    async with core.db.write(ADMIN) as tx:
        done = await decisions.discard_all(tx, stack.id, note="empty it")

    assert ([run.id for run in done.runs], done.failed) == ([planned.id], [])
    assert await state_of(core, planned) is S.STOPPED


@pytest.mark.parametrize("actor", [READER, STRANGER])
async def test_discarding_all_needs_the_right(core, stack, planned, actor):
    await refused(
        core,
        NotAllowed if actor is READER else NotFound,
        lambda tx: decisions.discard_all(tx, stack.id, note=None),
        by=actor,
    )


# -- stop, cancel


async def test_what_has_not_begun_is_canceled_and_not_stopped(core, stack):
    run = await given_a_run(core, stack)
    await refused(
        core,
        IllegalMove,
        lambda tx: decisions.stop(tx, stack.id, run.id, note=None),
        words="cannot stop: the tracked run is ready",
    )


async def test_what_a_worker_has_touched_is_stopped_and_not_canceled(core, stack, worker):
    run = await given_a_run(core, stack)
    await worker.take(run)
    for decide, words in ((decisions.cancel, "cannot cancel"), (decisions.discard, "cannot disc")):
        await refused(
            core,
            IllegalMove,
            partial(decide, stack_id=stack.id, run_id=run.id, note=None),
            words=words,
        )


async def test_asking_twice_to_stop_keeps_the_first_word(core, stack, worker):
    run = await given_a_run(core, stack)
    await worker.take(run)
    for note, by in (("first", ADMIN), ("second", WRITER)):
        async with core.db.write(by) as tx:
            await decisions.stop(tx, stack.id, run.id, note=note)

    await worker.stop(run, Phase.PREPARE)

    async with core.db.read(ADMIN) as tx:
        last = (await repo.transitions(tx, [run.id]))[run.id][0]
    assert (last.after, last.note, last.actor) == (S.STOPPED, "first", ADMIN.name)


async def test_a_stop_that_came_too_late_does_not_hit_the_apply_confirmed_later(
    core, stack, planned, worker
):
    # As when the request and the last report of the plan cross: the stop is noted, nobody heeds it.
    await core.change(
        "update run set state = 'PLANNING', stop_requested_at = now() where id = :run",
        run=planned.id,
    )
    async with core.db.write(ADMIN) as tx:
        held, run = await repo.lock(tx, planned.id)
        await advance(tx, held, run, Signal.ASK_CONFIRMATION)
        await decisions.confirm(tx, stack.id, run.id, note=None)
    await worker.take(planned)

    assert (await worker.beat()).stopping == set()
    assert (await run_now(core, planned)).stop_requested_at is None


# -- replan


async def test_only_resource_addresses_are_replanned(core, stack, planned):
    nonsense = ["", "1.a", "-destroy", "a.b\n", "a.b\0", "a" * 1025, "\x7f"]
    too_many = [f"a.b{n}" for n in range(1001)]
    for targets in ([], ["a.b", ""], too_many, *([one] for one in nonsense)):
        await refused(
            core,
            UserError,
            partial(decisions.replan, stack_id=stack.id, run_id=planned.id, targets=targets),
            words="resource address",
        )


async def test_odd_but_real_addresses_are_replanned(core, stack, planned):
    targets = ['module.m["k e y"].aws_thing.b[0]', "data.x.y", "_a.b"]
    async with core.db.write(ADMIN) as tx:
        await decisions.replan(tx, stack.id, planned.id, targets=targets)
    assert (await run_now(core, planned)).targets == targets


# -- reviews, comments


@pytest.mark.parametrize("approve", [True, False])
async def test_a_review_of_a_plan_is_written_down_and_moves_nothing(core, stack, planned, approve):
    async with core.db.write(WRITER) as tx:
        await decisions.review(tx, stack.id, planned.id, approve=approve, note=" looks fine ")

    async with core.db.read(ADMIN) as tx:
        (written,) = (await repo.reviews(tx, [planned.id]))[planned.id]
    assert written.decision == ("APPROVE" if approve else "REJECT")
    assert (written.author, written.note, written.state) == (
        *(WRITER.name, "looks fine"),
        S.UNCONFIRMED,
    )
    assert await state_of(core, planned) is S.UNCONFIRMED


async def test_a_run_under_way_or_over_is_not_reviewed(core, stack, worker):
    run = await given_a_run(core, stack)
    decide = partial(decisions.review, stack_id=stack.id, run_id=run.id, approve=True, note=None)
    await worker.take(run)
    await refused(core, IllegalMove, decide)
    await worker.fail(run, Phase.PREPARE)
    await refused(core, IllegalMove, decide)


async def test_comments_are_kept_in_order(core, stack, planned):
    for by, body in ((ADMIN, "one"), (WRITER, "  two ")):
        async with core.db.write(by) as tx:
            await decisions.comment(tx, stack.id, planned.id, body=body)

    async with core.db.read(READER) as tx:
        found = (await repo.comments(tx, [planned.id]))[planned.id]
    assert [(c.author, c.body) for c in found] == [(ADMIN.name, "one"), (WRITER.name, "two")]


async def test_an_empty_or_endless_comment_is_refused(core, stack, planned):
    for body in ("", "  \n", "x" * 10_001):
        what = partial(decisions.comment, stack_id=stack.id, run_id=planned.id, body=body)
        await refused(core, UserError, what)


async def test_an_endless_note_is_refused(core, stack, planned):
    for decide in (decisions.confirm, decisions.discard):
        what = partial(decide, stack_id=stack.id, run_id=planned.id, note="x" * 10_001)
        await refused(core, UserError, what, words="at most 10000")
