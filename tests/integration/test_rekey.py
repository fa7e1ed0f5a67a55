"""Another data key while everything runs: nothing is lost, nothing is unreadable for a moment."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives import serialization
from gantry.apps.admin_rekey import words
from gantry.apps.keys import RsaKeyring
from gantry.domains.audit import chain
from gantry.domains.contexts import repo as elements_repo
from gantry.domains.contexts import service as elements
from gantry.domains.contexts.kinds import ElementType, OwnerKind
from gantry.domains.keys import rules, service
from gantry.domains.keys.kinds import Phase
from gantry.domains.keys.service import RekeyConflict
from gantry.domains.runs.service import overrides_of
from gantry.domains.stacks import repo as stacks
from gantry.domains.tfstate import repo as states_repo
from gantry.domains.tfstate import service as states
from gantry.kernel.sealed import sealed_columns
from gantry.kernel.tx import SYSTEM
from gantry.ports.objects import Bucket
from gantry.ports.vault import Unreadable
from sqlalchemy import text

from tests.support.given import given_a_run
from tests.support.rekeying import Member, keep_first_key, member, rings, until


@pytest.fixture
async def ring(core):
    ring = rings(RsaKeyring(core.keys.private))
    await keep_first_key(core.db, ring, core.keys.vault.data_keys[1])
    return ring


@pytest.fixture
async def drain(core, ring) -> Member:
    return await member(core.db, core.objects, core.url, ring)


async def another(core, ring) -> Member:
    return await member(core.db, core.objects, core.url, ring)


async def put(core, vault, name: str, value: str, *, owner: str = "here") -> None:
    async with core.db.write(SYSTEM) as tx:
        await elements.put(
            tx,
            vault,
            owner=OwnerKind.CONTEXT,
            owner_id=owner,
            element_type=ElementType.ENVIRONMENT_VARIABLE,
            element_id=name,
            value=value,
            write_only=True,
            description=None,
        )


async def given_elements(core, vault, count: int) -> dict[str, str]:
    values = {f"SECRET_{n:04}": f"value {n}" for n in range(count)}
    for name, value in values.items():
        await put(core, vault, name, value)
    return values


async def read_all(core, vault, owner: str = "here") -> dict[str, str]:
    async with core.db.read(SYSTEM) as tx:
        rows = await elements_repo.of_contexts(tx, [owner])
    return {one.id: elements.reveal(vault, one) for one in rows[owner]}


async def given_a_state(core, vault, stack, *, padding: int = 0) -> bytes:
    output = {"value": "hunter2", "type": "string", "sensitive": True}
    state = {"version": 4, "serial": 1, "lineage": "ours", "outputs": {"password": output}}
    body = json.dumps(state | {"resources": [], "more": "x" * padding}).encode()

    async def still(tx):
        await stacks.lock(tx, stack.id)

    writer = states.Writer("ada")
    await states.write(
        *(core.db, vault, core.objects, stack.id, body),
        lock_id=None,
        writer=writer,
        still_allowed=still,
    )
    async with core.db.write(SYSTEM) as tx:
        fresh = await states.outputs_of_current(tx, vault, stack.id)
        await states.publish_outputs(tx, vault, stack.id, fresh, run_id=None, keep_sensitive=True)
    return body


async def versions(core) -> dict[str, set[int]]:
    """Which data keys each column's values are sealed with."""
    found: dict[str, set[int]] = {}
    async with core.db.engine.connect() as connection:
        for one in sealed_columns():
            table, column = one.column.table.name, one.column.name
            query = f"select distinct substring({column} from 1 for 5) from {table} where {column} is not null"
            rows = await connection.execute(text(query))
            found[one.name] = {int.from_bytes(bytes(row[0])[1:], "big") for row in rows}
    return {name: numbers for name, numbers in found.items() if numbers}


async def days_pass(core, days: int = 8) -> None:
    """Everything that was noted is that much older."""
    for table, columns in {
        "rekey": ("started_at", "switched_at", "finished_at"),
        "replaced_object": ("replaced_at",),
        "signing_key": ("first_used_at", "last_used_at"),
    }.items():
        earlier = ", ".join(f"{name} = {name} - interval '{days} days'" for name in columns)
        await core.change(f"update {table} set {earlier}")


# -- all of it


async def test_everything_is_sealed_anew_and_the_old_key_goes_when_nothing_needs_it(
    core, ring, drain, stack
):
    values = await given_elements(core, drain.vault, 3)
    body = await given_a_state(core, drain.vault, stack)
    run = await given_a_run(core, stack, overrides=[("TF_LOG", "debug")])
    (before,) = await core.rows("select object_key from state_version")
    await drain.start()

    assert await drain.finish() is Phase.DONE

    assert set().union(*(await versions(core)).values()) == {2}
    assert len(await versions(core)) == 6  # but for a state that nothing took
    assert (await drain.standing()).progress.unreadable == 0
    await days_pass(core)
    assert await drain.retire() == [1]
    assert await core.rows("select version, current from data_key") == [(2, True)]
    assert await core.objects.size(Bucket.STATES, str(before[0])) is None
    late = await another(core, ring)
    assert not late.vault.opens(1)
    assert await read_all(core, late.vault) == values
    assert await states.read(core.db, late.vault, core.objects, stack.id) == body
    async with core.db.read(SYSTEM) as tx:
        outputs = (await states_repo.outputs(tx, [stack.id]))[stack.id]
    opened = late.vault.open(outputs[0].value_sealed, identity=outputs[0].identity)
    assert opened == b'"hunter2"'
    assert overrides_of(late.vault, run) == [("TF_LOG", "debug")] or run.overrides_sealed


async def test_a_large_state_is_sealed_anew_in_pieces(core, drain, stack):
    body = await given_a_state(core, drain.vault, stack, padding=states.PIECE + 1)
    await drain.start()

    assert await drain.finish() is Phase.DONE

    ((key,),) = await core.rows("select object_key from state_version")
    assert str(key).endswith(".2")
    assert await states.read(core.db, drain.vault, core.objects, stack.id) == body


async def test_writers_and_readers_notice_nothing(core, ring, drain, monkeypatch):
    monkeypatch.setattr(rules, "AT_ONCE", 10)
    values = await given_elements(core, drain.vault, 60)
    server = await another(core, ring)
    await server.beat()
    wrong: list[str] = []
    written = dict(values)
    done = asyncio.Event()

    async def write() -> None:
        number = 0
        while not done.is_set():
            number += 1
            name = f"SECRET_{number * 7 % 60:04}"
            await put(core, server.vault, name, f"newer {number}")
            written[name] = f"newer {number}"

    async def look() -> None:
        while not done.is_set():
            try:
                await read_all(core, server.vault)
            except Unreadable as error:
                wrong.append(str(error))

    async def walk() -> Phase | None:
        try:
            await drain.start()
            for one in (drain, server):
                await one.beat()
            phase = await drain.step()
            while phase in (Phase.SWITCHED, Phase.WALKING):
                await drain.beat()
                await server.beat()
                phase = await drain.step()
            return phase
        finally:
            done.set()

    phase, *_ = await asyncio.gather(walk(), write(), look(), look())

    assert phase is Phase.DONE
    assert wrong == []
    assert await read_all(core, drain.vault) == written
    assert (await versions(core))["config_element.value_sealed"] == {2}


# -- waiting for processes


async def test_nothing_is_sealed_with_the_new_key_before_every_process_can_open_it(
    core, ring, drain
):
    server = await another(core, ring)
    await server.beat()
    await drain.start()
    await drain.beat()

    assert await drain.step() is Phase.ANNOUNCED
    standing = await drain.standing()
    assert [one.id for one in standing.waits_for] == [server.id]
    assert "Not yet: drain on" in words(standing)
    await put(core, drain.vault, "A", "a")
    assert (await versions(core))["config_element.value_sealed"] == {1}

    await server.beat()
    assert await drain.step() is Phase.SWITCHED
    await drain.beat()
    assert await drain.step() is Phase.SWITCHED  # the server seals with the old one
    await put(core, server.vault, "B", "b")
    assert (await versions(core))["config_element.value_sealed"] == {1}
    await server.beat()
    assert await drain.step() is Phase.DONE
    assert (await versions(core))["config_element.value_sealed"] == {2}


async def test_a_process_of_a_release_that_says_nothing_of_keys_is_waited_for(core, drain):
    await core.change(
        "insert into process (id, kind, host, release, started_at, heard_at)"
        " values ('old', 'server', 'elsewhere', '0', now(), now())"
    )
    await drain.start()
    await drain.beat()

    assert await drain.step() is Phase.ANNOUNCED

    await core.change("update process set heard_at = now() - interval '2 minutes' where id = 'old'")
    assert await drain.step() is Phase.SWITCHED


async def test_a_value_of_a_key_that_a_process_has_not_heard_of_is_opened_all_the_same(
    core, ring, drain
):
    server = await another(core, ring)
    await drain.start()
    await drain.finish()
    await put(core, drain.vault, "A", "a")

    assert await read_all(core, server.vault) == {"A": "a"}
    assert server.vault.seals_with == 1
    with pytest.raises(Unreadable, match="not here any more"):
        server.vault.open(b"\x01\x00\x00\x00\x63" + b"x" * 40, identity="A")


# -- interruptions


async def test_a_drain_that_is_killed_in_the_middle_is_gone_on_for_where_it_was(
    core, drain, monkeypatch
):
    values = await given_elements(core, drain.vault, 1500)
    await drain.start()
    await drain.beat()
    assert await drain.step() is Phase.SWITCHED
    await drain.beat()
    pem = core.keys.private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    place = core.objects  # the drain that is killed comes to no state
    assert place is not None
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.support.rekeying", core.url, "/nonexistent"],
        stdin=subprocess.PIPE,
    )
    try:
        child.stdin.write(base64.b64encode(pem))
        child.stdin.close()

        async def some_done() -> bool:
            assert child.poll() is None, "it ended before it was killed"
            return bool(await core.rows("select 1 from rekey_place where done > 100"))

        await until(some_done)
    finally:
        child.kill()
        child.wait()
    ((done,),) = await core.rows("select sum(done) from rekey_place")
    assert await read_all(core, drain.vault) == values
    assert await drain.step() is None  # the other might still be at work
    await core.change("update rekey set held_until = now() - interval '1 second'")

    assert await drain.step() is Phase.DONE

    ((all_done,),) = await core.rows("select sum(done) from rekey_place")
    assert 100 < done < all_done == 1500 + 2  # and two keys: of tokens, and of the authority
    assert await read_all(core, drain.vault) == values


async def test_a_rekey_is_paused_and_goes_on(core, drain):
    await given_elements(core, drain.vault, 5)
    await drain.start()
    async with core.db.write(SYSTEM) as tx:
        await service.pause(tx)

    await drain.beat()
    assert await drain.step() is None
    assert "paused" in words(await drain.standing())

    async with core.db.write(SYSTEM) as tx:
        await service.resume(tx)
    assert await drain.finish() is Phase.DONE


async def test_a_rekey_is_cancelled_only_before_something_is_sealed_with_its_key(core, drain):
    await drain.start()
    await drain.beat()
    async with core.db.write(SYSTEM) as tx:
        await service.cancel(tx)
    await drain.beat()
    assert not drain.vault.opens(2)
    assert await core.rows("select version from data_key") == [(1,)]

    made = await drain.start()
    assert made.version == 3  # a version is never given twice
    await drain.beat()
    await drain.step()
    with pytest.raises(RekeyConflict, match="already"):
        async with core.db.write(SYSTEM) as tx:
            await service.cancel(tx)
    assert await core.rows("select version from data_key order by 1") == [(1,), (3,)]


async def test_of_two_rekeys_at_once_one_is_refused_in_words(core, drain):
    outcomes = await asyncio.gather(drain.start(), drain.start(), return_exceptions=True)

    (refusal,) = (one for one in outcomes if isinstance(one, Exception))
    assert isinstance(refusal, RekeyConflict)
    assert "under way already: to version 2" in str(refusal)
    assert await core.rows("select version, current from data_key order by 1") == [
        (1, True),
        (2, False),
    ]


async def test_what_somebody_holds_is_left_out_and_come_back_to(core, drain):
    await given_elements(core, drain.vault, 3)
    await drain.start()
    await drain.beat()
    await drain.step()
    await drain.beat()

    async with core.db.engine.connect() as theirs:
        await theirs.execute(
            text("select 1 from config_element where id = 'SECRET_0001' for update")
        )
        walking = asyncio.create_task(drain.step())

        async def walked() -> bool:
            counted = await core.rows(
                "select 1 from rekey_place where name = 'config_element.value_sealed' and done >= 2"
            )
            return bool(counted)

        await until(walked)
        rest = await core.rows(
            "select id from config_element where substring(value_sealed from 5 for 1) = '\\x01'"
        )
        assert rest == [("SECRET_0001",)]
        await theirs.rollback()

    assert await walking is Phase.DONE


# -- what cannot be read


async def test_a_value_that_was_tampered_with_is_named_and_stops_nothing_else(core, ring, drain):
    values = await given_elements(core, drain.vault, 5)
    await core.change(
        "update config_element set value_sealed = set_byte(value_sealed, 30,"
        " 255 - get_byte(value_sealed, 30)) where id = 'SECRET_0002'"
    )
    await drain.start()

    assert await drain.finish() is Phase.UNFINISHED

    standing = await drain.standing()
    assert "not finished: 1 rows cannot be read" in words(standing)
    (place,) = (one for one in standing.places if one.unreadable)
    assert (place.name, place.examples) == (
        "config_element.value_sealed",
        ["config:CONTEXT:here:ENVIRONMENT_VARIABLE:SECRET_0002"],
    )
    assert (await versions(core))["config_element.value_sealed"] == {1, 2}
    await days_pass(core)
    assert await drain.retire() == []  # the old key stays
    await put(core, drain.vault, "SECRET_0002", "anew")
    async with core.db.write(SYSTEM) as tx:
        await service.resume(tx)
    assert await drain.step() is Phase.DONE
    assert await read_all(core, drain.vault) == values | {"SECRET_0002": "anew"}
    await days_pass(core)
    assert await drain.retire() == [1]


async def test_a_state_whose_object_is_gone_is_named_and_stops_nothing_else(core, drain, stack):
    await given_a_state(core, drain.vault, stack)
    ((key, version),) = await core.rows("select object_key, id from state_version")
    await core.objects.delete(Bucket.STATES, str(key))
    await drain.start()

    assert await drain.finish() is Phase.UNFINISHED

    (place,) = (one for one in (await drain.standing()).places if one.unreadable)
    assert place.examples == [f"state:{version} of stack {stack.id}"]
    assert await core.rows("select object_key from state_version") == [(key,)]


async def test_the_old_key_stays_while_a_straggler_is_sealed_with_it(core, ring, drain):
    late = await another(core, ring)
    await drain.start()
    await drain.finish()
    await put(core, late.vault, "A", "sealed before, kept now")  # a slow transaction's
    await days_pass(core)

    assert await drain.retire() == []

    assert await read_all(core, drain.vault) == {"A": "sealed before, kept now"}


# -- what was signed


async def test_what_was_signed_before_counts_until_it_expires_and_checkpoints_for_ever(
    core, ring, drain
):
    url = drain.vault.sign_url("/a")
    await chain.seal(core.db)
    await drain.start()
    await chain.seal(core.db)
    await chain.checkpoint(core.db, drain.vault, core.objects)
    await drain.finish()

    assert drain.vault.check_url("/a", url)
    await days_pass(core)
    await drain.retire()
    await drain.beat()
    assert not drain.vault.check_url("/a", url)
    verdict = await chain.verify(core.db, drain.vault, core.objects)
    assert (verdict.broken_at, verdict.checkpoints) == (None, 1)
