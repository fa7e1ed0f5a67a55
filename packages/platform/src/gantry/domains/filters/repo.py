"""Every query about saved filters."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Select, func, literal, or_, select

from gantry.domains.filters.model import SavedFilter
from gantry.domains.people import access
from gantry.domains.people.actions import Action
from gantry.kernel.tx import Tx


def visible(tx: Tx) -> Select[SavedFilter]:
    """Every query a person's request leads to starts here: one's own, and those for everybody to
    whoever sees anything at all.
    """
    shared = SavedFilter.public & literal(access.may_anywhere(tx.actor, Action.SPACE_READ))
    return select(SavedFilter).where(or_(SavedFilter.owner == tx.actor.id, shared))


async def by_ids(tx: Tx, ids: Sequence[str]) -> dict[str, SavedFilter]:
    """Those of the saved filters that exist and that the actor may see."""
    rows = await tx.session.scalars(visible(tx).where(SavedFilter.id.in_(ids)))
    return {one.id: one for one in rows}


async def all_visible(tx: Tx, kind: str | None) -> list[SavedFilter]:
    """Every one that the actor may see, of the type or of any, by name."""
    query = visible(tx).order_by(func.lower(SavedFilter.name), SavedFilter.id)
    if kind is not None:
        query = query.where(SavedFilter.type == kind)
    return list(await tx.session.scalars(query))


async def lock(tx: Tx, filter_id: str) -> SavedFilter | None:
    """The saved filter, held until the transaction ends; None when the actor may not see it."""
    query = visible(tx).where(SavedFilter.id == filter_id)
    return await tx.session.scalar(query.with_for_update())


async def count_of(tx: Tx, owner: str) -> int:
    """How many somebody has made."""
    query = select(func.count()).where(SavedFilter.owner == owner)
    return await tx.session.scalar(query) or 0
