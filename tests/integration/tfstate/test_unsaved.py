"""States that no backend took: kept apart, sealed, until somebody has looked."""

from __future__ import annotations

import asyncio
import gzip
import json

import pytest
from gantry.domains.people.access import EVERYTHING
from gantry.domains.people.actions import Action
from gantry.domains.runs import leftovers
from gantry.domains.runs import repo as runs
from gantry.domains.runs.states import State
from gantry.domains.stacks import repo as stacks
from gantry.domains.stacks import service as stack_service
from gantry.domains.tfstate import unsaved
from gantry.domains.tfstate.rules import BadState
from gantry.kernel.errors import Conflict, NotAllowed, NotFound, TooLarge
from gantry.kernel.tx import SYSTEM, Actor
from gantry_protocol.calls import Failed, Stopped
from gantry_protocol.words import Phase

from tests.support.given import (
    ADMIN,
    ONE_CHANGE,
    given_a_pool,
    given_a_run,
    given_a_stack,
    given_a_task,
    given_a_worker,
    run_now,
)


def a_state(serial=7, lineage="a", **more):
    return json.dumps({"version": 4, "serial": serial, "lineage": lineage, **more})


BODY = a_state(secret="S3cr3t")


async def keep(core, stack, run_id, body=BODY):
    packed = await unsaved.read(core.vault, run_id, gzip.compress(body.encode()))
    async with core.db.write(SYSTEM) as tx:
        return await unsaved.keep(tx, stack.id, run_id, packed)


async def export(core, run_id):
    async with core.db.read(SYSTEM) as tx:
        return b"".join(await unsaved.export(tx, core.vault, run_id)).decode()


async def forget(core, run_id):
    async with core.db.write(SYSTEM) as tx:
        await unsaved.forget(tx, run_id)


async def listed(core):
    async with core.db.read(SYSTEM) as tx:
        return [(row.run_id, row.stack_id, row.serial) for row in await unsaved.listed(tx)]


async def lock_note(core, stack):
    async with core.db.read(SYSTEM) as tx:
        found = await stacks.find(tx, stack.id)
    return found.lock_note if found.locked_at else None


async def test_what_a_run_left_comes_back_to_the_byte_and_lies_sealed(core, stack):
    assert await keep(core, stack, "RUN")
    assert not await keep(core, stack, "RUN"), "the answer was lost"

    assert await listed(core) == [("RUN", stack.id, 7)]
    assert await export(core, "RUN") == BODY
    ((sealed,),) = await core.rows("select sealed from unsaved_state")
    assert b"S3cr3t" not in gzip.compress(bytes(sealed))
    assert await core.rows("select count(*) from state_version") == [(0,)]


async def test_only_a_later_state_of_the_same_lineage_takes_the_place_of_one(core, stack):
    await keep(core, stack, "RUN", a_state(7))

    assert not await keep(core, stack, "RUN", a_state(6))
    assert not await keep(core, stack, "RUN", a_state(9, "another"))
    assert await export(core, "RUN") == a_state(7)

    assert await keep(core, stack, "RUN", a_state(8))
    assert await export(core, "RUN") == a_state(8)


async def test_of_several_who_hand_over_the_same_one_is_first_and_none_fails(core, stack):
    news = await asyncio.gather(*(keep(core, stack, "RUN") for _ in range(8)))

    assert sorted(news) == [False] * 7 + [True]


async def test_what_is_right_again_is_forgotten(core, stack):
    await keep(core, stack, "RUN")

    await forget(core, "RUN")

    assert await listed(core) == []
    for attempt in (export(core, "RUN"), forget(core, "RUN")):
        with pytest.raises(NotFound):
            await attempt


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not gzipped",
        gzip.compress(BODY.encode())[:-9],
        gzip.compress(b"{}"),
        gzip.compress(a_state().replace("4", "3", 1).encode()),
        gzip.compress(a_state(lineage="").encode()),
        gzip.compress(a_state(serial=10**19).encode()),
    ],
    ids=["empty", "plain", "cut short", "no state", "format", "lineage", "serial"],
)
async def test_what_is_no_state_is_not_kept(core, data):
    with pytest.raises(BadState):
        await unsaved.read(core.vault, "RUN", data)


async def test_what_unpacks_without_end_is_not_kept(core, monkeypatch):
    monkeypatch.setattr(unsaved, "MAX_UNPACKED", 1024)
    with pytest.raises(TooLarge):
        await unsaved.read(core.vault, "RUN", gzip.compress(b" " * 1025))


# -- what becomes of the stack


@pytest.fixture
async def worker(core, pool):
    return await given_a_worker(core, pool)


async def performing(core, stack, worker):
    """A task that may be changing things."""
    task = await given_a_task(core, stack, skip_init=True)
    await worker.take(task)
    await worker.done(task, Phase.PREPARE)
    return task


async def take(core, run, pool, fence=1, body=BODY):
    packed = await unsaved.read(core.vault, run.id, gzip.compress(body.encode()))
    async with core.db.write(SYSTEM) as tx:
        return await leftovers.take(tx, run.id, pool.id, fence, packed)


async def test_a_stack_whose_state_does_not_hold_what_was_changed_is_locked(core, stack, worker):
    task = await performing(core, stack, worker)

    await worker.say(task, Failed(phase=Phase.PERFORM, reason="In vain.", state_unsaved=True))

    assert (await run_now(core, task)).state is State.FAILED
    assert task.id in await lock_note(core, stack)


@pytest.mark.parametrize(
    "told", [Failed(phase=Phase.APPLY, reason="x"), Stopped(phase=Phase.APPLY)]
)
async def test_a_stack_is_locked_when_the_last_word_on_its_state_was_a_refusal(
    core, pool, worker, told
):
    stack = await given_a_stack(core, pool, "Of its own", autodeploy=True)
    run = await given_a_run(core, stack)
    await worker.plan(run, ONE_CHANGE)
    async with core.db.write(SYSTEM) as tx:
        await runs.note_state_refusal(tx, run.id, 1, "The storage is away.")

    await core.change("update run set stop_requested_at = now() where id = :id", id=run.id)
    await worker.say(run, told)

    assert (await run_now(core, run)).finished
    assert run.id in await lock_note(core, stack)


async def test_what_a_task_was_refused_locks_nothing(core, stack, worker):
    task = await performing(core, stack, worker)
    async with core.db.write(SYSTEM) as tx:
        await runs.note_state_refusal(tx, task.id, 1, "The serial is behind.")

    await worker.fail(task, Phase.PERFORM)

    assert await lock_note(core, stack) is None


async def test_a_state_that_arrives_when_the_run_is_over_locks_the_stack_once(
    core, pool, stack, worker
):
    """Somebody may have looked, seen nothing, and unlocked it."""
    task = await performing(core, stack, worker)
    await worker.fail(task, Phase.PERFORM)
    assert await lock_note(core, stack) is None

    assert await take(core, task, pool) is None

    assert task.id in await lock_note(core, stack)
    await core.change("update stack set locked_at = null")
    assert await take(core, task, pool) is None, "the answer was lost"
    assert await lock_note(core, stack) is None


async def test_a_state_that_arrives_before_the_runs_own_word_leaves_the_stack_to_it(
    core, pool, stack, worker
):
    task = await performing(core, stack, worker)

    assert await take(core, task, pool) is None

    assert await lock_note(core, stack) is None
    assert await listed(core) == [(task.id, stack.id, 7)]


async def test_nobody_leaves_a_state_of_a_run_that_is_not_theirs_or_changed_nothing(
    core, pool, stack, worker
):
    run = await given_a_run(core, stack)
    await worker.take(run)
    await worker.done(run, Phase.PREPARE, Phase.INIT)

    assert await take(core, run, pool) == "the run has changed nothing"
    assert await take(core, run, pool, fence=0) == leftovers.NOT_YOURS
    assert await take(core, run, await given_a_pool(core, "others")) == leftovers.NOT_YOURS

    await worker.say(run, Failed(phase=Phase.PLAN, reason="Odd.", state_unsaved=True))
    assert await listed(core) == []
    assert await lock_note(core, stack) is None


async def test_who_may_force_it_takes_the_lock_over_without_letting_go(core, pool, stack, worker):
    task = await performing(core, stack, worker)
    await worker.say(task, Failed(phase=Phase.PERFORM, reason="In vain.", state_unsaved=True))
    lesser = Actor(
        "user", "bo", name="idp::bo", everywhere=EVERYTHING - {Action.STACK_UNLOCK_FORCE.value}
    )

    with pytest.raises(NotAllowed):
        await take_over(core, stack, lesser)
    assert task.id in await lock_note(core, stack)
    await take_over(core, stack, ADMIN)

    async with core.db.read(SYSTEM) as tx:
        assert (await stacks.find(tx, stack.id)).locked_by == ADMIN.name
    with pytest.raises(Conflict):
        await take_over(core, stack, lesser)


async def take_over(core, stack, by):
    async with core.db.write(by) as tx:
        await stack_service.lock(tx, stack.id, note=None)
