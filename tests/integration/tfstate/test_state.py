"""State is kept whole, in order, sealed, and by whoever holds its lock."""

from __future__ import annotations

import asyncio

import pytest
from gantry.domains.contexts import repo as elements
from gantry.domains.contexts import service as contexts
from gantry.domains.contexts.kinds import ElementType, OwnerKind
from gantry.domains.runs import repo as runs
from gantry.domains.runs.states import State
from gantry.domains.stacks.model import Stack
from gantry.domains.tfstate import repo, surgery
from gantry.domains.tfstate import service as states
from gantry.domains.tfstate.rules import BadState, StateConflict
from gantry.domains.tfstate.service import WrongLock
from gantry.kernel.errors import Conflict, NotAllowed, NotFound, UserError
from gantry.kernel.tx import SYSTEM
from gantry.ports.objects import Bucket, ObjectMissing
from gantry.ports.vault import Unreadable
from gantry_protocol.words import Phase

from tests.support.given import (
    ADMIN,
    ONE_CHANGE,
    READER,
    STRANGER,
    everything,
    given_a_run,
    given_a_stack,
    given_a_task,
    given_a_worker,
    lease_runs_out,
    stack_now,
    state_of,
    sweep,
)
from tests.support.states import (
    body,
    history,
    hold,
    let_go,
    read,
    refused,
    stored_objects,
    write,
)

# -- writing and reading


async def test_a_stack_has_no_state_at_first(core, stack):
    assert await read(core, stack) is None


async def test_what_was_written_is_read_back_to_the_byte(core, stack):
    data = body(1, check="ünï\n  spaced ")
    await write(core, stack, data)

    assert await read(core, stack) == data
    (version,) = await history(core, stack)
    assert (version.serial, version.lineage, version.size) == (1, "l", len(data))
    assert (version.created_by, version.run_id) == ("admin::ada", None)


@pytest.mark.parametrize("beyond", [-33, 0, 1])  # 33 bytes more when it is sealed
async def test_a_state_of_several_pieces_is_read_back_to_the_byte(core, stack, beyond):
    start = body(1)
    data = start + b" " * (2 * states.PIECE + beyond - len(start))
    await write(core, stack, data)

    assert await read(core, stack) == data


async def test_the_newest_state_is_the_current_one(core, stack):
    for serial in (1, 2, 10, 11):
        await write(core, stack, body(serial))

    assert await read(core, stack) == body(11)
    assert [version.serial for version in await history(core, stack)] == [11, 10, 2, 1]


async def test_a_state_is_sealed_where_it_lies(core, stack, tmp_path):
    outputs = {"password": {"value": "s3cr3t-output", "sensitive": True}}
    await write(core, stack, body(1, outputs=outputs))

    (path,) = await stored_objects(core, tmp_path)
    assert b"s3cr3t" not in path.read_bytes()
    assert stack.id not in str(path)
    for table in ("state_version", "procrastinate_jobs", "live_event"):
        rows = await core.rows(f"select t::text from {table} t")
        assert "s3cr3t" not in str(rows)


async def test_a_state_that_was_exchanged_for_another_cannot_be_read(core, stack):
    await write(core, stack, body(1))
    await write(core, stack, body(2))
    new, old = await history(core, stack)
    theirs = await core.objects.get(Bucket.STATES, old.object_key)
    await core.objects.put(Bucket.STATES, new.object_key, theirs)

    with pytest.raises(Unreadable):
        await read(core, stack)


async def test_the_same_state_twice_is_kept_once(core, stack, tmp_path):
    await write(core, stack, body(3))
    await write(core, stack, body(3))

    assert len(await history(core, stack)) == 1
    assert len(await stored_objects(core, tmp_path)) == 1


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        (body(2), StateConflict, "serial 2 is behind the stored serial 3"),
        (body(3, extra=1), StateConflict, "Another state with serial 3"),
        (body(4, "other"), StateConflict, "another lineage"),
        (b"{}", BadState, "version 4"),
        (b"", BadState, "not JSON"),
        (body(2**70), BadState, "serial"),
    ],
)
async def test_what_may_not_follow_changes_nothing(core, stack, tmp_path, data, error, words):
    await write(core, stack, body(3))

    await refused(core, tmp_path, error, write(core, stack, data), words)

    assert await read(core, stack) == body(3)


async def test_stacks_do_not_share_state(core, pool, stack):
    other = await given_a_stack(core, pool, "Database")
    await write(core, stack, body(5, "one"))
    await write(core, other, body(1, "two"))

    assert await read(core, stack) == body(5, "one")
    assert await read(core, other) == body(1, "two")


async def test_a_state_for_no_stack_leaves_nothing_behind(core, stack, tmp_path):
    absent = Stack(id="none")
    await refused(core, tmp_path, NotFound, write(core, absent, body(1)))


async def test_a_writer_that_loses_its_right_while_the_bytes_travel_changes_nothing(
    core, stack, tmp_path
):
    async def not_any_more(tx):
        raise NotAllowed("too late")

    await refused(core, tmp_path, NotAllowed, write(core, stack, body(1), allowed=not_any_more))


# -- the lock


async def test_only_the_holder_of_the_lock_writes(core, stack, tmp_path):
    await hold(core, stack, "abc")

    for wrong in (None, "", "ABC", "other"):
        error = await refused(
            core, tmp_path, states.WrongLock, write(core, stack, body(1), lock_id=wrong)
        )
        # The id that is held stays unsaid: it is what the lock is released with.
        assert "abc" not in error.message
    await write(core, stack, body(1), lock_id="abc")

    assert await read(core, stack) == body(1)


async def test_a_lock_that_is_not_held_is_not_written_under(core, stack, tmp_path):
    error = await refused(
        core, tmp_path, states.WrongLock, write(core, stack, body(1), lock_id="abc")
    )
    assert "not locked" in error.message


async def test_a_second_lock_is_refused_with_the_words_of_the_first(core, stack):
    await hold(core, stack, "abc")
    before = await everything(core)

    with pytest.raises(states.StateLocked) as raised:
        await hold(core, stack, "def")

    assert raised.value.info["ID"] == "abc"
    assert raised.value.info["Operation"] == "OperationTypeApply"
    assert "locked by user-abc (lock abc)" in raised.value.message
    assert raised.value.status == 423
    assert await everything(core) == before


async def test_asking_for_ones_own_lock_again_is_harmless(core, stack):
    await hold(core, stack, "abc")
    before = await everything(core)
    await hold(core, stack, "abc")
    assert await everything(core) == before


async def test_another_run_cannot_pass_for_the_holder_of_a_lock(core, stack):
    await hold(core, stack, "abc", run_id="one")
    before = await everything(core)

    for run_id in ("two", None):
        with pytest.raises(states.StateLocked):
            await hold(core, stack, "abc", run_id=run_id)

    assert await everything(core) == before


async def test_a_lock_without_a_name_is_refused(core, stack):
    for info in ({}, {"ID": ""}, {"ID": None}):
        with pytest.raises(UserError, match="names no ID"):
            async with core.db.write(SYSTEM) as tx:
                await states.lock(tx, stack.id, info, run_id=None)
    assert await core.rows("select 1 from state_lock") == []


async def test_another_may_not_unlock(core, stack):
    await hold(core, stack, "abc")
    before = await everything(core)

    for lock_id, run_id in (("def", None), ("abc", "another-run")):
        with pytest.raises(states.WrongLock):
            await let_go(core, stack, lock_id, run_id=run_id)

    assert await everything(core) == before
    await let_go(core, stack, "abc")
    await let_go(core, stack, "abc")  # twice is harmless
    await hold(core, stack, "def")


async def test_of_sixteen_who_ask_for_the_lock_one_has_it(core, stack):
    answers = await asyncio.gather(
        *(hold(core, stack, str(n)) for n in range(16)), return_exceptions=True
    )

    ((held,),) = await core.rows("select lock_id from state_lock")
    assert answers[int(held)] is None
    lost = [answer for answer in answers if answer is not None]
    assert len(lost) == 15
    assert {answer.info["ID"] for answer in lost} == {held}


# -- many at once


async def test_of_sixteen_writers_none_is_lost_and_nothing_is_torn(core, stack, tmp_path):
    bodies = [body(serial, filler=str(serial) * 2000) for serial in range(1, 17)]

    answers = await asyncio.gather(
        *(write(core, stack, data) for data in bodies), return_exceptions=True
    )

    kept = [data for data, answer in zip(bodies, answers, strict=True) if answer is None]
    assert all(answer is None or isinstance(answer, StateConflict) for answer in answers)
    versions = (await history(core, stack))[::-1]
    assert [
        await states.read_version(core.vault, core.objects, version) for version in versions
    ] == kept
    assert await read(core, stack) == kept[-1] == bodies[-1]
    assert len(await stored_objects(core, tmp_path)) == len(kept)


async def test_of_sixteen_different_states_with_one_serial_one_is_kept(core, stack, tmp_path):
    bodies = [body(1, filler=n) for n in range(16)]

    answers = await asyncio.gather(
        *(write(core, stack, data) for data in bodies), return_exceptions=True
    )

    (kept,) = [data for data, answer in zip(bodies, answers, strict=True) if answer is None]
    assert await read(core, stack) == kept
    assert len(await stored_objects(core, tmp_path)) == 1


async def test_servers_whose_clocks_differ_agree_on_the_newest_state(core, stack):
    await write(core, stack, body(1))
    await core.change("update state_version set created_at = now() + interval '1 hour'")
    await write(core, stack, body(2))

    assert await read(core, stack) == body(2)


async def test_a_run_that_ends_while_it_writes_ends_and_nobody_waits_for_ever(core, pool):
    for n in range(4):
        stack = await given_a_stack(core, pool, f"Stack {n}", autodeploy=True)
        worker = await given_a_worker(core, pool)
        run = await given_a_run(core, stack)
        await worker.plan(run, ONE_CHANGE)
        await hold(core, stack, "abc", run_id=run.id)
        await lease_runs_out(core, run)

        writer = states.Writer("", run.id)
        *written, _ = await asyncio.gather(
            *(write(core, stack, body(s), lock_id="abc", writer=writer) for s in range(1, 7)),
            sweep(core),
            return_exceptions=True,
        )

        allowed = (states.WrongLock, StateConflict)
        assert all(answer is None or isinstance(answer, allowed) for answer in written)
        assert await state_of(core, run) is State.FAILED
        assert await core.rows("select 1 from state_lock") == []


# -- a run's own lock, and what is not taken


async def performing(core, stack, pool):
    """A task that holds the state's lock."""
    worker = await given_a_worker(core, pool)
    task = await given_a_task(core, stack, skip_init=True)
    await worker.take(task)
    await worker.done(task, Phase.PREPARE)
    async with core.db.write(SYSTEM) as tx:
        await states.lock(tx, stack.id, {"ID": "lock-1"}, run_id=task.id)
    return worker, task


async def test_a_run_that_names_no_lock_writes_under_its_own(core, stack, pool):
    _, task = await performing(core, stack, pool)
    await write(core, stack, body(1), writer=states.Writer("", task.id))
    assert await read(core, stack) == body(1)


@pytest.mark.parametrize("lock_id", [None, "lock-2"])
async def test_nobody_writes_under_the_lock_of_another(core, stack, pool, tmp_path, lock_id):
    _, task = await performing(core, stack, pool)
    for writer in (states.Writer("", "another-run"), states.Writer(ADMIN.name)):
        attempt = write(core, stack, body(1), lock_id=lock_id, writer=writer)
        await refused(core, tmp_path, WrongLock, attempt)
    if lock_id is not None:
        attempt = write(core, stack, body(1), lock_id=lock_id, writer=states.Writer("", task.id))
        await refused(core, tmp_path, WrongLock, attempt)


async def test_why_a_state_was_not_taken_is_part_of_why_the_run_failed(core, stack, pool):
    worker, task = await performing(core, stack, pool)
    async with core.db.write(SYSTEM) as tx:
        await runs.note_state_refusal(tx, task.id, 1, "The serial is behind.")
        await runs.note_state_refusal(tx, task.id, 0, "of an older lease")

    await worker.fail(task, Phase.PERFORM, "It failed.")

    failure = await core.rows("select failure from run where id = :id", id=task.id)
    assert failure == [("It failed. The state was not taken: The serial is behind.",)]


# -- what is found in a state


async def resources(core, stack):
    return await core.rows(
        "select address, mode, creator_run_id, updater_run_id from stack_resource"
        " where stack_id = :stack order by address",
        stack=stack.id,
    )


def thing(name, *instances):
    return {"mode": "managed", "type": "thing", "name": name, "instances": list(instances)}


async def test_the_resources_of_a_state_are_listed_with_who_made_and_changed_them(core, stack):
    a, b = {"attributes": {"id": "a"}}, {"attributes": {"id": "b"}}
    await write(
        core,
        stack,
        body(1, resources=[thing("a", a), thing("b", b)]),
        writer=states.Writer("", "run-1"),
    )
    await core.drain()
    changed = {"attributes": {"id": "b", "size": 2}}
    await write(
        core,
        stack,
        body(2, resources=[thing("a", a), thing("b", changed), thing("c", a)]),
        writer=states.Writer("", "run-2"),
    )
    await core.drain()

    assert await resources(core, stack) == [
        ("thing.a", "managed", "run-1", "run-1"),
        ("thing.b", "managed", "run-1", "run-2"),
        ("thing.c", "managed", "run-2", "run-2"),
    ]
    async with core.db.read(SYSTEM) as tx:
        assert await repo.count_resources(tx, [stack.id, "none"]) == {stack.id: 3, "none": 0}


async def test_an_object_left_over_from_a_replacement_is_listed_beside_its_successor(core, stack):
    left = {"attributes": {"id": "old"}, "deposed": "a1b2c3d4"}
    await write(core, stack, body(1, resources=[thing("a", {"attributes": {"id": "new"}}, left)]))
    await core.drain()

    found = [address for address, *_ in await resources(core, stack)]
    assert found == ["thing.a", "thing.a (deposed object a1b2c3d4)"]


async def test_resources_that_are_gone_are_no_longer_listed(core, stack):
    await write(core, stack, body(1, resources=[thing("a", {"attributes": {}})]))
    await core.drain()
    await write(core, stack, body(2))
    await core.drain()
    assert await resources(core, stack) == []


async def test_an_index_that_comes_late_does_not_bring_back_an_older_state(core, stack):
    await write(core, stack, body(1, resources=[thing("old", {"attributes": {}})]))
    await write(core, stack, body(2, resources=[thing("new", {"attributes": {}})]))
    new, old = await history(core, stack)

    for version in (new, old, new, old):
        await states.index(
            core.db, core.vault, core.objects, stack_id=stack.id, version_id=version.id
        )

    assert [address for address, *_ in await resources(core, stack)] == ["thing.new"]


async def test_a_state_with_thousands_of_resources_is_listed_whole(core, stack):
    many = [thing(f"r{n}", {"attributes": {"n": n}}) for n in range(2500)]
    await write(core, stack, body(1, resources=many))
    await core.drain()
    assert await core.rows("select count(*) from stack_resource") == [(2500,)]


# -- another id for the stack


async def test_a_stack_takes_its_state_outputs_and_environment_to_its_new_id(core, pool, stack):
    await write(core, stack, body(1))
    async with core.db.write(ADMIN) as tx:
        await states.publish_outputs(
            tx,
            core.vault,
            stack.id,
            [states.FreshOutput("o", '"v"', sensitive=False)],
            run_id=None,
            keep_sensitive=False,
        )
        await contexts.put(
            tx,
            core.vault,
            owner=OwnerKind.STACK,
            owner_id=stack.id,
            element_type=ElementType.ENVIRONMENT_VARIABLE,
            element_id="TOKEN",
            value="s3cr3t",
            write_only=True,
            description=None,
        )
    await core.change("update stack set name = 'Edge & Core'")

    async with core.db.write(ADMIN) as tx:
        moved = await surgery.reslug(tx, core.vault, stack.id)

    assert moved.id == "edge-and-core"
    assert await read(core, moved) == body(1)
    async with core.db.read(ADMIN) as tx:
        (output,) = (await repo.outputs(tx, ["edge-and-core"]))["edge-and-core"]
        (element,) = (await elements.of_stacks(tx, ["edge-and-core"]))["edge-and-core"]
    assert states.output_value(core.vault, output) == '"v"'
    assert contexts.reveal(core.vault, element) == "s3cr3t"
    assert await core.rows("select 1 from stack where id = 'network'") == []


async def test_an_id_that_is_taken_or_a_run_that_works_keeps_the_stacks_id(core, pool, stack):
    await given_a_stack(core, pool, "Database")
    await core.change("update stack set name = 'database' where id = 'network'")
    before = await everything(core)
    with pytest.raises(Conflict, match='"database" already exists'):
        async with core.db.write(ADMIN) as tx:
            await surgery.reslug(tx, core.vault, stack.id)
    assert await everything(core) == before

    await core.change("update stack set name = 'Edge' where id = 'network'")
    await given_a_run(core, stack)
    before = await everything(core)
    for by, error in ((ADMIN, Conflict), (READER, NotAllowed), (STRANGER, NotFound)):
        with pytest.raises(error):
            async with core.db.write(by) as tx:
                await surgery.reslug(tx, core.vault, stack.id)
    assert await everything(core) == before


async def test_no_stack_is_given_an_id_that_looks_like_a_ulid(core, stack):
    await core.change("update stack set name = '01ARZ3NDEKTSV4RRFFQ69G5FAV'")

    with pytest.raises(Conflict):
        async with core.db.write(ADMIN) as tx:
            await surgery.reslug(tx, core.vault, stack.id)

    assert (await stack_now(core, stack)).id == "network"


async def test_a_state_whose_bytes_are_gone_is_missing_and_not_empty(core, stack):
    await write(core, stack, body(1))
    (version,) = await history(core, stack)
    await core.objects.delete(Bucket.STATES, version.object_key)

    with pytest.raises(ObjectMissing):
        await read(core, stack)
