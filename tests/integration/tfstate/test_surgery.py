"""A state is imported, and rolled back to, by whoever holds the stack; never beneath a run."""

from __future__ import annotations

import json

import pytest
from gantry.domains.runs import decisions
from gantry.domains.stacks.access import StackLocked
from gantry.domains.stacks.vendors import BadStack
from gantry.domains.tfstate import surgery
from gantry.domains.tfstate.rules import BadState
from gantry.kernel.errors import Conflict, NotAllowed, NotFound

from tests.support.given import (
    ADMIN,
    ONE_CHANGE,
    READER,
    STRANGER,
    WRITER,
    given_a_run,
    given_a_stack,
    given_a_worker,
    wanted,
)
from tests.support.states import (
    body,
    history,
    import_it,
    lock_stack,
    read,
    refused,
    roll_back,
    write,
)


async def test_an_import_goes_on_top_of_the_history(core, stack):
    await write(core, stack, body(7, "mine"))
    await lock_stack(core, stack)

    await import_it(core, stack, body(3, "theirs", outputs={"o": {"value": 1}}))

    now = json.loads(await read(core, stack))
    assert (now["serial"], now["lineage"]) == (8, "mine")
    assert now["outputs"] == {"o": {"value": 1}}
    newest, before = await history(core, stack)
    assert (newest.imported, newest.created_by) == (True, ADMIN.name)
    assert (before.serial, before.imported) == (7, False)


async def test_an_import_that_is_ahead_stays_ahead(core, stack):
    await write(core, stack, body(7))
    await lock_stack(core, stack)
    await import_it(core, stack, body(30))
    assert json.loads(await read(core, stack))["serial"] == 31


async def test_the_first_import_is_kept_as_it_is(core, stack):
    await lock_stack(core, stack)
    await import_it(core, stack, body(3, "theirs"))
    now = json.loads(await read(core, stack))
    assert (now["serial"], now["lineage"]) == (3, "theirs")


async def test_a_rollback_makes_an_earlier_state_the_newest(core, stack):
    for serial in (1, 2, 3):
        await write(core, stack, body(serial, filler=serial))
    wanted = (await history(core, stack))[2]
    await lock_stack(core, stack)

    made = await roll_back(core, stack, wanted.id)

    now = json.loads(await read(core, stack))
    assert (now["serial"], now["filler"]) == (4, 1)
    assert (made.rollback_of, made.created_by) == (wanted.id, ADMIN.name)
    assert [version.serial for version in await history(core, stack)] == [4, 3, 2, 1]
    await write(core, stack, body(5))


async def test_only_an_earlier_state_of_the_stack_is_rolled_back_to(core, pool, stack, tmp_path):
    other = await given_a_stack(core, pool, "Database")
    await write(core, other, body(1, "theirs"))
    await write(core, other, body(2, "theirs"))
    await write(core, stack, body(1))
    await lock_stack(core, stack)
    (current,) = await history(core, stack)
    theirs = (await history(core, other))[1]

    await refused(core, tmp_path, Conflict, roll_back(core, stack, current.id), "current state al")
    for absent in (theirs.id, "none"):
        await refused(core, tmp_path, NotFound, roll_back(core, stack, absent))


async def test_surgery_needs_a_lock_of_ones_own_on_the_stack(core, stack, tmp_path):
    await write(core, stack, body(1))
    await write(core, stack, body(2))
    old = (await history(core, stack))[1]

    for attempt in (import_it(core, stack, body(9)), roll_back(core, stack, old.id)):
        await refused(core, tmp_path, Conflict, attempt, "Lock the stack first")
    await lock_stack(core, stack, by=WRITER)
    for attempt in (import_it(core, stack, body(9)), roll_back(core, stack, old.id)):
        await refused(core, tmp_path, StackLocked, attempt)

    assert await read(core, stack) == body(2)


@pytest.mark.parametrize("when", ["ready", "planning", "unconfirmed", "applying"])
async def test_no_surgery_while_a_run_works_on_the_state(core, pool, tmp_path, when):
    stack = await given_a_stack(core, pool, autodeploy=when == "applying")
    await write(core, stack, body(1))
    worker = await given_a_worker(core, pool)
    run = await given_a_run(core, stack)
    if when != "ready":
        await worker.take(run) if when == "planning" else await worker.plan(run, ONE_CHANGE)
    await lock_stack(core, stack)

    await refused(core, tmp_path, Conflict, import_it(core, stack, body(9)), "run holds the stack")

    assert await read(core, stack) == body(1)


async def test_after_the_run_was_discarded_surgery_goes_on(core, pool, stack):
    worker = await given_a_worker(core, pool)
    run = await given_a_run(core, stack)
    await worker.plan(run, ONE_CHANGE)
    await lock_stack(core, stack)
    async with core.db.write(ADMIN) as tx:
        await decisions.discard(tx, stack.id, run.id, note=None)

    await import_it(core, stack, body(9))

    assert json.loads(await read(core, stack))["serial"] == 9


@pytest.mark.parametrize(("actor", "error"), [(READER, NotAllowed), (STRANGER, NotFound)])
async def test_surgery_needs_the_right(core, stack, tmp_path, actor, error):
    await write(core, stack, body(1))
    await write(core, stack, body(2))
    old = (await history(core, stack))[1]
    await lock_stack(core, stack)

    await refused(core, tmp_path, error, import_it(core, stack, body(9), by=actor))
    await refused(core, tmp_path, error, roll_back(core, stack, old.id, by=actor))


async def test_a_stack_that_keeps_its_state_elsewhere_has_none_here(core, pool, tmp_path):
    stack = await given_a_stack(core, pool, manages_state=False)
    await lock_stack(core, stack)

    await refused(core, tmp_path, Conflict, import_it(core, stack, body(1)), "does not manage")


async def test_a_stack_is_made_with_its_first_state_or_not_at_all(core, tmp_path):
    async def make(data, name="Moved", *, by=ADMIN):
        return await surgery.create_with_state(
            core.db, core.vault, core.objects, by, wanted(core, name), data
        )

    await refused(core, tmp_path, BadState, make(b"nonsense"))
    await refused(core, tmp_path, BadStack, make(body(1), name=" "))
    await refused(core, tmp_path, NotAllowed, make(body(1), by=READER))

    stack = await make(body(12, "theirs"))

    assert stack.manages_state
    assert json.loads(await read(core, stack))["serial"] == 12
    assert (await history(core, stack))[0].imported
