"""Re-keys that do not go straight through: killed, paused, given up, asked for twice."""

from __future__ import annotations

import asyncio
import base64
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives import serialization
from gantry.apps.rekey_words import words
from gantry.domains.keys import rules, service
from gantry.domains.keys.kinds import Phase
from gantry.domains.keys.service import RekeyConflict
from gantry.kernel.tx import SYSTEM
from sqlalchemy import text

from tests.support.rekeying import (
    given_elements,
    read_all,
    until,
)


async def test_a_drain_that_is_killed_in_the_middle_is_gone_on_for_where_it_was(
    core, drain, monkeypatch
):
    values = await given_elements(core, drain.vault, 800)
    await drain.start()
    await drain.beat()
    assert await drain.step() is Phase.SWITCHED
    await drain.beat()
    pem = core.keys.private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
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
    assert 100 < done < all_done == 800 + 2  # and two keys: of tokens, and of the authority
    assert await read_all(core, drain.vault) == values


async def test_the_rest_after_much_work_keeps_nobody_waiting(core, drain, monkeypatch):
    values = await given_elements(core, drain.vault, 3)
    await drain.start()
    await drain.beat()
    await drain.step()
    await drain.beat()
    monkeypatch.setattr(rules, "REST", 1e6)

    async with asyncio.timeout(10):
        assert await drain.step() is Phase.WALKING

    assert await drain.step() is None  # it rests: no other drain works meanwhile
    assert await core.rows("select holder, held_until > now() from rekey") == [(None, True)]
    monkeypatch.undo()
    await core.change("update rekey set held_until = now()")
    assert await drain.step() is Phase.DONE
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


HELD = "select 1 from config_element where id = 'SECRET_0001'"


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
