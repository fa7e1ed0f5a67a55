"""Sending: one webhook at a time and in order, at least once, with pauses when it fails.

What is to be sent is a row before it is sent, and says what came of it afterwards. Whoever is
killed in between leaves the row as it was, and it is sent again, under the same id.
"""

from __future__ import annotations

import json
import time
from datetime import timedelta

import structlog

from gantry.domains.accounts import service as accounts
from gantry.domains.audit import chain
from gantry.domains.audit import service as audit
from gantry.domains.audit.kinds import Resource
from gantry.domains.notifications import service as notifications
from gantry.domains.notifications.kinds import Group, Severity
from gantry.domains.webhooks import auditing, log, repo, rules, service
from gantry.domains.webhooks.events import DeliveriesWait, DeliveryTried
from gantry.domains.webhooks.kinds import DeliveryState, Kind
from gantry.domains.webhooks.log import Outcome, Outgoing
from gantry.domains.webhooks.model import Delivery, Webhook
from gantry.kernel.errors import NotFound
from gantry.kernel.tx import SYSTEM, Tx
from gantry.ports.db import Db
from gantry.ports.objects import Objects, StorageDown
from gantry.ports.outward import AddressRefused, BadAddress, Outward, Unreached
from gantry.ports.vault import Unreadable, Vault

logger = structlog.get_logger()

TIMEOUT = timedelta(seconds=10)
"""For a whole exchange: receivers are to note what they are told and to work on it later."""
AT_A_STRETCH = timedelta(seconds=20)
"""Then other webhooks have their turn."""
TEST = "test"


async def deliver(
    db: Db, vault: Vault, objects: Objects, outward: Outward, *, webhook_id: str
) -> int:
    """Send what waits for the webhook and is due, in order; returns how many were sent.

    Ends when nothing is due, or when the webhook has had its turn; then another job goes on.
    """
    async with db.read(SYSTEM) as tx:
        webhook, began = await repo.find(tx, webhook_id), tx.now
    if webhook is None:
        return 0
    if webhook.kind is Kind.AUDIT:
        # Entries have their places in the order that everybody agrees on once they are sealed.
        await chain.seal(db)
    sent = 0
    while True:
        async with db.write(SYSTEM) as tx:
            taken = await _next(tx, vault, webhook_id)
            if taken is None:
                return sent
            if tx.now - began > AT_A_STRETCH:
                tx.emit(DeliveriesWait(webhook_id))
                return sent
        delivery, outgoing = taken
        outcome = await send(outward, outgoing)
        await keep_trace(objects, delivery, outgoing, outcome, attempt=delivery.attempts + 1)
        async with db.write(SYSTEM) as tx:
            await _settle(tx, webhook_id, delivery.id, outcome)
        sent += 1


async def _next(tx: Tx, vault: Vault, webhook_id: str) -> tuple[Delivery, Outgoing] | None:
    webhook = await repo.find(tx, webhook_id, lock=True)
    if webhook is None:
        return None
    if webhook.kind is Kind.AUDIT:
        await auditing.fill(tx, webhook)
    elif not webhook.enabled:
        # A run that moved at the same moment did not know that it was switched off.
        await repo.give_up(tx, webhook_id, service.SWITCHED_OFF)
    while True:
        delivery = await repo.first_waiting(tx, webhook_id)
        if delivery is None or delivery.next_at > tx.now:
            # Those that stand aside come when nobody else's turn is, and keep nobody waiting.
            delivery = await repo.due_aside(tx, webhook_id)
        if delivery is None:
            return None
        try:
            return delivery, await outgoing_of(tx, vault, webhook, delivery)
        except Unreadable as error:
            # A secret that the keys of this installation do not open: a failure like any other, so
            # that it is counted and somebody sees it.
            logger.warning("delivery not made ready", webhook_id=webhook_id, reason=error.message)
            await _note(tx, webhook, delivery, Outcome(None, error.message, timedelta()))


async def outgoing_of(tx: Tx, vault: Vault, webhook: Webhook, delivery: Delivery) -> Outgoing:
    """The delivery as it is sent. Raises Unreadable."""
    body = delivery.body.encode()
    own = (await repo.headers_of(tx, [webhook.id]))[webhook.id]
    return Outgoing(
        webhook.endpoint,
        rules.headers(delivery.id, service.secret_of(vault, webhook), body),
        service.opened(vault, own),
        body,
    )


async def send(outward: Outward, outgoing: Outgoing) -> Outcome:
    """One attempt. Whatever goes wrong is an outcome: an attempt that nobody notes is made again
    and again.
    """
    began = time.perf_counter()
    answer, error = None, None
    try:
        answer = await outward.post(
            outgoing.endpoint,
            headers=outgoing.headers,
            private=outgoing.private,
            body=outgoing.body,
            limit=log.MAX_ANSWER,
            timeout=TIMEOUT,
        )
        if not answer.succeeded:
            error = f"The endpoint answered {answer.status}."
    except (BadAddress, AddressRefused, Unreached) as fault:
        error = fault.message
    except Exception:
        logger.exception("delivery not sent")
        error = "The delivery could not be sent; the log of this installation says why."
    return Outcome(answer, error, timedelta(seconds=time.perf_counter() - began))


async def keep_trace(
    objects: Objects, delivery: Delivery, outgoing: Outgoing, outcome: Outcome, *, attempt: int = 1
) -> None:
    """Put the exchange where whoever looks into the delivery finds it."""
    try:
        await objects.put(
            log.BUCKET, delivery.trace_key, log.trace(outgoing, outcome, attempt=attempt)
        )
    except StorageDown as error:
        # A trace is for looking at: what was sent must not be sent again for want of one.
        logger.warning("delivery not traced", delivery_id=delivery.id, reason=error.detail)


async def _settle(tx: Tx, webhook_id: str, delivery_id: str, outcome: Outcome) -> None:
    webhook = await repo.find(tx, webhook_id, lock=True)
    delivery = await repo.delivery(tx, webhook_id, delivery_id, lock=True)
    if webhook is not None and delivery is not None:
        await _note(tx, webhook, delivery, outcome)


async def _note(tx: Tx, webhook: Webhook, delivery: Delivery, outcome: Outcome) -> None:
    """Write down an attempt, and what it means for both. The caller holds the webhook."""
    log.note(tx, delivery, outcome)
    tx.emit(DeliveryTried(webhook.id))
    if outcome.succeeded:
        if webhook.kind is Kind.AUDIT and webhook.failures:
            await notifications.settle(tx, Group.AUDIT_TRAIL_NOT_DELIVERED, "")
        delivery.state, delivery.body, webhook.failures = DeliveryState.DELIVERED, "", 0
        return
    if delivery.state is not DeliveryState.WAITING:
        return  # given up while it was under way
    if webhook.kind is Kind.AUDIT:
        webhook.failures += 1
        if webhook.enabled and webhook.failures % rules.ATTEMPTS_IN_AN_HOUR == 0:
            await _tell_of_the_trail(tx, webhook, outcome)
    if rules.tried_again(
        webhook.kind,
        wanted=bool(webhook.retry_on_failure),
        attempts=delivery.attempts,
        status=outcome.status,
    ):
        delivery.next_at = tx.now + rules.pause(delivery.attempts)
        return
    delivery.state, delivery.body = DeliveryState.FAILED, ""
    if webhook.kind is not Kind.AUDIT:
        webhook.failures += 1
        if webhook.enabled and webhook.failures >= rules.FAILURES_BEFORE_OFF:
            await _switch_off(tx, webhook, outcome)


async def _switch_off(tx: Tx, webhook: Webhook, outcome: Outcome) -> None:
    webhook.enabled = False
    webhook.disabled_reason = (
        f"{webhook.failures} deliveries in a row failed. The last one: {outcome.error}"
    )
    await repo.give_up(tx, webhook.id, service.SWITCHED_OFF)
    audit.record(
        tx,
        "webhook.disable",
        Resource.WEBHOOK if webhook.kind is Kind.STACK else Resource.NAMED_WEBHOOKS_INTEGRATION,
        webhook.id,
        given={"failures": webhook.failures, "reason": webhook.disabled_reason},
        related=(Resource.STACK, webhook.stack_id) if webhook.stack_id else None,
    )
    whose = f'Webhook "{webhook.name}"' if webhook.kind is Kind.NAMED else "A webhook of the stack"
    await notifications.tell(
        tx,
        Group.WEBHOOK_SWITCHED_OFF,
        webhook.id,
        severity=Severity.WARNING,
        title=f"{whose} was switched off",
        body=f"{webhook.disabled_reason} Nothing is sent until somebody switches it on again.",
        space_id=webhook.space_id or notifications.WHOLE,
        stack_id=webhook.stack_id,
    )
    logger.warning("webhook switched off", webhook_id=webhook.id, failures=webhook.failures)


async def _tell_of_the_trail(tx: Tx, webhook: Webhook, outcome: Outcome) -> None:
    """It is tried on, for days; somebody should know before entries are given up."""
    await notifications.tell(
        tx,
        Group.AUDIT_TRAIL_NOT_DELIVERED,
        "",
        severity=Severity.ERROR,
        title="The audit trail is not delivered",
        body=f"{webhook.failures} attempts in a row failed. The last one: {outcome.error}",
    )


async def look(db: Db) -> list[str]:
    """Wake what has something to send and may have been forgotten; returns those webhooks."""
    async with db.read(SYSTEM) as tx:
        found = await repo.with_work(tx)
    if found:
        async with db.write(SYSTEM) as tx:
            for webhook_id in found:
                tx.emit(DeliveriesWait(webhook_id))
    return found


async def rehearse(tx: Tx, vault: Vault, webhook: Webhook) -> tuple[Delivery, Outgoing]:
    """A delivery that only shows whether deliveries arrive. It is not kept before it was sent.

    The caller has asked for the rights. Raises Unreadable.
    """
    told = {
        "account": (await accounts.get(tx)).name or "",
        "event": TEST,
        "timestamp": int(tx.now.timestamp()),
        "webhook": {"id": webhook.id, "name": webhook.name},
    }
    delivery = log.waiting(tx, webhook.id, TEST, json.dumps(told, ensure_ascii=False))
    return delivery, await outgoing_of(tx, vault, webhook, delivery)


async def conclude(tx: Tx, delivery: Delivery, outcome: Outcome) -> Delivery:
    """Keep what came of a rehearsal; it counts neither for the webhook nor against it.

    Raises NotFound if the webhook was deleted meanwhile.
    """
    if await repo.find(tx, delivery.webhook_id, lock=True) is None:
        raise NotFound("webhook not found")
    log.note(tx, delivery, outcome)
    delivery.state = DeliveryState.DELIVERED if outcome.succeeded else DeliveryState.FAILED
    delivery.body = ""
    tx.session.add(delivery)
    tx.emit(DeliveryTried(delivery.webhook_id))
    await tx.session.flush()
    return delivery
