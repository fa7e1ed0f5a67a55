"""Deliveries as the API shows them, for whoever administers the webhook."""

from __future__ import annotations

from typing import Any

import strawberry

from gantry.api.graphql.context import Info
from gantry.api.graphql.shared.convert import seconds, seconds_or_none
from gantry.api.graphql.shared.types import KeyValuePair, PageInfo
from gantry.domains.webhooks import log
from gantry.domains.webhooks.kinds import DeliveryState
from gantry.domains.webhooks.model import Delivery

strawberry.enum(DeliveryState, name="WebhookDeliveryState")


@strawberry.type(description="What was sent to a webhook, and what it answered.")
class WebhookDeliveryTrace:
    """The newest attempt."""

    request_headers: list[KeyValuePair]
    private_headers: list[str] = strawberry.field(
        description="Names of headers of one's own that were sent along."
    )
    request_body: str
    answer_headers: list[KeyValuePair]
    answer_body: str | None = strawberry.field(description="None when nobody answered.")
    answer_cut: bool = strawberry.field(description="Whether the answer was longer than is kept.")


@strawberry.type(description="Something that a webhook was told, or is to be told.")
class WebhookDelivery:
    """A delivery."""

    model: strawberry.Private[Delivery]

    @strawberry.field
    def id(self) -> strawberry.ID:
        """Sent along as X-Gantry-Delivery."""
        return strawberry.ID(self.model.id)

    @strawberry.field
    def event(self) -> str:
        """What it tells of: run.state, test, or the action of an audit entry."""
        return self.model.event

    @strawberry.field
    def state(self) -> DeliveryState:
        """Where it is."""
        return self.model.state

    @strawberry.field
    def created_at(self) -> int:
        """When there was something to tell, in unix seconds."""
        return seconds(self.model.created_at)

    @strawberry.field
    def attempts(self) -> int:
        """How often it was sent."""
        return self.model.attempts

    @strawberry.field
    def attempted_at(self) -> int | None:
        """When it was sent last, in unix seconds."""
        return seconds_or_none(self.model.attempted_at)

    @strawberry.field
    def next_attempt_at(self) -> int | None:
        """When it is sent next, in unix seconds; none when it is settled."""
        waits = self.model.state is DeliveryState.WAITING
        return seconds(self.model.next_at) if waits else None

    @strawberry.field
    def status_code(self) -> int | None:
        """Of the newest answer; none when nobody answered."""
        return self.model.status

    @strawberry.field
    def duration_ms(self) -> int | None:
        """How long the newest attempt took, in milliseconds."""
        return self.model.took_ms

    @strawberry.field
    def error(self) -> str | None:
        """Why the newest attempt failed."""
        return self.model.error

    @strawberry.field
    async def trace(self, info: Info) -> WebhookDeliveryTrace | None:
        """The newest attempt; none before the first, or when it is not kept any more."""
        found = await log.read_trace(info.context.house.objects, self.model)
        return None if found is None else _trace(found)


def _trace(found: dict[str, Any]) -> WebhookDeliveryTrace:
    request, answer = found["request"], found["answer"] or {}
    return WebhookDeliveryTrace(
        request_headers=[KeyValuePair(key=k, value=v) for k, v in request["headers"].items()],
        private_headers=list(request["private"]),
        request_body=request["body"],
        answer_headers=[KeyValuePair(key=k, value=v) for k, v in answer.get("headers", [])],
        answer_body=answer.get("body"),
        answer_cut=bool(answer.get("cut")),
    )


@strawberry.type
class WebhookDeliveryEdge:
    """A delivery on a page."""

    cursor: str
    node: WebhookDelivery


@strawberry.type
class SearchWebhookDeliveriesOutput:
    """A page of deliveries."""

    edges: list[WebhookDeliveryEdge]
    page_info: PageInfo
