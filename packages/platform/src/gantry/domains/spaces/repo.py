"""Every query about spaces."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import insert

from gantry.domains.people import access
from gantry.domains.spaces.model import ROOT, Space
from gantry.kernel.tx import Tx


def visible(tx: Tx) -> Select[Space]:
    """Every query a person's request leads to starts here."""
    query = select(Space)
    spaces = access.readable_spaces(tx.actor)
    return query if spaces is None else query.where(Space.id.in_(spaces))


async def by_ids(tx: Tx, ids: Sequence[str]) -> dict[str, Space]:
    """Those of the spaces that exist and that the actor may see."""
    rows = await tx.session.scalars(visible(tx).where(Space.id.in_(ids)))
    return {space.id: space for space in rows}


async def all_visible(tx: Tx) -> list[Space]:
    """Every space the actor may see, oldest first."""
    return list(await tx.session.scalars(visible(tx).order_by(Space.created_at, Space.id)))


async def make_root(tx: Tx) -> None:
    """The root space; harmless when it exists."""
    await tx.session.execute(
        insert(Space)
        .values(
            id=ROOT,
            name="root",
            description="",
            labels=[],
            inherit_entities=False,
            created_at=tx.now,
        )
        .on_conflict_do_nothing()
    )
