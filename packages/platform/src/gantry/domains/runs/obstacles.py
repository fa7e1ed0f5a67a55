"""Why no run can be started now, in the words in which starting one would be refused."""

from __future__ import annotations

from collections.abc import Sequence

from gantry.domains.people.actions import Action
from gantry.domains.pools import repo as pools
from gantry.domains.runs import access
from gantry.domains.runs.service import NoPool
from gantry.domains.runs.states import Kind
from gantry.domains.runs.triggers import NoCommit, require_runnable
from gantry.domains.stacks import access as stack_access
from gantry.domains.stacks import repo as stacks
from gantry.domains.stacks import service as stack_service
from gantry.domains.stacks.model import Stack
from gantry.kernel.errors import UserError
from gantry.kernel.tx import Tx


async def obstacles(tx: Tx, wanted: Sequence[tuple[str, Kind]]) -> dict[tuple[str, Kind], str]:
    """For each stack and kind of run, why the actor cannot start it; nothing where they can.

    What only a look into the repository could tell is not among it.
    """
    found = await stacks.by_ids(tx, [stack_id for stack_id, _ in wanted])
    pooled = all(stack.pool_id for stack in found.values()) or await pools.public(tx) is not None
    refused = {}
    for stack_id, kind in wanted:
        stack = found.get(stack_id)
        if stack is None:
            continue
        try:
            _require(tx, stack, kind, pooled=pooled)
        except UserError as error:
            refused[stack_id, kind] = error.message
    return refused


def _require(tx: Tx, stack: Stack, kind: Kind, *, pooled: bool) -> None:
    """The questions of `triggers.trigger` and `triggers.task`, in their order."""
    require_runnable(stack)
    access.require(tx, Action.TASK_CREATE if kind is Kind.TASK else Action.RUN_TRIGGER, stack)
    if kind is not Kind.PROPOSED:
        stack_access.require_unlocked(tx, stack)
    if kind is not Kind.TASK:
        stack_service.remote_url(stack)
    elif stack.tracked_commit_id is None:
        raise NoCommit(stack)
    if stack.pool_id is None and not pooled:
        raise NoPool
