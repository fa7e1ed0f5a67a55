"""States that no backend took: kept apart, sealed, until somebody has looked."""

from __future__ import annotations

import gzip
import json

import pytest
from gantry.domains.runs.states import State
from gantry.domains.stacks import repo as stacks
from gantry.domains.tfstate import unsaved
from gantry.domains.tfstate.rules import BadState
from gantry.kernel.errors import NotFound, TooLarge
from gantry.kernel.tx import SYSTEM
from gantry_protocol.calls import Failed
from gantry_protocol.words import Phase

from tests.support.given import (
    given_a_pool,
    given_a_run,
    given_a_stack,
    given_a_task,
    given_a_worker,
    run_now,
)

LIMIT = 1024 * 1024
BODY = json.dumps({"version": 4, "serial": 7, "lineage": "a", "outputs": {}, "secret": "S3cr3t"})


@pytest.fixture
async def pool(core):
    return await given_a_pool(core)


@pytest.fixture
async def stack(core, pool):
    return await given_a_stack(core, pool)


async def keep(core, stack, run_id, body=BODY):
    packed = await unsaved.read(gzip.compress(body.encode()), limit=LIMIT)
    async with core.db.write(SYSTEM) as tx:
        await unsaved.keep(tx, core.vault, stack.id, run_id, packed)


async def export(core, run_id):
    async with core.db.read(SYSTEM) as tx:
        return await unsaved.export(tx, core.vault, run_id, limit=LIMIT)


async def listed(core):
    async with core.db.read(SYSTEM) as tx:
        return [(row.run_id, row.stack_id, row.serial) for row in await unsaved.listed(tx)]


async def test_what_a_run_left_comes_back_to_the_byte_and_lies_sealed(core, stack):
    await keep(core, stack, "RUN")
    await keep(core, stack, "RUN")  # the answer was lost

    assert await listed(core) == [("RUN", stack.id, 7)]
    assert await export(core, "RUN") == BODY.encode()
    ((sealed,),) = await core.rows("select sealed from unsaved_state")
    assert b"S3cr3t" not in bytes(sealed)
    assert await core.rows("select count(*) from state_version") == [(0,)]


async def test_what_is_right_again_is_forgotten(core, stack):
    await keep(core, stack, "RUN")

    async with core.db.write(SYSTEM) as tx:
        await unsaved.forget(tx, "RUN")

    assert await listed(core) == []
    for attempt in (export(core, "RUN"), _forget(core, "RUN")):
        with pytest.raises(NotFound):
            await attempt


async def _forget(core, run_id):
    async with core.db.write(SYSTEM) as tx:
        await unsaved.forget(tx, run_id)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", BadState),
        (b"not gzipped", BadState),
        (gzip.compress(BODY.encode())[:-9], BadState),
        (gzip.compress(b"{}"), BadState),
        (gzip.compress(b" " * (LIMIT + 1)), TooLarge),
    ],
)
async def test_what_is_no_state_is_not_kept(data, error):
    with pytest.raises(error):
        await unsaved.read(data, limit=LIMIT)


async def test_a_stack_whose_state_does_not_hold_what_was_changed_is_locked(core, pool, stack):
    worker = await given_a_worker(core, pool)
    task = await given_a_task(core, stack, skip_init=True)
    await worker.take(task)
    await worker.done(task, Phase.PREPARE)

    await worker.say(task, Failed(phase=Phase.PERFORM, reason="In vain.", state_unsaved=True))

    assert (await run_now(core, task)).state is State.FAILED
    async with core.db.read(SYSTEM) as tx:
        now = await stacks.find(tx, stack.id)
    assert now.locked_at is not None
    assert task.id in now.lock_note


async def test_a_worker_that_was_changing_nothing_locks_no_stack(core, pool, stack):
    worker = await given_a_worker(core, pool)
    run = await given_a_run(core, stack)
    await worker.take(run)
    await worker.done(run, Phase.PREPARE, Phase.INIT)

    await worker.say(run, Failed(phase=Phase.PLAN, reason="Odd.", state_unsaved=True))

    async with core.db.read(SYSTEM) as tx:
        assert (await stacks.find(tx, stack.id)).locked_at is None
