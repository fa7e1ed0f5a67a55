"""Every query about the audit trail."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, false, func, or_, select, text, true
from sqlalchemy.dialects.postgresql import insert

from gantry.domains.audit import rules
from gantry.domains.audit.model import AuditChain, AuditEntry
from gantry.domains.audit.rules import GENESIS, month_after
from gantry.kernel.facets import Facets, count_facets
from gantry.kernel.paging import Page
from gantry.kernel.search import (
    Order,
    Predicate,
    Search,
    Searchable,
    contains,
    equals,
    run_search,
)
from gantry.kernel.tx import Tx

COVERED = (
    AuditEntry.id,
    AuditEntry.at,
    AuditEntry.action,
    AuditEntry.actor,
    AuditEntry.actor_kind,
    AuditEntry.actor_id,
    AuditEntry.address,
    AuditEntry.resource,
    AuditEntry.resource_id,
    AuditEntry.related,
    AuditEntry.related_id,
    AuditEntry.body,
)
"""What an entry's digest covers, in order."""

LOOKED_THROUGH = 50_000
"""Of so many entries, the newest, values to filter by are collected: what nobody did for that long,
people type, and a look through all of a million would take a second."""


def _within(predicate: Predicate) -> ColumnElement[bool]:
    spans = [rules.span(given) for given in predicate.strings or ()]
    return or_(
        false(),
        *(
            and_(
                true() if since is None else AuditEntry.at >= since,
                true() if until is None else AuditEntry.at < until,
            )
            for since, until in spans
        ),
    )


_SEARCH = Searchable(
    fields={
        "id": equals(AuditEntry.id),
        "createdAt": _within,
        "action": equals(AuditEntry.action),
        "actor": equals(AuditEntry.actor),
        "eventType": equals(AuditEntry.action),
        "affectedResourceType": equals(AuditEntry.resource),
        "affectedResourceId": equals(AuditEntry.resource_id),
        "relatedResourceType": equals(AuditEntry.related),
        "relatedResourceId": equals(AuditEntry.related_id),
    },
    orders={"createdAt": AuditEntry.at},
    # As one text: a search for what is rare looks at every row, and looks once instead of thrice.
    text=lambda word: contains(
        AuditEntry.action
        + " "
        + AuditEntry.actor
        + " "
        + func.coalesce(AuditEntry.resource_id, ""),
        word,
    ),
    default_order=Order("createdAt", descending=True),
    key=AuditEntry.id,
    facets={
        "action": AuditEntry.action,
        "actor": AuditEntry.actor,
        "affectedResourceType": AuditEntry.resource,
    },
)


async def search(tx: Tx, wanted: Search) -> Page[AuditEntry]:
    """A page of entries. Not authorised; the caller is. Raises BadSearch, BadCursor."""
    return await run_search(tx, select(AuditEntry), wanted, _SEARCH, AuditEntry)


async def suggestions(
    tx: Tx, wanted: Search, fields: Sequence[str], *, words: str | None = None
) -> Facets:
    """What the newest LOOKED_THROUGH entries can be narrowed by. Not authorised; the caller is.

    Raises BadSearch.
    """
    before = select(AuditEntry.at).order_by(AuditEntry.at.desc()).offset(LOOKED_THROUGH).limit(1)
    oldest = await tx.session.scalar(before)
    query = select(AuditEntry)
    if oldest is not None:
        query = query.where(AuditEntry.at > oldest)
    return await count_facets(tx, query, wanted, _SEARCH, fields, words=words)


# -- the chain


async def hold_chain(tx: Tx) -> AuditChain:
    """Where the chain ends, held until the transaction ends."""
    await tx.session.execute(
        insert(AuditChain)
        .values(id=1, seq=0, digest=GENESIS, checkpoint_seq=0)
        .on_conflict_do_nothing()
    )
    return await tx.session.get_one(AuditChain, 1, with_for_update=True)


async def chain(tx: Tx) -> AuditChain | None:
    """Where the chain ends; None before anything was sealed."""
    return await tx.session.get(AuditChain, 1)


async def unsealed(tx: Tx, limit: int) -> list[Any]:
    """What is not in the chain yet, oldest first."""
    query = (
        select(*COVERED)
        .where(AuditEntry.seq.is_(None))
        .order_by(AuditEntry.at, AuditEntry.id)
        .limit(limit)
    )
    return list(await tx.session.execute(query))


async def count_unsealed(tx: Tx, most: int) -> int:
    """How many entries are not in the chain yet, counted up to `most`."""
    waiting = select(AuditEntry.id).where(AuditEntry.seq.is_(None)).limit(most).subquery()
    return await tx.session.scalar(select(func.count()).select_from(waiting)) or 0


async def seal(tx: Tx, sealed: Sequence[tuple[str, datetime, int, bytes]]) -> None:
    """Give entries their places in the chain: (id, at, seq, digest)."""
    await tx.session.execute(
        text(
            "update audit_entry e set seq = s.seq, digest = s.digest"
            " from unnest(cast(:ids as text[]), cast(:ats as timestamptz[]),"
            " cast(:seqs as bigint[]), cast(:digests as bytea[])) as s (id, at, seq, digest)"
            " where e.id = s.id and e.at = s.at"
        ),
        {
            "ids": [one[0] for one in sealed],
            "ats": [one[1] for one in sealed],
            "seqs": [one[2] for one in sealed],
            "digests": [one[3] for one in sealed],
        },
    )


async def in_order(tx: Tx, after: int, limit: int) -> list[Any]:
    """The next of the chain after a place, at most so many: what digests cover, then place and
    digest.
    """
    query = (
        select(*COVERED, AuditEntry.seq, AuditEntry.digest)
        .where(AuditEntry.seq > after)
        .order_by(AuditEntry.seq)
        .limit(limit)
    )
    return list(await tx.session.execute(query))


# -- months


async def make_months(tx: Tx, until: datetime) -> None:
    """A table for each month up to that time, so that each can go as one.

    A month of which something was written before it had a table has none: its entries are where
    those go that have no other place, and are forgotten one by one.
    """
    at = rules.month_of(tx.now)
    while at <= until:
        end = month_after(at)
        stray = text("select exists (select from audit_entry_other where at >= :at and at < :end)")
        if await tx.session.scalar(stray, {"at": at, "end": end}):
            at = end
            continue
        # Names and bounds are dates, and nothing else.
        await tx.session.execute(
            text(
                f"create table if not exists audit_entry_{at:%Y_%m} partition of audit_entry"
                f" for values from ('{at:%Y-%m-%d} 00:00+00') to ('{end:%Y-%m-%d} 00:00+00')"
            )
        )
        at = end


async def months(tx: Tx) -> list[str]:
    """The months that have a table, as `YYYY_MM`, oldest first."""
    rows = await tx.session.scalars(
        text(
            "select substr(c.relname, 13) from pg_inherits i"
            " join pg_class c on c.oid = i.inhrelid"
            " where i.inhparent = 'audit_entry'::regclass"
            " and c.relname ~ '^audit_entry_[0-9]{4}_[0-9]{2}$'"
            " order by 1"
        )
    )
    return list(rows)


async def forget_strays(tx: Tx, before: datetime, floor: int) -> None:
    """Entries whose month had no table, and whose place is at most `floor`, are gone one by one."""
    await tx.session.execute(
        text("delete from audit_entry_other where at < :before and seq <= :floor"),
        {"before": before, "floor": floor},
    )


async def drop_month(tx: Tx, month: str) -> None:
    """Every entry of the month is gone, at once."""
    await tx.session.execute(text(f"drop table if exists audit_entry_{month}"))


async def any_unsealed_before(tx: Tx, end: datetime) -> bool:
    """Whether anything from before that time is not in the chain yet."""
    query = select(
        select(AuditEntry.id).where(AuditEntry.at < end, AuditEntry.seq.is_(None)).exists()
    )
    return bool(await tx.session.scalar(query))


async def last_before(tx: Tx, end: datetime) -> int:
    """The last place in the chain of what was done before that time; 0 for none."""
    return await tx.session.scalar(select(func.max(AuditEntry.seq)).where(AuditEntry.at < end)) or 0


async def first_from(tx: Tx, begin: datetime) -> int | None:
    """The first place in the chain of what was done at that time or later."""
    return await tx.session.scalar(select(func.min(AuditEntry.seq)).where(AuditEntry.at >= begin))
