"""Every query about spaces."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import (
    ARRAY,
    ScalarSelect,
    Select,
    Text,
    case,
    delete,
    func,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import array, insert
from sqlalchemy.orm import aliased

from gantry.domains.people import access
from gantry.domains.spaces.model import ROOT, Space, SpaceTree
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


async def hold_tree(tx: Tx) -> None:
    """No other change of the tree, of who has which role in it, or of the names of what spaces
    share begins until the transaction ends. All of that is rare, and whoever looked first whether
    something is there already is right until it is kept.
    """
    # Not of the key: whoever makes something in the root space does not wait.
    await tx.session.get_one(Space, ROOT, with_for_update={"key_share": True})


def version_of_tree() -> ScalarSelect[str]:
    """For other queries: which tree what they find belongs to."""
    return select(SpaceTree.version).scalar_subquery()


async def tree(tx: Tx) -> tuple[str, list[tuple[str, list[str], list[str]]]]:
    """The version of the tree; and of each space its id, its way up with itself, and those it
    inherits from.
    """
    query = select(version_of_tree(), Space.id, Space.path, Space.inherits)
    rows = (await tx.session.execute(query)).tuples().all()
    # There is always the root.
    return rows[0][0], [(space_id, path, inherits) for _, space_id, path, inherits in rows]


async def find(tx: Tx, space_id: str) -> Space | None:
    """The space, whoever asks."""
    return await tx.session.get(Space, space_id, populate_existing=True)


async def lines_up(tx: Tx, space_ids: Sequence[str]) -> dict[str, list[str]]:
    """By space: itself and those it inherits from, nearest first."""
    query = select(Space.id, Space.inherits).where(Space.id.in_(space_ids))
    rows = (await tx.session.execute(query)).tuples()
    return {space_id: [space_id, *inherits] for space_id, inherits in rows}


async def subtree(tx: Tx, space_id: str) -> list[str]:
    """The space and all beneath it."""
    return list(await tx.session.scalars(select(Space.id).where(Space.path.contains([space_id]))))


async def height(tx: Tx, space_id: str) -> int:
    """Spaces on the longest way down from the space, itself included."""
    query = select(func.max(func.cardinality(Space.path))).where(Space.path.contains([space_id]))
    deepest = await tx.session.scalar(query) or 0
    own = await tx.session.scalar(select(func.cardinality(Space.path)).where(Space.id == space_id))
    return deepest - (own or 0) + 1


async def draw_lines(tx: Tx, space_id: str) -> None:
    """Write anew what the space and all beneath it keep of their ways up."""
    await tx.session.flush()
    above, none = aliased(Space), literal([], ARRAY(Text))
    top = (
        select(
            Space.id,
            (func.coalesce(above.path, none) + array([Space.id])).label("path"),
            case(
                (
                    Space.inherit_entities & above.id.is_not(None),
                    array([above.id]) + func.coalesce(above.inherits, none),
                ),
                else_=none,
            ).label("inherits"),
        )
        .outerjoin(above, above.id == Space.parent_id)
        .where(Space.id == space_id)
        .cte("line", recursive=True)
    )
    line = top.union_all(
        select(
            Space.id,
            top.c.path + array([Space.id]),
            case((Space.inherit_entities, array([top.c.id]) + top.c.inherits), else_=none),
        ).join(top, Space.parent_id == top.c.id)
    )
    await tx.session.execute(
        update(Space)
        .where(Space.id == line.c.id)
        .values(path=line.c.path, inherits=line.c.inherits),
        execution_options={"synchronize_session": False},
    )


async def remove(tx: Tx, space_id: str) -> None:
    """The space is gone. What refers to it keeps it from going."""
    await tx.session.execute(delete(Space).where(Space.id == space_id))


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
            path=[ROOT],
        )
        .on_conflict_do_nothing()
    )
