"""Another data key while everything runs: nothing is lost, nothing is unreadable for a moment."""

from __future__ import annotations

import asyncio

import pytest
from gantry.apps.rekey_words import words
from gantry.domains.audit import chain
from gantry.domains.keys import rules
from gantry.domains.keys.kinds import Phase
from gantry.domains.runs.service import overrides_of
from gantry.domains.tfstate import repo as states_repo
from gantry.domains.tfstate import service as states
from gantry.kernel.tx import SYSTEM
from gantry.ports.objects import Bucket
from gantry.ports.vault import Unreadable

from tests.support.given import given_a_run, run_now
from tests.support.rekeying import (
    another,
    days_pass,
    given_a_stored_state,
    given_elements,
    put,
    read_all,
    versions,
)

# -- all of it


async def test_everything_is_sealed_anew_and_the_old_key_goes_when_nothing_needs_it(
    core, ring, drain, stack
):
    values = await given_elements(core, drain.vault, 3)
    body = await given_a_stored_state(core, drain.vault, stack)
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
    assert overrides_of(late.vault, await run_now(core, run)) == [("TF_LOG", "debug")]


async def test_a_large_state_is_sealed_anew_in_pieces(core, drain, stack):
    body = await given_a_stored_state(core, drain.vault, stack, padding=states.PIECE + 1)
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

    # It may only be cut off, and come back with the key that it has.
    await core.change("update process set heard_at = now() - interval '2 minutes' where id = 'old'")
    assert await drain.step() is Phase.ANNOUNCED
    await core.change("update process set heard_at = now() - interval '2 hours' where id = 'old'")
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
