"""Attaching contexts to stacks, and taking them away."""

from __future__ import annotations

from collections.abc import Sequence

from gantry.domains.contexts import context_repo
from gantry.domains.contexts.model import Attachment
from gantry.domains.people.actions import Action
from gantry.domains.stacks import access, attached_repo, homes, repo
from gantry.domains.stacks.attached_repo import Attached
from gantry.domains.stacks.events import StackChanged
from gantry.kernel.errors import Conflict, NotFound
from gantry.kernel.ids import new_id
from gantry.kernel.tx import Tx


async def attach(tx: Tx, context_id: str, stack_id: str, priority: int) -> Attached:
    """Give the stack a context that its space may use. Needs STACK_MANAGE; the context must be one
    that the actor sees. Raises Conflict for one that is attached already, OutOfReach, NotFound.
    """
    stack = await repo.lock(tx, stack_id)
    access.require(tx, Action.STACK_MANAGE, stack)
    context = (await context_repo.by_ids(tx, [context_id])).get(context_id)
    if context is None:
        raise NotFound("context not found")
    if await attached_repo.find(tx, stack.id, context.id) is not None:
        raise Conflict(f"The context {context.name} is attached to {stack.name} already.")
    made = Attachment(
        id=new_id(),
        context_id=context.id,
        stack_id=stack.id,
        priority=priority,
        created_at=tx.now,
    )
    tx.session.add(made)
    await homes.require_all_in_reach(tx, stack.id)
    tx.emit(StackChanged(stack.id))
    return Attached(stack.id, stack.name, context, made.id, priority)


async def detach(tx: Tx, attachment_id: str) -> Attached:
    """Take a context from a stack. Needs STACK_MANAGE. Raises NotFound."""
    made = await context_repo.attachment(tx, attachment_id)
    if made is None:
        raise NotFound("context attachment not found")
    stack = await repo.lock(tx, made.stack_id)
    access.require(tx, Action.STACK_MANAGE, stack)
    context = (await context_repo.by_ids(tx, [made.context_id])).get(made.context_id)
    if context is None:
        raise NotFound("context not found")
    await tx.session.delete(made)
    tx.emit(StackChanged(stack.id))
    return Attached(stack.id, stack.name, context, made.id, made.priority)


async def attach_exactly(tx: Tx, context_id: str, wanted: Sequence[tuple[str, int]]) -> None:
    """The context is attached to these stacks, with these priorities, and to no others that the
    actor may see. Raises as `attach` does.
    """
    there = (await attached_repo.of_contexts(tx, [context_id]))[context_id]
    given = {one.stack_id: one for one in there if not one.by_label}
    seen = await repo.by_ids(tx, list(given))
    for stack_id, one in given.items():
        if stack_id in seen and (stack_id, one.priority) not in wanted and one.id is not None:
            await detach(tx, one.id)
    await tx.session.flush()
    for stack_id, priority in wanted:
        if stack_id not in given or given[stack_id].priority != priority:
            await attach(tx, context_id, stack_id, priority)
