"""Writing entries, and letting old ones go."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from gantry.domains.audit import repo, rules
from gantry.domains.audit.kinds import Resource
from gantry.domains.audit.model import AuditEntry
from gantry.kernel.ids import new_id
from gantry.kernel.tx import SYSTEM, Actor, Tx
from gantry.ports.db import Db

AHEAD = timedelta(days=40)
"""Months are made this long before they begin: a scheduler that is away for a month misses none."""


def record(
    tx: Tx,
    action: str,
    resource: Resource,
    resource_id: str | None,
    *,
    given: Mapping[str, Any] | None = None,
    related: tuple[Resource, str] | None = None,
    by: Actor | None = None,
    address: str | None = None,
) -> None:
    """Write down what is done, in the transaction that does it. `by` stands for whoever the
    transaction acts for; of `given`, secrets are left out.
    """
    actor = by or tx.actor
    tx.session.add(
        AuditEntry(
            id=new_id(),
            at=tx.now,
            action=action,
            actor=actor.name or actor.kind,
            actor_kind=actor.kind,
            actor_id=actor.id,
            address=address or actor.address or "",
            resource=resource,
            resource_id=resource_id,
            related=related[0] if related else None,
            related_id=related[1] if related else None,
            body=rules.kept(given) if given else "",
            seq=None,
            digest=None,
        )
    )


async def turn_months(db: Db, *, keep: timedelta) -> list[str]:
    """Make the months to come, and drop those of which every entry is older than `keep`; returns
    those. A month goes only when all of it is in the chain.
    """
    async with db.write(SYSTEM) as tx:
        await repo.make_months(tx, tx.now + AHEAD)
        await repo.forget_strays(tx, tx.now - keep)
        old = [month for month in await repo.months(tx) if _end_of(month) <= tx.now - keep]
        gone = [month for month in old if not await repo.any_unsealed_before(tx, _end_of(month))]
    for month in gone:
        # Each by itself: dropping waits for whoever reads, and nobody should wait for several.
        async with db.write(SYSTEM) as tx:
            await repo.drop_month(tx, month)
    return gone


def _end_of(month: str) -> datetime:
    return rules.month_after(datetime.fromisoformat(f"{month.replace('_', '-')}-01T00:00:00+00:00"))
