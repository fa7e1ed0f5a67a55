"""Entries of the audit trail that nobody takes: they stand aside, and are never given up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from gantry.domains.webhooks import deliveries, log, rules
from gantry.kernel.tx import SYSTEM

from tests.integration.test_deliveries import (
    again_at_once,
    bodies,
    deliver,
    entry,
    given_an_audit_webhook,
    logged,
)
from tests.support.receiver import Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


async def test_an_audit_entry_that_is_refused_for_an_hour_stands_aside_and_is_never_given_up(
    core, receiver
):
    webhook = await given_an_audit_webhook(core, receiver.url)
    receiver.answers = [500] * rules.ATTEMPTS_IN_TURN
    await entry(core, "a")
    for _ in range(rules.ATTEMPTS_IN_TURN - 1):
        await deliver(core, webhook)
        await again_at_once(core)
    await deliver(core, webhook)
    assert await logged(core) == [("WAITING", rules.ATTEMPTS_IN_TURN, 500)]

    # The next ones come though it waits, and it stays: days later too.
    receiver.answers = [200, 500, 500]
    await entry(core, "b")
    assert await deliveries.look(core.db) == [webhook.id]
    assert await deliver(core, webhook) == 1
    assert [one["data"]["ID"] for one in bodies(receiver)][-2:] == ["a", "b"]
    for _ in range(2):
        await core.change(
            "update webhook_delivery set created_at = now() - interval '9 days', next_at = now(),"
            " attempts = attempts + 1000 where state = 'WAITING'"
        )
        async with core.db.write(SYSTEM) as tx:
            await log.forget_old(tx)
        assert await deliveries.look(core.db) == [webhook.id]
        await deliver(core, webhook)
        assert await deliveries.look(core.db) == []
    (((state, pause),)) = await core.rows(
        "select state, next_at - attempted_at from webhook_delivery where state <> 'DELIVERED'"
    )
    assert (state, pause) == ("WAITING", rules.PAUSE_ASIDE)

    await again_at_once(core)
    await deliver(core, webhook)
    assert [one["data"]["ID"] for one in bodies(receiver)][-1] == "a"
    assert {row[0] for row in await logged(core)} == {"DELIVERED"}


async def test_an_audit_entry_whose_turn_it_is_goes_before_those_that_stand_aside(core, receiver):
    webhook = await given_an_audit_webhook(core, f"{receiver.url}/500")
    await entry(core, "a")
    await entry(core, "b")
    await deliver(core, webhook)
    await core.change(
        "update webhook_delivery set next_at = now() - interval '1 day',"
        " attempts = :times * least(attempts, 1)",
        times=rules.ATTEMPTS_IN_TURN,
    )
    await deliver(core, webhook)

    # The second, as old as the first, has been tried once, and has an hour of its own.
    assert [one["data"]["ID"] for one in bodies(receiver)] == ["a", "b", "a"]
    assert await logged(core) == [
        ("WAITING", rules.ATTEMPTS_IN_TURN + 1, 500),
        ("WAITING", 1, 500),
    ]
