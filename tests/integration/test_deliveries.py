"""What webhooks are told, how often, in which order, and what happens when they do not listen."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Iterator

import pytest
from gantry.domains.audit import service as audit
from gantry.domains.audit.kinds import Resource
from gantry.domains.stacks import callbacks
from gantry.domains.stacks import service as stack_service
from gantry.domains.webhooks import auditing, deliveries, log, repo, rules, service
from gantry.domains.webhooks.auditing import WantedAudit
from gantry.domains.webhooks.kinds import RUN_MOVED
from gantry.domains.webhooks.service import Wanted, WantedNamed
from gantry.kernel.errors import Conflict
from gantry.kernel.secret import Secret
from gantry.kernel.tx import SYSTEM
from gantry.ports.outward import AddressRefused, Answer

from tests.support.given import ADMIN, given_a_run, given_a_worker, plan_of
from tests.support.receiver import Receiver

KEY = "a shared secret"
NONE = Secret("")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


async def given_a_stack_webhook(core, stack, url: str, *, retry: bool = False, enabled=True):
    async with core.db.write(ADMIN) as tx:
        return await callbacks.put(
            tx, core.vault, core.outward, stack.id, Wanted(url, enabled, Secret(KEY), retry)
        )


async def given_a_named_webhook(core, url: str, *, retry: bool = False):
    wanted = WantedNamed(url, True, Secret(KEY), retry, name="pager", space_id="root")
    async with core.db.write(ADMIN) as tx:
        return await service.create_named(tx, core.vault, core.outward, wanted)


async def given_an_audit_webhook(core, url: str, *, enabled=True, runs=False):
    wanted = WantedAudit(url, enabled, Secret(KEY), include_runs=runs)
    async with core.db.write(ADMIN) as tx:
        return await auditing.put(tx, core.vault, core.outward, wanted)


async def send(core, webhook, *bodies: str) -> None:
    for body in bodies:
        async with core.db.write(ADMIN) as tx:
            log.enqueue(tx, webhook.id, "note", body)


async def entry(core, name: str) -> None:
    async with core.db.write(ADMIN) as tx:
        given = {"mutation": "stackUpdate", "arguments": {"id": name, "secret": "s3cret"}}
        audit.record(tx, "stack.update", Resource.STACK, name, given=given, address="10.0.0.9")


async def deliver(core, webhook) -> int:
    return await deliveries.deliver(
        core.db, core.vault, core.objects, core.outward, webhook_id=webhook.id
    )


async def again_at_once(core) -> None:
    """The pause between two attempts is over."""
    await core.change("update webhook_delivery set next_at = created_at")


async def logged(core):
    return await core.rows("select state, attempts, status from webhook_delivery order by number")


def bodies(receiver: Receiver):
    return [json.loads(call.body) for call in receiver.calls]


# -- what is sent


async def test_a_stacks_webhook_is_told_of_every_move_of_its_runs_in_order(
    core, pool, stack, receiver
):
    await given_a_stack_webhook(core, stack, f"{receiver.url}/in")
    worker = await given_a_worker(core, pool)

    run = await given_a_run(core, stack)
    await worker.take(run)
    await core.drain()

    told = bodies(receiver)
    assert [one["state"] for one in told] == ["QUEUED", "READY", "PREPARING"]
    assert [one["stateVersion"] for one in told] == [0, 1, 2]
    assert set(told[0]) == {"account", "state", "stateVersion", "timestamp", "run", "stack"}
    assert told[0]["account"] == "acme"
    assert (told[0]["run"]["id"], told[0]["run"]["type"]) == (run.id, "TRACKED")
    assert told[0]["run"]["triggeredBy"] == "admin::ada"
    assert told[0]["run"]["commit"]["hash"] == core.source.second
    assert told[0]["stack"] == {
        "id": stack.id,
        "name": "Network",
        "description": "",
        "labels": [],
    }


async def test_a_body_is_signed_as_it_is_sent_and_carries_an_id(core, receiver):
    webhook = await given_a_named_webhook(core, receiver.url)
    async with core.db.write(ADMIN) as tx:
        held = await service.named(tx, webhook.id, lock=True)
        await service.put_headers(tx, core.vault, held, [("X-Team", "s3cret")])

    await send(core, webhook, '{"ä": 1}')
    await core.drain()

    (call,) = receiver.calls
    assert call.body == '{"ä": 1}'.encode()
    for name, method in (("x-signature", hashlib.sha1), ("x-signature-256", hashlib.sha256)):
        digest = hmac.new(KEY.encode(), call.body, method).hexdigest()
        assert call.headers[name] == f"{method().name}={digest}"
    rows = await core.rows("select id from webhook_delivery")
    assert [(call.headers["x-gantry-delivery"],)] == rows
    assert call.headers["x-team"] == "s3cret"


async def test_nothing_that_is_secret_is_kept_in_the_clear(core, receiver):
    webhook = await given_a_named_webhook(core, receiver.url)
    async with core.db.write(ADMIN) as tx:
        held = await service.named(tx, webhook.id, lock=True)
        await service.put_headers(tx, core.vault, held, [("Authorization", "Bearer s3cret")])
    await send(core, webhook, "{}")
    await core.drain()

    rows = await core.rows("select w::text || h::text from webhook w, webhook_header h")
    async with core.db.read(SYSTEM) as tx:
        (delivery,) = await tx.session.scalars(_all_deliveries())
    trace = await log.read_trace(core.objects, delivery)

    assert KEY.encode().hex() not in str(rows)
    assert b"s3cret".hex() not in str(rows)
    assert trace is not None
    assert "s3cret" not in json.dumps(trace)
    assert trace["request"]["private"] == ["Authorization"]
    assert trace["answer"]["body"] == "thank you"


def _all_deliveries():
    from gantry.domains.webhooks.model import Delivery
    from sqlalchemy import select

    return select(Delivery).order_by(Delivery.number)


async def test_nobody_is_told_of_stacks_without_webhooks(core, stack):
    await given_a_run(core, stack)

    assert await logged(core) == []


async def test_a_webhook_that_is_switched_off_is_told_nothing(core, stack, receiver):
    await given_a_stack_webhook(core, stack, receiver.url, enabled=False)

    await given_a_run(core, stack)
    await core.drain()

    assert (await logged(core), receiver.calls) == ([], [])


async def test_what_was_written_while_it_was_switched_off_is_not_sent(core, stack, receiver):
    webhook = await given_a_stack_webhook(core, stack, receiver.url)
    await send(core, webhook, "{}")
    await core.change("update webhook set enabled = false")

    await core.drain()

    assert (await logged(core), receiver.calls) == ([("FAILED", 0, None)], [])


async def test_what_is_undone_is_not_told(core, receiver):
    webhook = await given_a_named_webhook(core, receiver.url)

    class Undone(Exception):
        pass

    async def fail() -> None:
        async with core.db.write(ADMIN) as tx:
            log.enqueue(tx, webhook.id, "note", "{}")
            raise Undone

    with pytest.raises(Undone):
        await fail()
    await core.drain()

    assert (await logged(core), receiver.calls) == ([], [])


# -- when it fails


async def test_a_fault_that_may_pass_is_tried_three_times_more(core, receiver):
    webhook = await given_a_named_webhook(core, f"{receiver.url}/503", retry=True)
    await send(core, webhook, '{"n": 1}', '{"n": 2}')

    for _ in range(4):
        assert await deliver(core, webhook) >= 1
        await again_at_once(core)

    # The second waited for the first, and comes when that is given up.
    assert [one["n"] for one in bodies(receiver)] == [1, 1, 1, 1, 2]
    assert (await logged(core))[0] == ("FAILED", 4, 503)
    assert len({call.headers["x-gantry-delivery"] for call in receiver.calls}) == 2


async def test_the_next_attempt_waits_for_its_time(core, receiver):
    webhook = await given_a_named_webhook(core, f"{receiver.url}/503", retry=True)
    await send(core, webhook, "{}")

    assert (await deliver(core, webhook), await deliver(core, webhook)) == (1, 0)

    assert await logged(core) == [("WAITING", 1, 503)]
    assert await deliveries.look(core.db) == []
    await again_at_once(core)
    assert await deliveries.look(core.db) == [webhook.id]


@pytest.mark.parametrize(("status", "retry"), [(404, True), (302, True), (500, False)])
async def test_other_faults_are_final(core, receiver, status, retry):
    webhook = await given_a_named_webhook(core, f"{receiver.url}/{status}", retry=retry)
    await send(core, webhook, "{}")

    await deliver(core, webhook)

    assert await logged(core) == [("FAILED", 1, status)]


async def test_ten_failures_in_a_row_switch_a_webhook_off_and_the_trail_says_so(
    core, stack, receiver
):
    webhook = await given_a_stack_webhook(core, stack, f"{receiver.url}/500")
    await send(core, webhook, *["{}"] * 9)
    receiver.answers = [500] * 8 + [200]
    await deliver(core, webhook)
    assert await core.rows("select enabled, failures from webhook") == [(True, 0)]

    await send(core, webhook, *["{}"] * 12)
    await deliver(core, webhook)

    assert len(receiver.calls) == 9 + 10
    ((enabled, failures, reason),) = await core.rows(
        "select enabled, failures, disabled_reason from webhook"
    )
    assert (enabled, failures) == (False, 10)
    assert reason == ("10 deliveries in a row failed. The last one: The endpoint answered 500.")
    trail = await core.rows(
        "select action, actor_kind, resource, resource_id, related_id from audit_entry"
    )
    assert trail == [("webhook.disable", "system", "WEBHOOK", webhook.id, stack.id)]
    states = [state for state, *_ in await logged(core)]
    assert states[-2:] == ["FAILED", "FAILED"]  # what was left is not sent
    await given_a_run(core, stack)
    assert await deliver(core, webhook) == 0


async def test_whoever_switches_it_on_again_starts_from_nothing(core, stack, receiver):
    webhook = await given_a_stack_webhook(core, stack, f"{receiver.url}/500")
    await core.change("update webhook set enabled = false, failures = 10, disabled_reason = 'x'")

    async with core.db.write(ADMIN) as tx:
        wanted = Wanted(receiver.url, True, NONE)
        await callbacks.put(tx, core.vault, core.outward, stack.id, wanted, webhook_id=webhook.id)

    assert await core.rows("select enabled, failures, disabled_reason from webhook") == [
        (True, 0, None)
    ]


async def test_a_private_address_is_refused_also_when_its_name_changed_later(core, receiver):
    async with core.db.write(ADMIN) as tx:
        wanted = WantedNamed("http://10.0.0.1/", True, NONE, name="pager", space_id="root")
        with pytest.raises(AddressRefused):
            await service.create_named(tx, core.vault, core.outward, wanted)
    webhook = await given_a_named_webhook(core, receiver.url)
    await core.change("update webhook set endpoint = 'http://10.0.0.1/'")
    await send(core, webhook, "{}")

    await deliver(core, webhook)

    rows = await core.rows("select state, status, error from webhook_delivery")
    ((state, status, error),) = rows
    assert (state, status) == ("FAILED", None)
    assert "private network" in str(error)


async def test_a_redirect_to_what_is_no_address_is_a_failure_like_any_other(core, receiver):
    webhook = await given_a_named_webhook(core, f"{receiver.url}/to/307?http://[")
    await send(core, webhook, "{}")

    await deliver(core, webhook)

    rows = await core.rows("select state, attempts, error from webhook_delivery")
    assert rows == [("FAILED", 1, "127.0.0.1 redirects to a malformed address.")]
    assert await core.rows("select failures from webhook") == [(1,)]


class Broken:
    """A way out that fails as nobody foresaw."""

    async def post(self, url: str, **_: object) -> Answer:
        raise RuntimeError(url)


async def test_what_nobody_foresaw_is_noted_as_an_attempt(core, receiver):
    webhook = await given_a_named_webhook(core, receiver.url, retry=True)
    await send(core, webhook, "{}")

    sent = await deliveries.deliver(
        core.db, core.vault, core.objects, Broken(), webhook_id=webhook.id
    )

    ((*said, error),) = await core.rows("select state, attempts, error from webhook_delivery")
    assert (sent, said) == (1, ["WAITING", 1])
    assert "could not be sent" in str(error)
    assert await deliver(core, webhook) == 0  # not before its time


async def spoil_the_secret(core) -> None:
    await core.change("update webhook set secret_sealed = set_byte(secret_sealed, 30, 0)")


async def test_a_secret_that_cannot_be_read_switches_a_webhook_off_in_the_end(
    core, stack, receiver
):
    webhook = await given_a_stack_webhook(core, stack, receiver.url)
    await spoil_the_secret(core)
    await send(core, webhook, *["{}"] * 12)

    await deliver(core, webhook)

    assert receiver.calls == []
    assert [state for state, *_ in await logged(core)] == ["FAILED"] * 12
    assert await core.rows("select enabled, failures from webhook") == [(False, 10)]
    assert await core.rows("select distinct body from webhook_delivery") == [("",)]
    assert await core.rows("select action from audit_entry") == [("webhook.disable",)]


async def test_an_audit_entry_waits_for_a_secret_that_cannot_be_read(core, receiver):
    webhook = await given_an_audit_webhook(core, receiver.url)
    ((secret,),) = await core.rows("select secret_sealed from webhook")
    await entry(core, "a")
    await spoil_the_secret(core)

    await deliver(core, webhook)

    ((*said, error, due),) = await core.rows(
        "select state, attempts, error, next_at > now() from webhook_delivery"
    )
    assert (said, due) == (["WAITING", 1], True)
    assert error
    assert await core.rows("select failures, enabled from webhook") == [(1, True)]
    await core.change("update webhook set secret_sealed = :secret", secret=secret)
    await again_at_once(core)
    await deliver(core, webhook)
    assert [one["data"]["ID"] for one in bodies(receiver)] == ["a"]


# -- crashes, and several at once


async def test_what_was_sent_and_not_noted_is_sent_again_under_the_same_id(core, receiver):
    webhook = await given_a_named_webhook(core, receiver.url)
    await send(core, webhook, '{"n": 1}', '{"n": 2}')
    receiver.open.clear()
    killed = asyncio.create_task(deliver(core, webhook))
    await asyncio.to_thread(receiver.came.wait, 10)
    killed.cancel()
    with pytest.raises(asyncio.CancelledError):
        await killed
    receiver.open.set()

    await deliver(core, webhook)

    assert [one["n"] for one in bodies(receiver)] == [1, 1, 2]
    assert len({call.headers["x-gantry-delivery"] for call in receiver.calls}) == 2
    assert await logged(core) == [("DELIVERED", 1, 200)] * 2


async def test_a_webhook_that_hangs_does_not_keep_others_waiting(core, receiver):
    with Receiver() as other:
        slow = await given_a_named_webhook(core, receiver.url)
        quick = await given_a_named_webhook(core, other.url)
        receiver.open.clear()
        await send(core, slow, *["{}"] * 5)
        await send(core, quick, "{}")
        work = asyncio.create_task(core.drain())

        assert await asyncio.to_thread(other.came.wait, 10)
        assert await asyncio.to_thread(receiver.came.wait, 10)
        assert len(receiver.calls) == 1  # one at a time
        receiver.open.set()
        await work

    assert len(receiver.calls) == 5


async def test_a_deleted_webhook_is_told_nothing_more(core, receiver):
    webhook = await given_a_named_webhook(core, receiver.url)
    await send(core, webhook, "{}")
    async with core.db.write(ADMIN) as tx:
        await service.delete_named(tx, webhook.id)

    await core.drain()

    assert (receiver.calls, await logged(core)) == ([], [])


async def test_a_stacks_webhooks_go_with_it(core, stack, receiver):
    await given_a_stack_webhook(core, stack, receiver.url)

    async with core.db.write(ADMIN) as tx:
        await stack_service.delete(tx, await stack_service.begin_deletion(tx, stack.id))

    assert await core.rows("select 1 from webhook") == []


async def test_a_stack_calls_an_address_once(core, stack, receiver):
    await given_a_stack_webhook(core, stack, receiver.url)

    with pytest.raises(Conflict):
        await given_a_stack_webhook(core, stack, receiver.url)

    assert len(await core.rows("select 1 from webhook")) == 1


# -- the audit trail


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


# -- the log


async def test_settled_deliveries_are_forgotten_after_a_week(core, receiver):
    webhook = await given_a_named_webhook(core, receiver.url)
    await send(core, webhook, "{}", "{}")
    await deliver(core, webhook)
    await send(core, webhook, "{}")
    await core.change(
        "update webhook_delivery set created_at = now() - interval '8 days' where number <>"
        " (select max(number) - 1 from webhook_delivery)"
    )

    async with core.db.write(SYSTEM) as tx:
        await log.forget_old(tx)

    # One is younger, and one still waits.
    assert sorted(state for state, *_ in await logged(core)) == ["DELIVERED", "WAITING"]


def test_pauses_grow_and_end():
    assert [rules.pause(n).total_seconds() for n in (1, 2, 3, 4, 14)] == [10, 40, 160, 300, 300]
    assert [rules.pause(n).total_seconds() for n in (15, 1000)] == [3600, 3600]
