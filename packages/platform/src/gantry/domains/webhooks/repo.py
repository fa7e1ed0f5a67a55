"""Every query about webhooks and their deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Select, and_, case, delete, exists, func, or_, select, update

from gantry.domains.audit.kinds import Resource
from gantry.domains.audit.model import AuditChain, AuditEntry
from gantry.domains.people import access
from gantry.domains.webhooks import rules
from gantry.domains.webhooks.kinds import DeliveryState, Kind
from gantry.domains.webhooks.model import Delivery, Header, Webhook
from gantry.kernel.facets import Facets, count_facets
from gantry.kernel.paging import Page
from gantry.kernel.search import (
    Order,
    Search,
    Searchable,
    boolean,
    contains,
    equals,
    label,
    run_search,
)
from gantry.kernel.tx import Tx

T = TypeVar("T")

_IN_TURN = and_(Delivery.state == DeliveryState.WAITING, Delivery.attempts < rules.ATTEMPTS_IN_TURN)
"""Waits, and those after it wait for it."""


def visible(tx: Tx) -> Select[Webhook]:
    """Named webhooks that the actor may see: every query a person's request leads to starts here.

    A stack's are seen with the stack, and the audit trail's by root admins.
    """
    query = select(Webhook).where(Webhook.kind == Kind.NAMED)
    spaces = access.readable_spaces(tx.actor)
    return query if spaces is None else query.where(Webhook.space_id.in_(spaces))


def _held(query: Select[T]) -> Select[T]:
    # Not of the key: runs write deliveries while one is sent, and neither waits for the other.
    return query.with_for_update(key_share=True)


async def by_ids(tx: Tx, ids: Sequence[str], *, lock: bool = False) -> dict[str, Webhook]:
    """Those of the named webhooks that exist and that the actor may see; held if `lock`."""
    query = visible(tx).where(Webhook.id.in_(ids))
    rows = await tx.session.scalars(_held(query) if lock else query)
    return {webhook.id: webhook for webhook in rows}


_SEARCH = Searchable(
    fields={
        "name": equals(Webhook.name),
        "label": label(Webhook.labels),
        "labels": label(Webhook.labels),
        "space": equals(Webhook.space_id),
        "enabled": boolean(Webhook.enabled),
    },
    orders={"createdAt": Webhook.created_at, "name": Webhook.name},
    text=lambda word: or_(contains(Webhook.name, word), contains(Webhook.endpoint, word)),
    default_order=Order("name"),
    key=Webhook.id,
    facets={
        "label": func.jsonb_array_elements_text(Webhook.labels),
        "space": Webhook.space_id,
        "enabled": case((Webhook.enabled, "true"), else_="false"),
    },
)


async def search(tx: Tx, wanted: Search) -> Page[Webhook]:
    """A page of the visible named webhooks. Raises BadSearch, BadCursor."""
    return await run_search(tx, visible(tx), wanted, _SEARCH, Webhook)


async def suggestions(
    tx: Tx, wanted: Search, fields: Sequence[str], *, words: str | None
) -> Facets:
    """Values to filter the list by. Raises BadSearch."""
    return await count_facets(tx, visible(tx), wanted, _SEARCH, fields, words=words)


async def find(tx: Tx, webhook_id: str, *, lock: bool = False) -> Webhook | None:
    """The webhook of whatever kind, whoever asks; held until the transaction ends if `lock`."""
    query = select(Webhook).where(Webhook.id == webhook_id)
    return await tx.session.scalar(_held(query) if lock else query)


async def audit_webhook(tx: Tx, *, lock: bool = False) -> Webhook | None:
    """The audit trail's; none when none is set. Not authorised; the service is."""
    query = select(Webhook).where(Webhook.kind == Kind.AUDIT, ~Webhook.leaving)
    return await tx.session.scalar(_held(query) if lock else query)


async def of_stacks(tx: Tx, stack_ids: Sequence[str]) -> dict[str, list[Webhook]]:
    """The stacks' webhooks, oldest first. Whoever may see the stack may see them."""
    rows = await tx.session.scalars(
        select(Webhook).where(Webhook.stack_id.in_(stack_ids)).order_by(Webhook.id)
    )
    found: dict[str, list[Webhook]] = {one: [] for one in stack_ids}
    for row in rows:
        found[row.stack_id or ""].append(row)
    return found


async def endpoint_taken(tx: Tx, stack_id: str, endpoint: str, *, except_id: str = "") -> bool:
    """Whether the stack calls that address already."""
    query = select(
        exists().where(
            Webhook.stack_id == stack_id, Webhook.endpoint == endpoint, Webhook.id != except_id
        )
    )
    return bool(await tx.session.scalar(query))


async def remove_of_stack(tx: Tx, stack_id: str) -> None:
    """The stack is about to go, and its webhooks are gone with all their deliveries."""
    await tx.session.execute(delete(Webhook).where(Webhook.stack_id == stack_id))


# -- headers


async def headers_of(tx: Tx, webhook_ids: Sequence[str]) -> dict[str, list[Header]]:
    """Headers of one's own by webhook, by name. Their values are sealed."""
    rows = await tx.session.scalars(
        select(Header).where(Header.webhook_id.in_(webhook_ids)).order_by(Header.name)
    )
    found: dict[str, list[Header]] = {one: [] for one in webhook_ids}
    for row in rows:
        found[row.webhook_id].append(row)
    return found


async def drop_headers(tx: Tx, webhook_id: str, names: Sequence[str] | None = None) -> None:
    """Those headers are gone, by their names in lower case; all of them without names."""
    which = [Header.webhook_id == webhook_id]
    if names is not None:
        which.append(Header.name.in_(names))
    await tx.session.execute(delete(Header).where(*which))


# -- who is to be told


async def listening(tx: Tx, stack_id: str) -> list[tuple[str, Kind]]:
    """The webhooks that are told of the moves of the stack's runs: (id, kind)."""
    query = select(Webhook.id, Webhook.kind).where(
        Webhook.enabled,
        or_(
            Webhook.stack_id == stack_id,
            and_(Webhook.kind == Kind.AUDIT, Webhook.include_runs, ~Webhook.leaving),
        ),
    )
    return list((await tx.session.execute(query)).tuples())


async def with_work(tx: Tx) -> list[str]:
    """Webhooks to which something can be sent now: deliveries that are due, or audit entries."""
    due = exists().where(
        Delivery.webhook_id == Webhook.id,
        Delivery.state == DeliveryState.WAITING,
        Delivery.next_at <= tx.now,
    )
    end = select(func.max(AuditChain.seq)).scalar_subquery()
    unsent = or_(end > Webhook.position, exists().where(AuditEntry.seq.is_(None)))
    audits = and_(
        Webhook.kind == Kind.AUDIT,
        or_(Webhook.until.is_not(None), and_(Webhook.enabled, unsent)),
        # While the first one is not taken, the next ones wait.
        ~exists().where(Delivery.webhook_id == Webhook.id, _IN_TURN),
    )
    return list(await tx.session.scalars(select(Webhook.id).where(or_(due, audits))))


async def entries(tx: Tx, after: int, *, since: datetime | None, limit: int) -> list[AuditEntry]:
    """The next audit entries in the chain after a place, none from before that time."""
    query = select(AuditEntry).where(AuditEntry.seq > after).order_by(AuditEntry.seq).limit(limit)
    if since is not None:
        query = query.where(AuditEntry.at >= since)
    return list(await tx.session.scalars(query))


async def entry_about(tx: Tx, webhook_id: str, at: datetime) -> AuditEntry | None:
    """The audit entry of what was done to the webhook then, whether or not it has its place."""
    query = select(AuditEntry).where(
        AuditEntry.at == at,
        AuditEntry.resource == Resource.WEBHOOK,
        AuditEntry.resource_id == webhook_id,
    )
    return await tx.session.scalar(query.limit(1))


# -- deliveries


async def first_waiting(tx: Tx, webhook_id: str, *, but: str = "") -> Delivery | None:
    """The delivery that is next, whether or not it is due; not one of the event `but`, and none
    that stands aside.
    """
    query = (
        select(Delivery)
        .where(Delivery.webhook_id == webhook_id, _IN_TURN, Delivery.event != but)
        .order_by(Delivery.number)
        .limit(1)
    )
    return await tx.session.scalar(query)


async def due_aside(tx: Tx, webhook_id: str) -> Delivery | None:
    """Of the deliveries that stand aside, the one that has been due for longest."""
    query = (
        select(Delivery)
        .where(
            Delivery.webhook_id == webhook_id,
            Delivery.state == DeliveryState.WAITING,
            ~_IN_TURN,
            Delivery.next_at <= tx.now,
        )
        .order_by(Delivery.next_at, Delivery.number)
        .limit(1)
    )
    return await tx.session.scalar(query)


async def delivery(
    tx: Tx, webhook_id: str, delivery_id: str, *, lock: bool = False
) -> Delivery | None:
    """A delivery of the webhook. Not authorised; its webhook is."""
    query = select(Delivery).where(Delivery.id == delivery_id, Delivery.webhook_id == webhook_id)
    return await tx.session.scalar(_held(query) if lock else query)


async def give_up(tx: Tx, webhook_id: str, reason: str, *, but: str = "") -> None:
    """What waits for the webhook is not sent any more, unless its event is `but`."""
    await tx.session.execute(
        update(Delivery)
        .where(
            Delivery.webhook_id == webhook_id,
            Delivery.state == DeliveryState.WAITING,
            Delivery.event != but,
        )
        .values(state=DeliveryState.FAILED, error=reason, body="")
    )


_LOG = Searchable(
    fields={
        "state": equals(Delivery.state),
        "event": equals(Delivery.event),
    },
    orders={"createdAt": Delivery.number},
    text=lambda word: or_(contains(Delivery.event, word), contains(Delivery.error, word)),
    default_order=Order("createdAt", descending=True),
    key=Delivery.number,
)


async def log(tx: Tx, webhook_id: str, wanted: Search) -> Page[Delivery]:
    """A page of the webhook's deliveries, the newest first. Not authorised; its webhook is.

    Raises BadSearch, BadCursor.
    """
    query = select(Delivery).where(Delivery.webhook_id == webhook_id)
    return await run_search(tx, query, wanted, _LOG, Delivery)


async def forget_deliveries(tx: Tx, before: datetime) -> None:
    """Deliveries from before that do not wait any more are gone."""
    await tx.session.execute(
        delete(Delivery).where(
            Delivery.created_at < before, Delivery.state != DeliveryState.WAITING
        )
    )
