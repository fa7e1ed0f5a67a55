"""Every query about which contexts stacks have, by attachment and by label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, Text, column, func, or_, select, true

from gantry.domains.contexts.layers import AUTOATTACH, EVERY
from gantry.domains.contexts.model import Attachment, Context
from gantry.domains.spaces.model import Space
from gantry.domains.stacks.model import Stack
from gantry.domains.stacks.repo import in_reach
from gantry.kernel.tx import Tx


@dataclass(frozen=True, slots=True)
class Attached:
    """A context that a stack has. `id` is the attachment's; by label there is none."""

    stack_id: str
    stack_name: str
    context: Context
    id: str | None
    priority: int

    @property
    def by_label(self) -> bool:
        """Whether a label attached it, and not a person."""
        return self.id is None


async def of_stacks(tx: Tx, stack_ids: Sequence[str]) -> dict[str, list[Attached]]:
    """What the stacks have, the one that wins first: attached by priority, then by label by name.

    Whoever may see the stack may see it: reading flows up to where its space inherits from.
    """
    explicit = (
        select(Stack.id, Stack.name, Context, Attachment.id, Attachment.priority)
        .join(Attachment, Attachment.stack_id == Stack.id)
        .join(Context, Context.id == Attachment.context_id)
        .where(Stack.id.in_(stack_ids))
        .order_by(Attachment.priority, Context.name)
    )
    found: dict[str, list[Attached]] = {stack_id: [] for stack_id in stack_ids}
    for stack_id, name, context, attachment_id, priority in await tx.session.execute(explicit):
        found[stack_id].append(Attached(stack_id, name, context, attachment_id, priority))
    for stack_id, name, context in await tx.session.execute(_by_label(stack_ids=stack_ids)):
        if all(one.context.id != context.id for one in found[stack_id]):
            found[stack_id].append(Attached(stack_id, name, context, None, 0))
    return found


async def of_contexts(tx: Tx, context_ids: Sequence[str]) -> dict[str, list[Attached]]:
    """Which stacks have the contexts, by name. The caller shows those that may be seen."""
    explicit = (
        select(Stack.id, Stack.name, Context, Attachment.id, Attachment.priority)
        .join(Attachment, Attachment.stack_id == Stack.id)
        .join(Context, Context.id == Attachment.context_id)
        .where(Context.id.in_(context_ids), Stack.deleted_at.is_(None))
    )
    found: dict[str, dict[str, Attached]] = {context_id: {} for context_id in context_ids}
    for stack_id, name, context, attachment_id, priority in await tx.session.execute(explicit):
        found[context.id][stack_id] = Attached(stack_id, name, context, attachment_id, priority)
    for stack_id, name, context in await tx.session.execute(_by_label(context_ids=context_ids)):
        found[context.id].setdefault(stack_id, Attached(stack_id, name, context, None, 0))
    return {
        context_id: sorted(those.values(), key=lambda one: (one.stack_name, one.stack_id))
        for context_id, those in found.items()
    }


def _by_label(
    *, stack_ids: Sequence[str] | None = None, context_ids: Sequence[str] | None = None
) -> Select[str, str, Context]:
    label = func.jsonb_array_elements_text(Context.labels).table_valued(
        column("value", Text), name="label"
    )
    wanted = func.substr(label.c.value, len(AUTOATTACH) + 1)
    fits = (
        select(true())
        .select_from(label)
        .where(
            label.c.value.startswith(AUTOATTACH),
            or_(wanted == EVERY, Stack.labels.has_key(wanted)),
        )
        .exists()
    )
    query = (
        select(Stack.id, Stack.name, Context)
        .join(Space, Space.id == Stack.space_id)
        .join(Context, in_reach(Context.space_id))
        .where(Stack.deleted_at.is_(None), fits)
        .order_by(Context.name)
    )
    if stack_ids is not None:
        query = query.where(Stack.id.in_(stack_ids))
    if context_ids is not None:
        query = query.where(Context.id.in_(context_ids))
    return query


async def find(tx: Tx, stack_id: str, context_id: str) -> Attachment | None:
    """How the context was attached to the stack."""
    query = select(Attachment).where(
        Attachment.stack_id == stack_id, Attachment.context_id == context_id
    )
    return await tx.session.scalar(query)
