"""Giving runs to workers, and noticing when one is lost."""

from __future__ import annotations

from collections.abc import Collection, Coroutine, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog

from gantry.domains.pools import repo as pools
from gantry.domains.pools import service as pool_service
from gantry.domains.pools.model import Worker, WorkerPool
from gantry.domains.runs import decisions, leases_repo, queue_repo, repo, sweep_repo
from gantry.domains.runs.events import LeasesProlonged, LeasesRenewed
from gantry.domains.runs.model import Lease, Run
from gantry.domains.runs.service import advance
from gantry.domains.runs.states import CLAIMABLE, PREPARING, WORKING, Signal
from gantry.domains.runs.takeable import end_untakeable, is_takeable, promote_stack
from gantry.domains.stacks.model import Stack
from gantry.domains.vcs import repo as vcs_repo
from gantry.domains.vcs.model import Commit
from gantry.kernel.tx import SYSTEM, Actor, Tx
from gantry.ports.db import Db

log = structlog.get_logger()

CANDIDATES = 20
"""Runs a claim looks at before it says that nothing waits; the next bell looks again."""

RECONCILE_BATCH = 100

AWAY = timedelta(seconds=15)
"""Sweeps come every ten seconds; a longer gap means that the control plane was not there. An
outage that is shorter ends no lease: each has two thirds of its 30 seconds left at least, and
workers who were not heard try again within two."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A run that the worker has won."""

    stack: Stack
    run: Run
    fence: int
    commit: Commit | None
    """What the run is of."""


async def claim(
    db: Db,
    actor: Actor,
    pool: WorkerPool,
    worker_id: str,
    *,
    known: Collection[tuple[str, int]] = (),
    lasts: timedelta,
) -> Claim | None:
    """The next run of the pool for this worker; None when it may have none or none waits.

    The winner holds the worker's row, the stack and the run in one transaction, writes a lease
    with a new fencing number and moves the run. Asking again while holding as many runs as the
    worker takes gives nothing. A lease that is not among those `known` to the worker was won and
    its answer lost: it is offered again.
    """
    async with db.read(SYSTEM) as tx:
        candidates = await queue_repo.claimable(tx, pool.id, CANDIDATES)
        mine = await leases_repo.of_worker(tx, worker_id)
    for lease in mine.values():
        if (lease.run_id, lease.fence) not in known:
            async with db.write(SYSTEM) as tx:
                again = await _offer_again(tx, lease, pool, worker_id, lasts=lasts)
            if again is not None:
                return again
    for run_id, stack_id in candidates:
        async with db.write(actor) as tx:
            system = tx.acting_as(SYSTEM)
            worker = await pools.worker(system, worker_id, lock=True)
            if worker is None or not await _may_take(system, worker, pool):
                return None
            stack, run = await repo.lock(system, run_id, stack_id=stack_id)
            if run.state not in CLAIMABLE or run.pool_id != pool.id:
                continue
            commit = await vcs_repo.find(system, run.commit_id)
            if not await is_takeable(system, stack, run, commit):
                continue
            # Everything about the rows before the first statement that needs them written.
            run.fence += 1
            run.state_refusal = worker.available_at = None
            await advance(system, stack, run, Signal.LEASE, worker_id=worker_id)
            await leases_repo.put(system, run, worker_id, lasts)
            # The last thing: every claim of the space wants this row.
            await queue_repo.charge(system, pool.id, stack.space_id)
            return Claim(stack, run, run.fence, commit)
    return None


async def note_idle(
    db: Db, worker_id: str, *, known: Collection[tuple[str, int]] = ()
) -> Worker | None:
    """The worker asked, and nothing waits for it; None for a worker that is not registered.

    A thousand idle workers ask 67 times a second, so that mostly this only reads. A worker is
    available from its first such question on, unless it holds a run without knowing.
    """
    async with db.read(SYSTEM) as tx:
        worker = await pools.worker(tx, worker_id)
        if worker is None or not (worker.available_at is None or pool_service.unheard(tx, worker)):
            return worker
    async with db.write(SYSTEM) as tx:
        # Held: a claim of the same worker, on its way at the same time, says that it is not.
        worker = await pools.worker(tx, worker_id, lock=True)
        if worker is None:
            return None
        if worker.available_at is None:
            mine = await leases_repo.of_worker(tx, worker_id)
            if all((lease.run_id, lease.fence) in known for lease in mine.values()):
                worker.available_at = tx.now
        await pool_service.heard(tx, worker)
        return worker


async def _offer_again(
    tx: Tx, lease: Lease, pool: WorkerPool, worker_id: str, *, lasts: timedelta
) -> Claim | None:
    stack, run, ours = await locked(tx, lease.run_id, pool.id, worker_id, lease.fence)
    if not ours or run.state not in PREPARING:
        return None
    await leases_repo.put(tx, run, worker_id, lasts)
    return Claim(stack, run, run.fence, await vcs_repo.find(tx, run.commit_id))


async def _may_take(tx: Tx, worker: Worker, pool: WorkerPool) -> bool:
    if worker.pool_id != pool.id or worker.generation != pool.generation:
        return False
    if worker.drained or worker.shutdown_at is not None:
        return False
    return len(await leases_repo.of_worker(tx, worker.id)) < worker.concurrency


@dataclass(frozen=True, slots=True)
class Pulse:
    """What a heartbeat told: which leases live on, and which runs should stop."""

    alive: set[str]
    stopping: set[str]


async def beat(
    tx: Tx, worker_id: str, held: Sequence[tuple[str, int]], *, lasts: timedelta
) -> Pulse:
    """Renew the leases that are still this worker's."""
    # Leases first: they matter, and the worker's row may be held by a claim that waits.
    alive = await leases_repo.renew(tx, worker_id, held, lasts)
    await pools.touch(tx, worker_id)
    if held:
        tx.emit(LeasesRenewed(len(alive), len({run_id for run_id, _ in held} - alive)))
    return Pulse(alive, await leases_repo.stop_wanted(tx, sorted(alive)) if alive else set())


async def locked(
    tx: Tx, run_id: str, pool_id: str, worker_id: str, fence: int
) -> tuple[Stack, Run, bool]:
    """The run's stack and the run, both held, and whether the worker holds its newest lease.

    Raises NotFound.
    """
    stack, run = await repo.lock(tx.acting_as(SYSTEM), run_id)
    lease = await leases_repo.find(tx, run_id)
    ours = lease is not None and lease.fence == fence and lease.worker_id == worker_id
    return stack, run, ours and run.pool_id == pool_id


async def holds(tx: Tx, run_id: str, pool_id: str, worker_id: str, fence: int) -> Lease | None:
    """The worker's lease on the run, if it is the newest, still its own, and its pool's run."""
    lease = await leases_repo.find(tx, run_id)
    if lease is None or lease.fence != fence or lease.worker_id != worker_id:
        return None
    run = await tx.session.get(Run, run_id)
    return lease if run is not None and run.pool_id == pool_id else None


async def reconcile(db: Db, *, lasts: timedelta) -> None:
    """End runs whose worker was lost, or that no worker can take any more, and start queued runs
    that were forgotten.

    Looks at the world and moves it on; safe to run at any time and in parallel. When nobody has
    looked for a while, the control plane itself was away and no worker could renew: then every
    lease gets its full time once more, so that an outage does not end every apply.
    """
    async with db.write(SYSTEM) as tx:
        since = await leases_repo.last_sweep(tx)
        if since is None or since > AWAY:
            prolonged = await leases_repo.prolong_expired(tx, lasts)
            if prolonged:
                log.warning("leases prolonged after an outage", leases=prolonged)
                tx.emit(LeasesProlonged(prolonged))
    async with db.read(SYSTEM) as tx:
        found = await sweep_repo.look(tx, RECONCILE_BATCH)
    if found.orphaned:
        async with db.write(SYSTEM) as tx:
            await leases_repo.orphaned_state_locks(tx)
    for run_id in found.unheld:
        await _alone(_end_lost_run(db, run_id), run_id=run_id)
    for run_id in found.untakeable:
        await _alone(end_untakeable(db, run_id), run_id=run_id)
    for stack_id in found.startable:
        await _alone(promote_stack(db, stack_id), stack_id=stack_id)


async def _alone(work: Coroutine[Any, Any, None], **about: str) -> None:
    """One item's trouble is logged and must not keep the others waiting; it comes again."""
    try:
        await work
    except Exception:
        log.exception("could not be reconciled", **about)


async def _end_lost_run(db: Db, run_id: str) -> None:
    async with db.write(SYSTEM) as tx:
        await _end_if_lost(tx, run_id)


async def _end_if_lost(tx: Tx, run_id: str) -> None:
    stack, run = await repo.lock(tx, run_id)
    lease = await leases_repo.find(tx, run_id, lock=True)
    if run.state not in WORKING:
        return
    if lease is None:
        # No accident leads here, only a hand in the database; nobody would ever end it otherwise.
        log.error("run without a worker", run_id=run.id, state=run.state.value)
        await decisions.end_without_worker(
            tx, stack, run, f"No worker holds the run, which was {_doing(run)}"
        )
        return
    if not await leases_repo.has_expired(tx, run_id):
        return
    worker = await pools.worker(tx, lease.worker_id)
    heard = f"{worker.last_seen_at:%H:%M:%S} UTC" if worker else "it was registered"
    reason = (
        f"The worker {lease.worker_id} was lost while {_doing(run)}: nothing heard since {heard}"
    )
    log.warning("worker lost", run_id=run.id, worker_id=lease.worker_id, state=run.state.value)
    await decisions.end_without_worker(tx, stack, run, reason)


def _doing(run: Run) -> str:
    return run.state.value.lower().replace("_", " ")
