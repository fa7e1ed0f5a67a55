"""Every query about roles and bindings."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    Select,
    Text,
    and_,
    bindparam,
    cast,
    delete,
    func,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert

from gantry.domains.people import access
from gantry.domains.people.actions import Action
from gantry.domains.people.model import UserGroup
from gantry.domains.roles.model import Role, RoleBinding, Subject
from gantry.domains.roles.rules import SYSTEM_ROLES
from gantry.domains.spaces import repo as space_repo
from gantry.kernel.tx import Tx

Whom = tuple[Subject, str]

_GROUPS = "groups"
"""The parameter of the names of groups."""


@dataclass(frozen=True, slots=True)
class Held:
    """What subjects' bindings come to."""

    given: list[tuple[str, str]]
    """Spaces, and roles that were given in them; each pair once."""
    actions: dict[str, list[str]]
    """By role."""
    slugs: list[str]
    """Of these roles, sorted."""
    tree: str
    """The version of the tree that the spaces are in."""


async def rights(tx: Tx, whom: Collection[Whom], groups: Collection[str] = ()) -> Held:
    """What the bindings of the subjects, of whom there is at least one, and of the groups so named
    come to, in one query.
    """
    ids: dict[str, list[str]] = {}
    for kind, subject_id in whom:
        ids.setdefault(kind.value, []).append(subject_id)
    statement = _rights_of(tuple(sorted(ids)), grouped=bool(groups))
    connection = await tx.session.connection()
    row = await connection.execute(statement, {**ids, _GROUPS: sorted(groups)})
    given, roles, tree = row.one()
    found = (roles or {}).items()
    actions = {role_id: actions for role_id, (_, actions) in found}
    return Held(given or [], actions, sorted(slug for _, (slug, _) in found), tree)


# Every request asks it: putting the statement together takes longer than the database does. One
# row, as fifty take longer to read than to find.
@cache
def _rights_of(kinds: tuple[str, ...], *, grouped: bool) -> Select[Any, Any, Any]:
    """For subjects of these kinds, whose ids are the parameters of those names; and for groups."""
    held = [
        and_(
            RoleBinding.subject == Subject(kind),
            RoleBinding.subject_id == func.any(bindparam(kind, type_=ARRAY(Text))),
        )
        for kind in kinds
    ]
    if grouped:
        held.append(_of_groups(bindparam(_GROUPS, type_=ARRAY(Text))))
    bound = (
        select(RoleBinding.space_id, RoleBinding.role_id).where(or_(*held)).distinct().cte("bound")
    )
    pair = func.json_build_array(bound.c.space_id, bound.c.role_id)
    role = func.json_build_array(Role.slug, Role.actions)
    return select(
        select(func.json_agg(pair, type_=JSON)).scalar_subquery(),
        select(func.json_object_agg(Role.id, role, type_=JSON))
        .where(Role.id.in_(select(bound.c.role_id)))
        .scalar_subquery(),
        space_repo.version_of_tree(),
    )


def held_by(whom: Collection[Whom], groups: Collection[str]) -> ColumnElement[bool]:
    """Whether a binding is one of the subjects', of whom there is at least one, or the groups'."""
    kinds = {subject for subject, _ in whom}
    held = [
        and_(
            RoleBinding.subject == kind,
            RoleBinding.subject_id.in_([one for subject, one in whom if subject is kind]),
        )
        for kind in sorted(kinds)
    ]
    if groups:
        held.append(_of_groups(cast(sorted(groups), ARRAY(Text))))
    return or_(*held)


def _of_groups(names: ColumnElement[Any]) -> ColumnElement[bool]:
    ids = select(UserGroup.id).where(UserGroup.name == func.any(names))
    return and_(RoleBinding.subject == Subject.GROUP, RoleBinding.subject_id.in_(ids))


async def put_system_roles(tx: Tx) -> None:
    """The roles of the system as this release has them; harmless when they are there."""
    statement = insert(Role).values(
        [
            {
                "id": role.id,
                "slug": role.slug,
                "name": role.name,
                "description": role.description,
                "actions": [action.value for action in role.actions],
                "system": True,
                "created_at": tx.now,
                "updated_at": tx.now,
            }
            for role in SYSTEM_ROLES
        ]
    )
    same = {name: statement.excluded[name] for name in ("name", "description", "actions")}
    await tx.session.execute(statement.on_conflict_do_update(index_elements=[Role.id], set_=same))


async def all_roles(tx: Tx) -> list[Role]:
    """Every role, those of the system first. Not authorised; the service is."""
    query = select(Role).order_by(Role.system.desc(), func.lower(Role.name), Role.id)
    return list(await tx.session.scalars(query))


async def find(tx: Tx, role_id: str, *, lock: bool = False) -> Role | None:
    """The role."""
    return await tx.session.get(Role, role_id, with_for_update=lock)


async def by_ids(tx: Tx, ids: Sequence[str]) -> dict[str, Role]:
    """Roles by id. What they are made of is no secret to whoever sees a binding."""
    rows = await tx.session.scalars(select(Role).where(Role.id.in_(ids)))
    return {role.id: role for role in rows}


async def slugs(tx: Tx) -> set[str]:
    """Every slug that is taken."""
    return set(await tx.session.scalars(select(Role.slug)))


async def slugs_of(tx: Tx, subject: Subject, ids: Sequence[str]) -> dict[str, list[str]]:
    """The slugs of the roles that were given to each of the subjects, wherever; without those to
    whom none was.
    """
    rows = await tx.session.execute(
        select(RoleBinding.subject_id, func.array_agg(Role.slug.distinct()))
        .join(Role, Role.id == RoleBinding.role_id)
        .where(RoleBinding.subject == subject, RoleBinding.subject_id.in_(ids))
        .group_by(RoleBinding.subject_id)
    )
    return {subject_id: sorted(slugs) for subject_id, slugs in rows.tuples()}


async def slugs_of_groups(tx: Tx, names: Collection[str]) -> dict[str, list[str]]:
    """The same of groups, by their names."""
    rows = await tx.session.execute(
        select(UserGroup.name, func.array_agg(Role.slug.distinct()))
        .join(RoleBinding, RoleBinding.subject_id == UserGroup.id)
        .join(Role, Role.id == RoleBinding.role_id)
        .where(RoleBinding.subject == Subject.GROUP, UserGroup.name.in_(names))
        .group_by(UserGroup.name)
    )
    return {name: sorted(slugs) for name, slugs in rows.tuples()}


async def counts(tx: Tx, role_ids: Sequence[str]) -> dict[str, int]:
    """How often each role is given in the spaces that the actor is admin of."""
    query = (
        select(RoleBinding.role_id, func.count())
        .where(RoleBinding.role_id.in_(role_ids))
        .group_by(RoleBinding.role_id)
    )
    spaces = access.spaces_where(tx.actor, Action.SPACE_ADMIN)
    if spaces is not None:
        query = query.where(RoleBinding.space_id.in_(spaces))
    rows = await tx.session.execute(query)
    return {**dict.fromkeys(role_ids, 0), **dict(rows.tuples().all())}


async def binding(
    tx: Tx, binding_id: str, subject: Subject, *, lock: bool = False
) -> RoleBinding | None:
    """The binding, if it is one of such a subject."""
    query = select(RoleBinding).where(RoleBinding.id == binding_id, RoleBinding.subject == subject)
    return await tx.session.scalar(query.with_for_update() if lock else query)


async def bindings_of(tx: Tx, subject: Subject, ids: Sequence[str]) -> dict[str, list[RoleBinding]]:
    """What was given to each of the subjects, oldest first."""
    rows = await tx.session.scalars(
        select(RoleBinding)
        .where(RoleBinding.subject == subject, RoleBinding.subject_id.in_(ids))
        .order_by(RoleBinding.id)
    )
    found: dict[str, list[RoleBinding]] = {one: [] for one in ids}
    for row in rows:
        found[row.subject_id].append(row)
    return found


async def of_users(tx: Tx, ids: Sequence[str]) -> dict[str, list[RoleBinding]]:
    """What was given to each of the users, oldest first."""
    return await bindings_of(tx, Subject.USER, ids)


async def of_groups(tx: Tx, ids: Sequence[str]) -> dict[str, list[RoleBinding]]:
    """What was given to each of the groups, oldest first."""
    return await bindings_of(tx, Subject.GROUP, ids)


async def of_keys(tx: Tx, ids: Sequence[str]) -> dict[str, list[RoleBinding]]:
    """What was given to each of the API keys, oldest first."""
    return await bindings_of(tx, Subject.API_KEY, ids)


async def of_channels(tx: Tx, ids: Sequence[str]) -> dict[str, list[RoleBinding]]:
    """What was given to each of the channels, oldest first."""
    return await bindings_of(tx, Subject.CHANNEL, ids)


async def bindings_in(
    tx: Tx, subject: Subject, space_ids: Sequence[str] | None
) -> list[RoleBinding]:
    """What was given to such subjects in the spaces, or in all of them, oldest first."""
    query = select(RoleBinding).where(RoleBinding.subject == subject).order_by(RoleBinding.id)
    if space_ids is not None:
        query = query.where(RoleBinding.space_id.in_(space_ids))
    return list(await tx.session.scalars(query))


async def any_given(tx: Tx, gifts: Collection[Any]) -> bool:
    """Whether any of these is given already."""
    columns = (
        RoleBinding.subject,
        RoleBinding.subject_id,
        RoleBinding.role_id,
        RoleBinding.space_id,
    )
    wanted = [(gift.subject, gift.subject_id, gift.role_id, gift.space_id) for gift in gifts]
    query = select(RoleBinding.id).where(tuple_(*columns).in_(wanted)).limit(1)
    return await tx.session.scalar(query) is not None


async def remove(tx: Tx, binding_id: str) -> None:
    """The binding is gone."""
    await tx.session.execute(delete(RoleBinding).where(RoleBinding.id == binding_id))


async def remove_these(tx: Tx, binding_ids: Sequence[str]) -> None:
    """The bindings are gone."""
    await tx.session.execute(delete(RoleBinding).where(RoleBinding.id.in_(binding_ids)))


async def remove_all_in(tx: Tx, space_id: str) -> None:
    """Nothing is given in the space any more: it is about to go."""
    await tx.session.execute(delete(RoleBinding).where(RoleBinding.space_id == space_id))


async def rename(tx: Tx, subject: Subject, before: str, after: str) -> None:
    """What was given to the subject is given to it under its new id."""
    await tx.session.execute(
        update(RoleBinding)
        .where(RoleBinding.subject == subject, RoleBinding.subject_id == before)
        .values(subject_id=after)
    )


async def remove_all_of(tx: Tx, subject: Subject, subject_id: str) -> None:
    """Nothing is given to the subject any more: it is about to go."""
    await tx.session.execute(
        delete(RoleBinding).where(
            RoleBinding.subject == subject, RoleBinding.subject_id == subject_id
        )
    )
