"""Every query about what was given to whom, as people look at it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, or_, select

from gantry.domains.people import access
from gantry.domains.people.actions import Action
from gantry.domains.roles.model import Role, RoleBinding
from gantry.domains.roles.repo import Whom, held_by
from gantry.domains.spaces.model import Space
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


@dataclass(frozen=True, slots=True)
class Held:
    """A role that somebody has, and the space in which it was given."""

    binding: RoleBinding
    role: Role
    space: Space


async def held(tx: Tx, whom: Collection[Whom], groups: Collection[str] = ()) -> list[Held]:
    """All that was given to the subjects and to the groups of these names, oldest first.

    Not authorised: it is for themselves.
    """
    if not whom:
        return []
    query = (
        select(RoleBinding, Role, Space)
        .join(Role, Role.id == RoleBinding.role_id)
        .join(Space, Space.id == RoleBinding.space_id)
        .where(held_by(whom, groups))
        .order_by(RoleBinding.id)
    )
    return [Held(*row) for row in (await tx.session.execute(query)).tuples()]


def _counts_in(predicate: Predicate) -> ColumnElement[bool]:
    """Given in one of the spaces, or above it: roles flow down."""
    wanted = predicate.strings or predicate.enums or []
    above = select(func.unnest(Space.path)).where(Space.id.in_(wanted))
    return RoleBinding.space_id.in_(above)


_SEARCH = Searchable(
    fields={
        "countsIn": _counts_in,
        "role": equals(RoleBinding.role_id),
        "space": equals(RoleBinding.space_id),
        "subject": equals(RoleBinding.subject),
        "subjectId": equals(RoleBinding.subject_id),
    },
    orders={"createdAt": RoleBinding.created_at},
    text=lambda word: or_(
        RoleBinding.role_id.in_(select(Role.id).where(contains(Role.name, word))),
        contains(RoleBinding.subject_id, word),
        contains(RoleBinding.created_by, word),
    ),
    default_order=Order("createdAt", descending=True),
    key=RoleBinding.id,
)


async def search(tx: Tx, wanted: Search) -> Page[RoleBinding]:
    """A page of what was given in the spaces that the actor is admin of.

    Raises BadSearch, BadCursor.
    """
    query = select(RoleBinding)
    spaces = access.spaces_where(tx.actor, Action.SPACE_ADMIN)
    if spaces is not None:
        query = query.where(RoleBinding.space_id.in_(spaces))
    return await run_search(tx, query, wanted, _SEARCH, RoleBinding)
