"""Roles of stacks: what their runs may do in other spaces, by their tokens."""

from __future__ import annotations

from collections.abc import Sequence

from gantry.domains.people.actions import Action
from gantry.domains.roles import bindings
from gantry.domains.roles.bindings import Gift
from gantry.domains.roles.model import RoleBinding, Subject
from gantry.domains.spaces.model import ROOT
from gantry.domains.stacks import access, repo
from gantry.kernel.errors import NotAllowed
from gantry.kernel.tx import Tx


async def give(tx: Tx, gifts: Sequence[Gift]) -> list[RoleBinding]:
    """Bindings for stacks. Needs STACK_MANAGE where each stack is, besides being admin where the
    role is given; in the root space only to stacks that are there (contract notes, "Role
    bindings").

    Raises NotFound, NotAllowed, Conflict.
    """
    for gift in gifts:
        await _require_manager(tx, gift.subject_id, gift.space_id)
    return await bindings.give(tx, gifts)


async def change(
    tx: Tx, binding_id: str, *, role_id: str | None, space_id: str | None
) -> RoleBinding:
    """Another role, or another space. Raises as `give` does."""
    before = await bindings.find(tx, Subject.STACK, binding_id)
    await _require_manager(tx, before.subject_id, space_id or before.space_id)
    return await bindings.change(tx, Subject.STACK, binding_id, role_id=role_id, space_id=space_id)


async def _require_manager(tx: Tx, stack_id: str, space_id: str) -> None:
    stack = await repo.find(tx, stack_id)
    access.require(tx, Action.STACK_MANAGE, stack)
    if space_id == ROOT and stack.space_id != ROOT:
        raise NotAllowed(
            "unauthorized: only a stack that is in the root space can have a role there"
        )
