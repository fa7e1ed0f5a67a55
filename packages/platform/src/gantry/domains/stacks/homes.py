"""What hangs in a space: the tree may only change so that everything stays within reach.

A stack uses what is in its own space, and in the spaces above that it inherits from.
"""

from __future__ import annotations

from gantry.domains.pools import repo as pools
from gantry.domains.roles import repo as roles
from gantry.domains.spaces import repo as space_repo
from gantry.domains.spaces import service as spaces
from gantry.domains.spaces.model import ROOT, Space
from gantry.domains.stacks import held_repo, repo
from gantry.kernel.errors import Conflict
from gantry.kernel.tx import Tx

NAMED = 5
"""Stacks that a refusal names; whoever reads it looks at each of them."""


class OutOfReach(Conflict):
    """Stacks would use something that their space cannot use any more."""

    code = "OUT_OF_REACH"

    def __init__(self, broken: list[tuple[str, str]]) -> None:
        named = ", ".join(f"{stack} uses {pool}" for stack, pool in broken[:NAMED])
        more = f", and {len(broken) - NAMED} more" if len(broken) > NAMED else ""
        super().__init__(
            f"Stacks would lose what they use: {named}{more}. Give them something else instead, or"
            " let their space inherit from the one that holds it."
        )


class SpaceNotEmpty(Conflict):
    """Only an empty space can be deleted."""

    code = "SPACE_NOT_EMPTY"


async def update_space(tx: Tx, space_id: str, wanted: spaces.Wanted) -> Space:
    """Change or move a space. Raises OutOfReach, and as `spaces.update` does."""
    space = await spaces.update(tx, space_id, wanted)
    if broken := await repo.out_of_reach(tx, beneath=space_id):
        raise OutOfReach(broken)
    return space


async def require_pool_in_reach(tx: Tx, pool_id: str) -> None:
    """Every stack that uses the pool still may. Raises OutOfReach."""
    if broken := await repo.out_of_reach(tx, pool_id=pool_id):
        raise OutOfReach(broken)


async def require_context_in_reach(tx: Tx, context_id: str) -> None:
    """Every stack that has the context attached still may. Raises OutOfReach."""
    if broken := await repo.out_of_reach(tx, context_id=context_id):
        raise OutOfReach(broken)


async def require_all_in_reach(tx: Tx, stack_id: str) -> None:
    """The stack may use everything that it does. Raises OutOfReach."""
    await tx.session.flush()
    if broken := await repo.out_of_reach(tx, stack_id=stack_id):
        raise OutOfReach(broken)


async def delete_space(tx: Tx, space_id: str) -> Space:
    """Delete an empty space, and what was given in it with it. Raises SpaceNotEmpty, BadSpace,
    NotAllowed, NotFound.
    """
    space = await spaces.require_removable(tx, space_id)
    held = (await held_repo.holdings(tx, [space.id]))[space.id]
    counted = {
        "space": held.spaces,
        "stack": held.stacks,
        "context": held.contexts,
        "worker pool": held.pools,
        "webhook": held.webhooks,
    }
    found = [f"{n} {what}{'s' if n > 1 else ''}" for what, n in counted.items() if n]
    if found:
        raise SpaceNotEmpty(
            f"The space {space.name} still holds {' and '.join(found)}; only an empty space can be"
            " deleted."
        )
    # Of deleted stacks and pools, rows stay as history; they belong to the space above from now on.
    await repo.move_deleted(tx, space.id, space.parent_id or ROOT)
    await pools.move_deleted(tx, space.id, space.parent_id or ROOT)
    await roles.remove_all_in(tx, space.id)
    await space_repo.remove(tx, space.id)
    return space
