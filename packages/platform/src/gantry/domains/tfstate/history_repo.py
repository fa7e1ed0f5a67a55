"""Queries about what states there have been, as people look through them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, or_, select
from sqlalchemy.orm import defer

from gantry.domains.tfstate.model import StateLock, StateVersion, UnsavedState
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

_SEARCHABLE = Searchable(
    fields={
        "imported": boolean(StateVersion.imported),
        "rollback": boolean(StateVersion.rollback_of.is_not(None)),
        "run": equals(StateVersion.run_id),
        "lineage": equals(StateVersion.lineage),
    },
    orders={"serial": StateVersion.serial},
    text=lambda words: or_(
        contains(StateVersion.created_by, words),
        contains(StateVersion.terraform_version, words),
        contains(StateVersion.run_id, words),
    ),
    default_order=Order("serial", descending=True),
    key=StateVersion.id,
)


async def search(tx: Tx, stack_id: str, asked: Search) -> Page[StateVersion]:
    """A page of the stack's states, newest first. Raises BadSearch, BadCursor."""
    query = select(StateVersion).where(StateVersion.stack_id == stack_id)
    return await run_search(tx, query, asked, _SEARCHABLE, StateVersion)


async def count(tx: Tx, stack_id: str) -> int:
    """How many states of the stack there are."""
    query = select(func.count()).where(StateVersion.stack_id == stack_id)
    return await tx.session.scalar(query) or 0


async def serials(tx: Tx, version_ids: Sequence[str]) -> dict[str, int]:
    """The serials of states."""
    query = select(StateVersion.id, StateVersion.serial).where(StateVersion.id.in_(version_ids))
    return dict((await tx.session.execute(query)).tuples().all())


async def lock_of(tx: Tx, stack_id: str) -> StateLock | None:
    """Who holds the state, to be shown."""
    return await tx.session.get(StateLock, stack_id)


async def unsaved(tx: Tx, stack_id: str) -> list[UnsavedState]:
    """The stack's states that no backend took, the newest first, without their bytes."""
    query = (
        select(UnsavedState)
        .options(defer(UnsavedState.sealed, raiseload=True))
        .where(UnsavedState.stack_id == stack_id)
        .order_by(UnsavedState.kept_at.desc(), UnsavedState.run_id)
    )
    return list(await tx.session.scalars(query))
