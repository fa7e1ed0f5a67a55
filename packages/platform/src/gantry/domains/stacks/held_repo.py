"""The query that counts what spaces hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, literal, select, union_all

from gantry.domains.contexts.model import Context
from gantry.domains.pools.model import WorkerPool
from gantry.domains.spaces.model import Space
from gantry.domains.stacks.model import Stack
from gantry.domains.webhooks.model import Webhook
from gantry.kernel.tx import Tx


@dataclass(frozen=True, slots=True)
class Holding:
    """How much of each kind is in a space, whoever may see it."""

    spaces: int = 0
    stacks: int = 0
    contexts: int = 0
    pools: int = 0
    webhooks: int = 0


async def holdings(tx: Tx, space_ids: Sequence[str]) -> dict[str, Holding]:
    """What each of the spaces holds. Not authorised; the caller is."""
    kinds = (
        ("spaces", select(Space.parent_id.label("at"))),
        ("stacks", select(Stack.space_id.label("at")).where(Stack.deleted_at.is_(None))),
        ("contexts", select(Context.space_id.label("at"))),
        ("pools", select(WorkerPool.space_id.label("at")).where(WorkerPool.deleted_at.is_(None))),
        ("webhooks", select(Webhook.space_id.label("at"))),
    )
    parts = []
    for kind, query in kinds:
        rows = query.subquery()
        parts.append(
            select(literal(kind), rows.c.at, func.count())
            .where(rows.c.at.in_(space_ids))
            .group_by(rows.c.at)
        )
    found: dict[str, dict[str, int]] = {space_id: {} for space_id in space_ids}
    for kind, space_id, count in await tx.session.execute(union_all(*parts)):
        found[space_id][kind] = count
    return {space_id: Holding(**counts) for space_id, counts in found.items()}
