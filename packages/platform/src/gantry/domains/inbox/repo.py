"""Every query about notifications that a person's request leads to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, or_, select

from gantry.domains.notifications.model import Notification
from gantry.domains.people import access
from gantry.domains.people.actions import Action
from gantry.domains.stacks.model import Stack
from gantry.kernel.facets import Facets, count_facets
from gantry.kernel.paging import Page
from gantry.kernel.search import (
    Order,
    Search,
    Searchable,
    boolean,
    contains,
    equals,
    run_search,
)
from gantry.kernel.tx import Tx

SPACE = func.coalesce(Notification.space_id, Stack.space_id)
"""Whose administrators see it: a stack's go with the stack."""


def visible(tx: Tx) -> Select[Notification]:
    """Those of spaces that the actor administers: every query here starts with it."""
    query = select(Notification).outerjoin(Stack, Stack.id == Notification.stack_id)
    query = query.where(or_(Notification.stack_id.is_(None), Stack.deleted_at.is_(None)))
    spaces = access.spaces_where(tx.actor, Action.SPACE_ADMIN)
    return query if spaces is None else query.where(SPACE.in_(spaces))


def visible_ids(tx: Tx) -> ColumnElement[bool]:
    """The same as a condition, for statements that change some of them."""
    return Notification.id.in_(visible(tx).with_only_columns(Notification.id))


_OPEN: ColumnElement[bool] = Notification.closed_at.is_(None)

_SEARCH = Searchable(
    fields={
        "dismissed": boolean(Notification.closed_at.is_not(None)),
        "group": equals(Notification.group_key),
        "severity": equals(Notification.severity),
        "space": equals(SPACE),
        "stack": equals(Notification.stack_id),
    },
    orders={"createdAt": Notification.created_at, "lastAt": Notification.last_at},
    text=lambda word: or_(contains(Notification.title, word), contains(Notification.body, word)),
    default_order=Order("lastAt", descending=True),
    key=Notification.id,
    facets={
        "dismissed": case((_OPEN, "false"), else_="true"),
        "group": Notification.group_key,
        "severity": Notification.severity,
        "space": SPACE,
        "stack": Notification.stack_id,
    },
)


async def search(tx: Tx, wanted: Search) -> Page[Notification]:
    """A page of them, what was told last first. Raises BadSearch, BadCursor."""
    return await run_search(tx, visible(tx), wanted, _SEARCH, Notification)


async def suggestions(
    tx: Tx, wanted: Search, fields: Sequence[str], *, words: str | None = None
) -> Facets:
    """Values to filter the list by. Raises BadSearch."""
    return await count_facets(tx, visible(tx), wanted, _SEARCH, fields, words=words)


async def count(tx: Tx) -> int:
    """How many are open."""
    query = visible(tx).where(_OPEN).with_only_columns(func.count())
    return await tx.session.scalar(query) or 0


async def count_of_stacks(tx: Tx, stack_ids: Sequence[str]) -> dict[str, int]:
    """How many of each stack are open."""
    query = (
        visible(tx)
        .where(_OPEN, Notification.stack_id.in_(stack_ids))
        .with_only_columns(Notification.stack_id, func.count())
        .group_by(Notification.stack_id)
    )
    rows: Any = await tx.session.execute(query)
    return {**dict.fromkeys(stack_ids, 0), **dict(rows.tuples().all())}


async def known(tx: Tx, ids: Sequence[str]) -> set[str]:
    """Those of the ids that the actor sees."""
    query = visible(tx).where(Notification.id.in_(ids)).with_only_columns(Notification.id)
    return set(await tx.session.scalars(query))
