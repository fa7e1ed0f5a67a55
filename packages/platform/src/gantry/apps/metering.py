"""Which events count for what, and what is read when somebody asks for metrics."""

from __future__ import annotations

from collections.abc import Sequence

from gantry_protocol.words import Step

from gantry.domains.runs import gauges_repo
from gantry.domains.runs.events import (
    LeasesProlonged,
    LeasesRenewed,
    RunLost,
    RunMoved,
    StepDone,
)
from gantry.domains.stacks.service import SYSTEM_LOCK
from gantry.domains.tfstate import repo as tfstate
from gantry.domains.vcs.events import CommitSettled
from gantry.infra import queue_admin
from gantry.infra.db import Database
from gantry.infra.meter import Meter, Reading
from gantry.kernel.tx import SYSTEM, Event

_STEPS = frozenset(step.value for step in Step)


def note(meter: Meter, events: Sequence[Event]) -> None:
    """Count what a transaction has made true."""
    for event in events:
        match event:
            case RunMoved(kind=kind, before=before, after=after, lasted=lasted):
                seconds = None if lasted is None else lasted.total_seconds()
                meter.moved(kind.value, before.value if before else None, after.value, seconds)
            case RunLost(unknown=unknown):
                meter.lost(unknown=unknown)
            case StepDone(name=name, lasted=lasted, failed=failed):
                # A worker's own word could be any, and each would be kept for ever.
                step = name if name in _STEPS else "other"
                meter.stepped(step, lasted.total_seconds(), failed=failed)
            case LeasesRenewed(renewed=renewed, refused=refused):
                meter.leases(renewed=renewed, refused=refused)
            case LeasesProlonged(leases=prolonged):
                meter.leases(prolonged=prolonged)
            case CommitSettled(stored=stored):
                meter.source(stored=stored)


async def readings(db: Database) -> list[Reading]:
    """How the whole installation stands: the same answer from every process. Some six queries.

    Raises SQLAlchemyError, OSError.
    """
    async with db.look_back(SYSTEM) as tx:
        now = tx.now
        unfinished = await gauges_repo.unfinished(tx)
        waiting = await gauges_repo.waiting(tx)
        workers = await gauges_repo.workers(tx)
        locked = await gauges_repo.locked_stacks(tx, SYSTEM_LOCK)
        unsaved = await tfstate.count_unsaved(tx)
    jobs = await queue_admin.depth(db.engine)
    found = [
        Reading("gantry_runs_unfinished", "Runs that have not ended.", count, (("state", state),))
        for state, count in sorted(unfinished.items())
    ]
    for pool in waiting:
        label = (("pool", pool.pool_id),)
        age = max((now - pool.since).total_seconds(), 0.0)
        found += [
            Reading("gantry_queue_runs", "Runs that a worker could take.", pool.runs, label),
            Reading("gantry_queue_oldest_seconds", "Age of the oldest of them.", age, label),
        ]
    by_state: dict[tuple[str, str], int] = {}
    for worker in workers:
        full = worker.held >= worker.concurrency
        key = (worker.pool_id, "drained" if worker.drained else "busy" if full else "idle")
        by_state[key] = by_state.get(key, 0) + 1
    found += [
        Reading(
            "gantry_workers",
            "Workers that are connected.",
            count,
            (("pool", pool_id), ("state", state)),
        )
        for (pool_id, state), count in sorted(by_state.items())
    ]
    found += [
        Reading("gantry_stacks_locked", "Stacks that are locked.", count, (("by", who),))
        for who, count in locked.items()
    ]
    found.append(Reading("gantry_states_kept_apart", "States that no backend took.", unsaved))
    for row in jobs:
        labels = (("queue", row.queue), ("state", row.state))
        found.append(Reading("gantry_jobs", "Jobs that have not ended well.", row.jobs, labels))
        if row.oldest is not None:
            age = max((now - row.oldest).total_seconds(), 0.0)
            found.append(
                Reading("gantry_jobs_oldest_seconds", "Age of the oldest of them.", age, labels)
            )
    return found
