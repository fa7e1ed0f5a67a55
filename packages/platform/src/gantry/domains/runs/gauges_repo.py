"""How much there is to do, for those who watch an installation: counts, without anybody's names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from gantry.domains.pools.model import Worker
from gantry.domains.runs.model import Lease, Run, Sweep
from gantry.domains.runs.states import CLAIMABLE
from gantry.domains.stacks.model import Stack
from gantry.kernel.tx import Tx


@dataclass(frozen=True, slots=True)
class Waiting:
    """Runs that a pool's workers could take."""

    pool_id: str
    runs: int
    since: datetime
    """When the oldest of them began to wait."""


@dataclass(frozen=True, slots=True)
class Present:
    """A worker that is there."""

    pool_id: str
    concurrency: int
    drained: bool
    held: int
    """Runs that it holds."""


async def unfinished(tx: Tx) -> dict[str, int]:
    """Runs that have not ended, by state."""
    rows = await tx.session.execute(
        select(Run.state, func.count()).where(Run.finished_at.is_(None)).group_by(Run.state)
    )
    return {state.value: count for state, count in rows}


async def waiting(tx: Tx) -> list[Waiting]:
    """What waits for workers, by pool."""
    rows = await tx.session.execute(
        select(Run.pool_id, func.count(), func.min(func.coalesce(Run.state_since, Run.updated_at)))
        .where(Run.finished_at.is_(None), Run.state.in_(CLAIMABLE))
        .group_by(Run.pool_id)
    )
    return [Waiting(*row) for row in rows]


async def workers(tx: Tx) -> list[Present]:
    """Workers that are there, and how much each holds."""
    held = select(Lease.worker_id, func.count().label("held")).group_by(Lease.worker_id).subquery()
    rows = await tx.session.execute(
        select(
            Worker.pool_id,
            Worker.concurrency,
            Worker.drained | Worker.shutdown_at.is_not(None),
            func.coalesce(held.c.held, 0),
        )
        .outerjoin(held, held.c.worker_id == Worker.id)
        .where(Worker.gone_at.is_(None))
    )
    return [Present(*row) for row in rows]


async def locked_stacks(tx: Tx, system: str) -> dict[str, int]:
    """Locked stacks: by `system`, until somebody has looked, and by people."""
    by_system = Stack.locked_by == system
    rows = await tx.session.execute(
        select(by_system, func.count())
        .where(Stack.locked_at.is_not(None), Stack.deleted_at.is_(None))
        .group_by(by_system)
    )
    found = {bool(mine): count for mine, count in rows}
    return {"system": found.get(True, 0), "people": found.get(False, 0)}


async def last_swept(tx: Tx) -> timedelta | None:
    """How long ago leases were last looked at, by the database's clock; None: never."""
    return await tx.session.scalar(select(func.clock_timestamp() - Sweep.at).where(Sweep.id == 1))
