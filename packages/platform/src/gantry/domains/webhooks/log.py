"""Deliveries as rows: those that wait, and what came of the others."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from gantry.domains.webhooks import repo
from gantry.domains.webhooks.events import DeliveriesWait
from gantry.domains.webhooks.kinds import DeliveryState
from gantry.domains.webhooks.model import Delivery
from gantry.kernel.ids import new_id
from gantry.kernel.texts import keepable
from gantry.kernel.tx import Tx
from gantry.ports.objects import Bucket, ObjectMissing, Objects
from gantry.ports.outward import Answer

KEPT = timedelta(days=7)
"""Deliveries that are settled: somebody who looks after a weekend still sees them."""
MAX_ANSWER = 64 * 1024
"""Bytes of an answer that are read and kept: enough for any message of an error."""
BUCKET = Bucket.DELIVERIES


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A delivery as it is sent."""

    endpoint: str
    headers: Mapping[str, str]
    private: Mapping[str, str]
    """Headers of one's own, with their values."""
    body: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attempt: an answer, or the reason why there is none."""

    answer: Answer | None
    error: str | None
    took: timedelta

    @property
    def status(self) -> int | None:
        """Of the answer."""
        return self.answer.status if self.answer else None

    @property
    def succeeded(self) -> bool:
        """Whether it was taken."""
        return self.answer is not None and self.answer.succeeded


def waiting(tx: Tx, webhook_id: str, event: str, body: str) -> Delivery:
    """A delivery to be sent; the caller adds it."""
    return Delivery(
        id=new_id(),
        webhook_id=webhook_id,
        event=event,
        body=body,
        state=DeliveryState.WAITING,
        created_at=tx.now,
        attempts=0,
        next_at=tx.now,
    )


def enqueue(tx: Tx, webhook_id: str, event: str, body: str) -> Delivery:
    """Send the body to the webhook once the transaction is kept, at least once."""
    delivery = waiting(tx, webhook_id, event, body)
    tx.session.add(delivery)
    tx.emit(DeliveriesWait(webhook_id))
    return delivery


def note(tx: Tx, delivery: Delivery, outcome: Outcome) -> None:
    """Write down an attempt; whether it is settled is the caller's to say."""
    delivery.attempts += 1
    delivery.attempted_at = tx.now
    delivery.status, delivery.error = outcome.status, outcome.error
    delivery.took_ms = int(outcome.took.total_seconds() * 1000)


def trace(sent: Outgoing, outcome: Outcome, *, attempt: int) -> bytes:
    """What was sent and what came back, without the values of one's own headers."""
    answer = outcome.answer
    document = {
        "attempt": attempt,
        "request": {
            "endpoint": sent.endpoint,
            "headers": dict(sent.headers),
            "private": sorted(sent.private),
            "body": sent.body.decode(errors="replace"),
        },
        "answer": answer
        and {
            "status": answer.status,
            "headers": [[keepable(name), keepable(value)] for name, value in answer.headers],
            "body": keepable(answer.body.decode(errors="replace")),
            "cut": answer.cut,
        },
        "error": outcome.error,
    }
    return json.dumps(document, ensure_ascii=False).encode()


async def read_trace(objects: Objects, delivery: Delivery) -> dict[str, Any] | None:
    """What `trace` wrote of the newest attempt; none when its time in the bucket is over.

    Raises StorageDown.
    """
    if delivery.attempted_at is None:
        return None
    try:
        found: dict[str, Any] = json.loads(await objects.get(BUCKET, delivery.trace_key))
    except (ObjectMissing, ValueError):
        return None
    return found


async def forget_old(tx: Tx) -> None:
    """Deliveries that are settled are forgotten after a week."""
    await repo.forget_deliveries(tx, tx.now - KEPT)
