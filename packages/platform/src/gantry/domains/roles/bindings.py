"""Giving roles, and taking them away.

Whoever may do everything in a space gives roles in it: nobody can give more than they have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gantry.domains.people import access, api_keys, user_repo
from gantry.domains.people import repo as people
from gantry.domains.people.actions import Action
from gantry.domains.people.model import ApiKey
from gantry.domains.people.service import ADMIN_SOURCE
from gantry.domains.roles import repo
from gantry.domains.roles.model import RoleBinding, Subject
from gantry.domains.spaces import repo as space_repo
from gantry.domains.spaces import service as spaces
from gantry.kernel.errors import Conflict, NotFound
from gantry.kernel.ids import new_id
from gantry.kernel.tx import Tx


@dataclass(frozen=True, slots=True)
class Gift:
    """Which role is to be given to whom, and where. The caller knows that the subject exists."""

    subject: Subject
    subject_id: str
    role_id: str
    space_id: str


async def give(tx: Tx, gifts: Sequence[Gift]) -> list[RoleBinding]:
    """The bindings, in order: all of them or none. Raises NotFound, NotAllowed, Conflict."""
    await space_repo.hold_tree(tx)
    known = await repo.by_ids(tx, [gift.role_id for gift in gifts])
    made: list[RoleBinding] = []
    for gift in gifts:
        space = await spaces.resolve(tx, gift.space_id)
        access.require(tx, Action.SPACE_ADMIN, space.id)
        if gift.role_id not in known:
            raise NotFound("role not found")
        made.append(
            RoleBinding(
                id=new_id(),
                subject=gift.subject,
                subject_id=gift.subject_id,
                role_id=gift.role_id,
                space_id=space.id,
                created_at=tx.now,
                created_by=tx.actor.name,
            )
        )
    if await repo.any_given(tx, gifts) or len({*gifts}) < len(gifts):
        raise Conflict("This role is given there already.")
    tx.session.add_all(made)
    await tx.session.flush()
    return made


async def give_to_keys(tx: Tx, gifts: Sequence[Gift]) -> list[RoleBinding]:
    """The same for API keys. Raises NotFound for one that is not there."""
    await space_repo.hold_tree(tx)
    there = await people.api_keys_by_ids(tx, [gift.subject_id for gift in gifts])
    if any(gift.subject_id not in there for gift in gifts):
        raise NotFound("could not find api key")
    return await give(tx, gifts)


async def give_to_users(tx: Tx, gifts: Sequence[Gift]) -> list[RoleBinding]:
    """The same for users. Raises NotFound for one that is not there."""
    await space_repo.hold_tree(tx)
    there = await user_repo.by_ids(tx, [gift.subject_id for gift in gifts])
    managed = {user.id for user in there.values() if user.source != ADMIN_SOURCE}
    if any(gift.subject_id not in managed for gift in gifts):
        raise NotFound("user not found")
    return await give(tx, gifts)


async def give_to_groups(tx: Tx, gifts: Sequence[Gift]) -> list[RoleBinding]:
    """The same for groups. Raises NotFound for one that is not there."""
    await space_repo.hold_tree(tx)
    there = await user_repo.groups_by_ids(tx, [gift.subject_id for gift in gifts])
    if any(gift.subject_id not in there for gift in gifts):
        raise NotFound("user group not found")
    return await give(tx, gifts)


async def delete_key(tx: Tx, key_id: str) -> ApiKey:
    """Delete an API key, and take away what it was given. Raises as `api_keys.delete` does."""
    await api_keys.find(tx, key_id)
    await space_repo.hold_tree(tx)
    key = await api_keys.delete(tx, key_id)
    await repo.remove_all_of(tx, Subject.API_KEY, key.id)
    return key


async def change(
    tx: Tx, subject: Subject, binding_id: str, *, role_id: str | None, space_id: str | None
) -> RoleBinding:
    """The same gift of another role, or in another space. Raises as `give` does."""
    binding = await _held(tx, subject, binding_id)
    gift = Gift(
        subject, binding.subject_id, role_id or binding.role_id, space_id or binding.space_id
    )
    if (gift.role_id, gift.space_id) == (binding.role_id, binding.space_id):
        return binding
    await repo.remove(tx, binding.id)
    (made,) = await give(tx, [gift])
    return made


async def take(tx: Tx, subject: Subject, binding_id: str) -> RoleBinding:
    """The binding, which is gone. Raises NotFound, NotAllowed."""
    binding = await _held(tx, subject, binding_id)
    await repo.remove(tx, binding.id)
    return binding


async def find(tx: Tx, subject: Subject, binding_id: str) -> RoleBinding:
    """The binding, for admins of its space. Raises NotFound."""
    binding = await repo.binding(tx, binding_id, subject)
    if binding is None or not access.may(tx.actor, Action.SPACE_ADMIN, binding.space_id):
        raise NotFound("role binding not found")
    return binding


async def _held(tx: Tx, subject: Subject, binding_id: str) -> RoleBinding:
    # Held first, as by everybody who gives and takes: nobody waits in a circle.
    await space_repo.hold_tree(tx)
    binding = await repo.binding(tx, binding_id, subject, lock=True)
    if binding is None or not access.may(tx.actor, Action.SPACE_READ, binding.space_id):
        raise NotFound("role binding not found")  # a refusal would name a space of others
    access.require(tx, Action.SPACE_ADMIN, binding.space_id)
    return binding
