"""Every query about configuration elements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from sqlalchemy import CursorResult, and_, delete, func, or_, select

from gantry.domains.contexts.kinds import ElementType, Named, OwnerKind
from gantry.domains.contexts.model import ConfigElement
from gantry.kernel.tx import Tx


async def of_stacks(tx: Tx, stack_ids: Sequence[str]) -> dict[str, list[ConfigElement]]:
    """The stacks' own elements, by name. Whoever may see the stack may see them."""
    return await _of(tx, OwnerKind.STACK, stack_ids)


async def of_contexts(tx: Tx, context_ids: Sequence[str]) -> dict[str, list[ConfigElement]]:
    """The contexts' elements, by name. Whoever may see the context may see them."""
    return await _of(tx, OwnerKind.CONTEXT, context_ids)


async def _of(tx: Tx, owner: OwnerKind, ids: Sequence[str]) -> dict[str, list[ConfigElement]]:
    query = (
        select(ConfigElement)
        .where(ConfigElement.owner_kind == owner, ConfigElement.owner_id.in_(ids))
        .order_by(ConfigElement.id, ConfigElement.type)
    )
    found: dict[str, list[ConfigElement]] = {one: [] for one in ids}
    for row in await tx.session.scalars(query):
        found[row.owner_id].append(row)
    return found


async def names(tx: Tx, stack_id: str, context_ids: Sequence[str]) -> dict[str | None, list[Named]]:
    """The elements of the contexts, by context, and of the stack, by None; without values, which
    may be large.
    """
    owned = or_(
        and_(ConfigElement.owner_kind == OwnerKind.STACK, ConfigElement.owner_id == stack_id),
        and_(
            ConfigElement.owner_kind == OwnerKind.CONTEXT, ConfigElement.owner_id.in_(context_ids)
        ),
    )
    query = select(
        ConfigElement.owner_kind,
        ConfigElement.owner_id,
        ConfigElement.id,
        ConfigElement.type,
        ConfigElement.write_only,
    ).where(owned)
    found: dict[str | None, list[Named]] = {None: [], **{one: [] for one in context_ids}}
    for kind, owner, name, element_type, secret in await tx.session.execute(query):
        found[None if kind is OwnerKind.STACK else owner].append(Named(name, element_type, secret))
    return found


async def total(tx: Tx, owner: OwnerKind, owner_id: str, kind: ElementType) -> int:
    """Bytes of the owner's elements of that type, names and seals included."""
    size = func.length(ConfigElement.value_sealed) + func.octet_length(ConfigElement.id)
    query = select(func.coalesce(func.sum(size), 0)).where(
        ConfigElement.owner_kind == owner,
        ConfigElement.owner_id == owner_id,
        ConfigElement.type == kind,
    )
    return int(await tx.session.scalar(query) or 0)


async def remove(tx: Tx, owner: OwnerKind, owner_id: str, element_id: str) -> ConfigElement | None:
    """Delete the element of that name; None when there was none."""
    query = (
        select(ConfigElement)
        .where(
            ConfigElement.owner_kind == owner,
            ConfigElement.owner_id == owner_id,
            ConfigElement.id == element_id,
        )
        .with_for_update()
    )
    element = (await tx.session.scalars(query)).first()
    if element is not None:
        await tx.session.delete(element)
    return element


async def remove_all(tx: Tx, owner: OwnerKind, owner_id: str, element_id: str) -> int:
    """Delete whatever has the name, of either type: ids are unique per owner."""
    result = await tx.session.execute(
        delete(ConfigElement).where(
            ConfigElement.owner_kind == owner,
            ConfigElement.owner_id == owner_id,
            ConfigElement.id == element_id,
        )
    )
    return cast("CursorResult[object]", result).rowcount


async def rename_owner(tx: Tx, owner: OwnerKind, before: str) -> Sequence[ConfigElement]:
    """The owner's elements, held, for giving them to an owner of another id."""
    query = (
        select(ConfigElement)
        .where(ConfigElement.owner_kind == owner, ConfigElement.owner_id == before)
        .with_for_update()
    )
    return list(await tx.session.scalars(query))


async def drop_owner(tx: Tx, owner: OwnerKind, owner_id: str) -> None:
    """The owner is gone, and its elements with it."""
    await tx.session.execute(
        delete(ConfigElement).where(
            ConfigElement.owner_kind == owner, ConfigElement.owner_id == owner_id
        )
    )
