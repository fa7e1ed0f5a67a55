"""What can be done with roles. Root admins make them; admins of any space may look at them."""

from __future__ import annotations

from collections.abc import Sequence

from gantry.domains.people import access
from gantry.domains.people.actions import Action
from gantry.domains.roles import repo
from gantry.domains.roles.model import Role
from gantry.domains.roles.rules import BadRole, checked_actions, checked_name
from gantry.domains.spaces import repo as space_repo
from gantry.kernel.errors import Conflict, NotFound
from gantry.kernel.ids import new_id, unique_slug
from gantry.kernel.tx import Tx


async def listed(tx: Tx) -> list[Role]:
    """Every role; none for who is admin nowhere, which is what clients read from an empty list."""
    if not access.may_anywhere(tx.actor, Action.SPACE_ADMIN):
        return []
    return await repo.all_roles(tx)


async def get(tx: Tx, role_id: str) -> Role:
    """The role. Raises NotFound, also for who is admin nowhere."""
    role = await repo.find(tx, role_id)
    if role is None or not access.may_anywhere(tx.actor, Action.SPACE_ADMIN):
        raise NotFound("role not found")
    return role


async def create(tx: Tx, *, name: str, description: str, actions: Sequence[str]) -> Role:
    """A role of single actions. Needs root admin. Raises BadRole."""
    access.require_admin(tx)
    name = checked_name(name)
    await space_repo.hold_tree(tx)
    role = Role(
        id=new_id(),
        slug=unique_slug(name, await repo.slugs(tx)),
        name=name,
        description=description,
        actions=checked_actions(actions),
        created_at=tx.now,
        updated_at=tx.now,
    )
    tx.session.add(role)
    await tx.session.flush()
    return role


async def update(
    tx: Tx,
    role_id: str,
    *,
    name: str | None = None,
    description: str | None = None,
    actions: Sequence[str] | None = None,
) -> Role:
    """Change a role, for everybody who has it, at once; None keeps. The slug stays as it was made.

    Needs root admin. Raises BadRole, also for roles of the system; NotFound.
    """
    role = await _changeable(tx, role_id)
    if name is not None:
        role.name = checked_name(name)
    if description is not None:
        role.description = description
    if actions is not None:
        role.actions = checked_actions(actions)
    role.updated_at = tx.now
    return role


async def delete(tx: Tx, role_id: str) -> Role:
    """The role is no more. Needs root admin. Raises Conflict while anybody has it."""
    role = await _changeable(tx, role_id)
    given = (await repo.counts(tx, [role.id]))[role.id]
    if given:
        times = "once" if given == 1 else f"{given} times"
        raise Conflict(f"The role {role.name} is given {times}; take it away first.")
    await tx.session.delete(role)
    await tx.session.flush()
    return role


async def _changeable(tx: Tx, role_id: str) -> Role:
    access.require_admin(tx)
    role = await repo.find(tx, role_id, lock=True)
    if role is None:
        raise NotFound("role not found")
    if role.system:
        raise BadRole(f"The role {role.name} is the system's and does not change; make another.")
    return role
