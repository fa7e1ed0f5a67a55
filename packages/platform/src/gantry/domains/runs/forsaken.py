"""Pools whose last worker was lost while runs wait for one: somebody has to start another."""

from __future__ import annotations

from gantry.domains.notifications import service as notifications
from gantry.domains.notifications.kinds import Group, Severity
from gantry.domains.pools import repo as pool_repo
from gantry.domains.pools import service as pools
from gantry.domains.runs import repo
from gantry.kernel.tx import Tx


async def reconcile(tx: Tx) -> None:
    """Workers that fell silent are gone, and the administrators of a pool whose runs wait for one
    are told if it has none any more.
    """
    empty = await pools.reconcile(tx)
    waiting = await repo.count_claimable(tx, empty) if empty else {}
    for pool_id, runs in waiting.items():
        pool = await pool_repo.any_by_id(tx, pool_id)
        if pool is None or not runs:
            continue
        await notifications.tell(
            tx,
            Group.POOL_WITHOUT_WORKERS,
            pool.id,
            severity=Severity.ERROR,
            title=f"Worker pool {pool.name} has lost its last worker",
            body=f"Runs that wait for one: {runs}. They go on when a worker of the pool is there.",
            space_id=pool.space_id,
        )
