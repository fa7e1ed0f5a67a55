"""What a re-key cannot read, and what keeps an old key here."""

from __future__ import annotations

from gantry.apps.rekey_words import words
from gantry.domains.keys import service
from gantry.domains.keys.kinds import Phase
from gantry.kernel.tx import SYSTEM
from gantry.ports.objects import Bucket

from tests.support.rekeying import (
    another,
    days_pass,
    given_a_stored_state,
    given_elements,
    put,
    read_all,
    versions,
)


async def told(core):
    return await core.rows("select group_key, space_id from notification where closed_at is null")


async def test_a_value_that_was_tampered_with_is_named_and_stops_nothing_else(core, ring, drain):
    values = await given_elements(core, drain.vault, 5)
    await core.change(
        "update config_element set value_sealed = set_byte(value_sealed, 30,"
        " 255 - get_byte(value_sealed, 30)) where id = 'SECRET_0002'"
    )
    await drain.start()

    assert await drain.finish() is Phase.UNFINISHED

    standing = await drain.standing()
    assert "not finished: 1 row cannot be read" in words(standing)
    (place,) = (one for one in standing.places if one.unreadable)
    assert (place.name, place.examples) == (
        "config_element.value_sealed",
        ["config:CONTEXT:here:ENVIRONMENT_VARIABLE:SECRET_0002"],
    )
    assert await told(core) == [("REKEY_UNFINISHED", "root")]
    assert (await versions(core))["config_element.value_sealed"] == {1, 2}
    await days_pass(core)
    assert await drain.retire() == []  # the old key stays
    await put(core, drain.vault, "SECRET_0002", "anew")
    async with core.db.write(SYSTEM) as tx:
        await service.resume(tx)
    assert await drain.step() is Phase.DONE
    assert await told(core) == []
    assert await read_all(core, drain.vault) == values | {"SECRET_0002": "anew"}
    await days_pass(core)
    assert await drain.retire() == [1]


async def test_a_state_whose_object_is_gone_is_named_and_stops_nothing_else(core, drain, stack):
    await given_a_stored_state(core, drain.vault, stack)
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
