"""Every query about who holds a run, and since when nobody has looked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Interval, and_, delete, func, or_, select, type_coerce, update
from sqlalchemy.dialects.postgresql import insert

from gantry.domains.runs.model import Lease, Run, Sweep
from gantry.domains.tfstate.model import StateLock
from gantry.kernel.tx import Tx


async def put(tx: Tx, run: Run, worker_id: str, lasts: timedelta) -> None:
    """The worker holds the run from now on.

    Leases are measured by the database's clock alone: servers' and workers' clocks differ.
    """
    values = {
        "fence": run.fence,
        "worker_id": worker_id,
        "acquired_at": tx.now,
        "expires_at": func.clock_timestamp() + lasts,
    }
    await tx.session.execute(
        insert(Lease)
        .values(run_id=run.id, **values)
        .on_conflict_do_update(index_elements=[Lease.run_id], set_=values)
    )


async def find(tx: Tx, run_id: str, *, lock: bool = False) -> Lease | None:
    """Who holds the run; held itself until the transaction ends if `lock`."""
    return await tx.session.get(Lease, run_id, populate_existing=True, with_for_update=lock)


async def has_expired(tx: Tx, run_id: str) -> bool:
    """Whether the run's lease is over, by the database's clock."""
    query = select(Lease.expires_at < func.clock_timestamp()).where(Lease.run_id == run_id)
    return bool(await tx.session.scalar(query))


async def of_worker(tx: Tx, worker_id: str) -> dict[str, Lease]:
    """What the worker holds."""
    rows = await tx.session.scalars(select(Lease).where(Lease.worker_id == worker_id))
    return {row.run_id: row for row in rows}


async def of_runs(tx: Tx, run_ids: Sequence[str]) -> dict[str, Lease]:
    """Who holds each of the runs."""
    if not run_ids:
        return {}
    rows = await tx.session.scalars(select(Lease).where(Lease.run_id.in_(run_ids)))
    return {row.run_id: row for row in rows}


async def renew(
    tx: Tx, worker_id: str, held: Sequence[tuple[str, int]], lasts: timedelta
) -> set[str]:
    """Prolong the leases that are still the worker's under those fences; returns their runs."""
    if not held:
        return set()
    same = or_(*[and_(Lease.run_id == run_id, Lease.fence == fence) for run_id, fence in held])
    rows = await tx.session.scalars(
        update(Lease)
        .where(Lease.worker_id == worker_id, same)
        .values(expires_at=func.clock_timestamp() + lasts)
        .returning(Lease.run_id)
    )
    return set(rows)


async def stop_wanted(tx: Tx, run_ids: Sequence[str]) -> set[str]:
    """Which of the runs somebody wants to stop."""
    query = select(Run.id).where(Run.id.in_(run_ids), Run.stop_requested_at.is_not(None))
    return set(await tx.session.scalars(query))


async def drop(tx: Tx, run_id: str) -> tuple[str, timedelta] | None:
    """Nobody holds the run any more; returns who did, and for how long."""
    row = await tx.session.execute(
        delete(Lease)
        .where(Lease.run_id == run_id)
        .returning(Lease.worker_id, func.clock_timestamp() - Lease.acquired_at)
    )
    return row.tuples().one_or_none()


async def busy_workers(tx: Tx, pool_ids: Sequence[str]) -> dict[str, dict[str, int]]:
    """How many runs each worker holds, by pool and worker."""
    rows = await tx.session.execute(
        select(Run.pool_id, Lease.worker_id, func.count())
        .join(Run, Run.id == Lease.run_id)
        .where(Run.pool_id.in_(pool_ids))
        .group_by(Run.pool_id, Lease.worker_id)
    )
    found: dict[str, dict[str, int]] = {pool_id: {} for pool_id in pool_ids}
    for pool_id, worker_id, count in rows:
        found[pool_id][worker_id] = count
    return found


async def prolong_expired(tx: Tx, lasts: timedelta) -> int:
    """Give every lease that is over another chance: nobody could have renewed it."""
    rows = await tx.session.scalars(
        update(Lease)
        .where(Lease.expires_at < func.clock_timestamp())
        .values(expires_at=func.clock_timestamp() + lasts)
        .returning(Lease.run_id)
    )
    return len(rows.all())


async def last_sweep(tx: Tx) -> timedelta | None:
    """How long ago leases were last looked at, noting that they are now; None the first time.

    Held until the transaction ends: one sweep at a time.
    """
    before = select(Sweep.id, Sweep.at).where(Sweep.id == 1).with_for_update().cte("before")
    noted = (
        update(Sweep)
        .where(Sweep.id == before.c.id)
        .values(at=func.clock_timestamp())
        .returning(type_coerce(Sweep.at - before.c.at, Interval))
        .execution_options(synchronize_session=False)
    )
    gone: timedelta | None = (await tx.session.execute(noted)).scalar_one_or_none()
    if gone is None:
        first = insert(Sweep).values(id=1, at=func.clock_timestamp())
        await tx.session.execute(first.on_conflict_do_nothing())
    return gone


async def swept_by(tx: Tx, every: timedelta) -> datetime:
    """When the next sweep is due, `every` after the last one; from now on before the first."""
    last = await tx.session.scalar(select(Sweep.at).where(Sweep.id == 1))
    return (last or tx.now) + every


async def orphaned_state_locks(tx: Tx) -> int:
    """Free states that a run holds which has ended; returns how many there were."""
    ended = select(Run.id).where(Run.finished_at.is_not(None))
    rows = await tx.session.scalars(
        delete(StateLock).where(StateLock.run_id.in_(ended)).returning(StateLock.stack_id)
    )
    return len(rows.all())
