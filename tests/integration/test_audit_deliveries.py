"""The audit trail is told to a webhook: in order, from its beginning to its end, and once."""

from __future__ import annotations

import asyncio
import json

import pytest
from gantry.domains.audit import service as audit
from gantry.domains.audit.kinds import Resource
from gantry.domains.webhooks import auditing, deliveries, log, repo, rules
from gantry.domains.webhooks.auditing import WantedAudit
from gantry.domains.webhooks.kinds import RUN_MOVED
from gantry.kernel.tx import SYSTEM

from tests.support.given import ADMIN, given_a_run, given_a_worker, plan_of
from tests.support.webhooks import (
    NONE,
    again_at_once,
    bodies,
    deliver,
    entry,
    given_an_audit_webhook,
    logged,
)


async def test_the_audit_trail_is_told_in_order_and_from_the_beginning_of_the_webhook(
    core, receiver
):
    await entry(core, "before")
    webhook = await given_an_audit_webhook(core, receiver.url)
    for number in range(3):
        await entry(core, f"stack-{number}")

    await deliveries.look(core.db)
    await core.drain()

    told = bodies(receiver)
    assert [one["data"]["ID"] for one in told] == ["stack-0", "stack-1", "stack-2"]
    assert told[0] == {
        "account": "acme",
        "action": "stack.update",
        "actor": "admin::ada",
        "context": {"mutation": "stackUpdate"},
        "data": {"ID": "stack-0", "args": {"id": "stack-0", "secret": "(hidden)"}},
        "remoteIP": "10.0.0.9",
        "timestamp": told[0]["timestamp"],
    }
    assert told[0]["timestamp"] > 1_600_000_000_000
    assert await deliver(core, webhook) == 0
    assert await deliveries.look(core.db) == []


async def test_an_audit_entry_is_sent_until_it_is_taken_and_the_others_wait(core, receiver):
    webhook = await given_an_audit_webhook(core, receiver.url)
    receiver.answers = [500, 404, 500, 403] + [500] * 10
    await entry(core, "a")
    await entry(core, "b")

    for _ in range(14):
        await deliver(core, webhook)
        await again_at_once(core)
    await deliver(core, webhook)

    assert [one["data"]["ID"] for one in bodies(receiver)] == ["a"] * 15 + ["b"]
    assert await core.rows("select enabled, failures from webhook") == [(True, 0)]


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


async def test_a_drain_that_dies_in_the_middle_of_the_trail_loses_nothing(core, receiver):
    webhook = await given_an_audit_webhook(core, receiver.url)
    names = [f"stack-{number:03}" for number in range(auditing.AT_ONCE + 5)]
    for name in names:
        await entry(core, name)
    task = asyncio.create_task(deliver(core, webhook))
    while len(receiver.calls) < 20:
        await asyncio.to_thread(receiver.came.wait, 1)
        receiver.came.clear()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    await deliver(core, webhook)

    told = [one["data"]["ID"] for one in bodies(receiver)]
    assert sorted(set(told)) == names
    assert len(told) <= len(names) + 1  # the one that was under way, twice
    assert list(dict.fromkeys(told)) == names


async def test_switching_it_off_is_the_last_thing_that_it_is_told(core, receiver):
    webhook = await given_an_audit_webhook(core, receiver.url)
    async with core.db.write(ADMIN) as tx:
        audit.record(tx, "audit_trail_webhook.delete", Resource.WEBHOOK, webhook.id)
        await auditing.remove(tx)
    await entry(core, "after")

    assert await deliveries.look(core.db) == [webhook.id]
    await core.drain()

    assert [one["action"] for one in bodies(receiver)] == ["audit_trail_webhook.delete"]
    assert await core.rows("select 1 from webhook") == []


async def switch_off(core, webhook, *, remove: bool) -> None:
    async with core.db.write(ADMIN) as tx:
        audit.record(tx, "audit_trail_webhook.set", Resource.WEBHOOK, webhook.id)
        if remove:
            await auditing.remove(tx)
        else:
            wanted = WantedAudit(webhook.endpoint, False, NONE)
            await auditing.put(tx, core.vault, core.outward, wanted)


@pytest.mark.parametrize("remove", [True, False])
async def test_what_waits_when_it_is_switched_off_is_not_sent(core, receiver, remove):
    receiver.answers = [500]
    webhook = await given_an_audit_webhook(core, receiver.url)
    for name in ("a", "b"):
        await entry(core, name)
    await deliver(core, webhook)
    await entry(core, "not yet a delivery")
    await switch_off(core, webhook, remove=remove)
    async with core.db.write(ADMIN) as tx:  # a run that did not know
        log.enqueue(tx, webhook.id, RUN_MOVED, "{}")

    await deliver(core, webhook)
    await entry(core, "after")
    await deliver(core, webhook)

    told = [one["action"] for one in bodies(receiver)]
    assert told == ["stack.update", "audit_trail_webhook.set"]
    assert await deliveries.look(core.db) == []
    rest = await core.rows("select enabled, until from webhook")
    assert rest == ([] if remove else [(False, None)])


@pytest.mark.parametrize("remove", [True, False])
async def test_it_is_tried_for_an_hour_to_say_that_it_was_switched_off(core, receiver, remove):
    webhook = await given_an_audit_webhook(core, f"{receiver.url}/500")
    await switch_off(core, webhook, remove=remove)
    for _ in range(6):
        await deliver(core, webhook)
        await again_at_once(core)
    assert len(receiver.calls) == 6
    assert await core.rows("select until is null from webhook") == [(False,)]
    for table, column in {"webhook": "until", "audit_entry": "at"}.items():
        await core.change(f"update {table} set {column} = {column} - interval '61 minutes'")

    await deliver(core, webhook)

    assert len(receiver.calls) == 6
    rest = await core.rows("select enabled, until from webhook")
    assert rest == ([] if remove else [(False, None)])
    assert await core.rows("select 1 from webhook_delivery where state = 'WAITING'") == []


async def test_it_does_not_go_before_what_it_is_told_last_has_its_place(core, receiver):
    webhook = await given_an_audit_webhook(core, receiver.url)
    await switch_off(core, webhook, remove=True)

    async with core.db.write(SYSTEM) as tx:  # the chain was sealed a moment before
        held = await repo.find(tx, webhook.id, lock=True)
        assert held is not None
        await auditing.fill(tx, held)
    assert await deliveries.look(core.db) == [webhook.id]
    await core.drain()

    assert [one["action"] for one in bodies(receiver)] == ["audit_trail_webhook.set"]
    assert await core.rows("select 1 from webhook") == []


async def test_one_that_is_switched_on_again_at_once_misses_nothing(core, receiver):
    webhook = await given_an_audit_webhook(core, receiver.url)
    await switch_off(core, webhook, remove=False)
    await entry(core, "between")
    await given_an_audit_webhook(core, receiver.url)

    await deliver(core, webhook)

    told = [one["action"] for one in bodies(receiver)]
    assert told == ["audit_trail_webhook.set", "stack.update"]


async def test_entries_do_not_wait_until_no_run_moves(core, receiver):
    receiver.answers = [500]
    webhook = await given_an_audit_webhook(core, receiver.url, runs=True)
    async with core.db.write(ADMIN) as tx:
        log.enqueue(tx, webhook.id, RUN_MOVED, "{}")
    await entry(core, "a")

    await deliver(core, webhook)

    events = await core.rows("select event from webhook_delivery order by number")
    assert events == [(RUN_MOVED,), ("stack.update",)]


async def test_a_webhook_that_is_made_while_the_last_one_leaves_stands_beside_it(core, receiver):
    receiver.answers = [500]
    old = await given_an_audit_webhook(core, receiver.url)
    async with core.db.write(ADMIN) as tx:
        audit.record(tx, "audit_trail_webhook.delete", Resource.WEBHOOK, old.id)
        await auditing.remove(tx)
    await deliver(core, old)

    new = await given_an_audit_webhook(core, f"{receiver.url}/new")
    await entry(core, "after")
    await deliver(core, new)
    await again_at_once(core)
    await deliver(core, old)

    assert [(call.path, json.loads(call.body)["action"]) for call in receiver.calls] == [
        ("/", "audit_trail_webhook.delete"),
        ("/new", "stack.update"),
        ("/", "audit_trail_webhook.delete"),
    ]
    assert await core.rows("select id from webhook") == [(new.id,)]


async def test_moves_of_runs_are_in_it_when_that_is_wanted(core, pool, stack, receiver):
    await given_an_audit_webhook(core, receiver.url, runs=True)
    worker = await given_a_worker(core, pool)

    run = await given_a_run(core, stack)
    await worker.take(run)
    await worker.say(run, plan_of())
    await core.drain()

    told = [one for one in bodies(receiver) if one["action"] == "run.state_change"]
    assert [one["data"]["state"] for one in told][:2] == ["QUEUED", "READY"]
    assert {one["data"]["run"]["id"] for one in told} == {run.id}
