"""What has happened to webhooks."""

from __future__ import annotations

from dataclasses import dataclass

from gantry.kernel.tx import Event


@dataclass(frozen=True, slots=True)
class DeliveriesWait(Event):
    """There is something to send to the webhook."""

    webhook_id: str


@dataclass(frozen=True, slots=True)
class DeliveryTried(Event):
    """Something was sent to the webhook, and it was noted what came of it."""

    webhook_id: str
