"""Where a run stands: who has to do something next, since when, until when, and what it is.

Every state that is not an end has an owner, and says what ends it. What belongs to the platform
is looked at by every sweep (`leasing.reconcile`, `vcs.reconcile`), so that it has a deadline; what
belongs to a worker ends with its lease. Nothing bounds how long a person takes, or how long it
takes until a worker is there and free: those say so.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gantry.domains.pools import repo as pools
from gantry.domains.pools.model import Worker
from gantry.domains.runs import leases_repo, queue_repo, repo
from gantry.domains.runs.model import Lease, Run
from gantry.domains.runs.service import locked_out
from gantry.domains.runs.states import CLAIMABLE, LOCKING, TERMINAL, WORKING, State
from gantry.domains.stacks.model import Stack
from gantry.domains.stacks.service import SYSTEM_LOCK
from gantry.domains.vcs import repo as vcs
from gantry.domains.vcs import service as vcs_service
from gantry.domains.vcs.model import Commit, FetchState
from gantry.kernel.tx import SYSTEM, Tx

SWEEPS_COME = timedelta(seconds=10)
"""Apart: as the timetable has it of `runs.reconcile`."""


LATE = timedelta(seconds=30)
"""After a sweep was due: two more have not come either."""


class Owner(enum.StrEnum):
    """Who has to do something next."""

    PLATFORM = "PLATFORM"
    WORKER = "WORKER"
    PERSON = "PERSON"


class Reason(enum.StrEnum):
    """What has to happen next."""

    SOURCE = "SOURCE"
    TURN = "TURN"
    STACK_HELD = "STACK_HELD"
    STACK_LOCKED = "STACK_LOCKED"
    STACK_DELETION = "STACK_DELETION"
    NO_WORKER = "NO_WORKER"
    CONFIRMATION = "CONFIRMATION"
    REVIEW = "REVIEW"
    WORK = "WORK"
    STOP = "STOP"


class Until(enum.StrEnum):
    """What ends a condition."""

    DEADLINE = "DEADLINE"
    """It is over when the deadline has come, one way or the other, if not before."""
    RUN_ENDED = "RUN_ENDED"
    """The end of the run in its way, which has a condition of its own."""
    WORKER_FREE = "WORKER_FREE"
    """A worker of the pool that is there and has nothing else to do."""
    PERSON_DECIDED = "PERSON_DECIDED"
    """A person's decision."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Where a run that has not ended stands."""

    reason: Reason
    words: str
    """Follows "it": what it waits for, or who works on it."""
    owner: Owner
    since: datetime
    """When it came into its state."""
    until: Until
    deadline: datetime | None = None
    """When a silent worker loses the run, or the platform has looked at it again or given it up;
    there is none where nothing bounds the wait. One that is past: the sweep that is due is late."""
    worker_id: str | None = None
    held_since: datetime | None = None
    """When the worker took it."""
    blocked_by: str | None = None
    """The run that has to end first."""
    ahead: int | None = None
    """How many runs its worker pool will give out first."""

    @property
    def waits(self) -> bool:
        """Whether nobody is working on it, or whoever is should not."""
        return self.reason is not Reason.WORK


async def explanations(tx: Tx, run_ids: Sequence[str]) -> dict[str, str]:
    """What each run waits for; nothing of those that are being worked on or have ended."""
    found = await conditions(tx, run_ids)
    return {run_id: one.words for run_id, one in found.items() if one.waits}


async def conditions(tx: Tx, run_ids: Sequence[str]) -> dict[str, Condition]:
    """Where each of the runs stands that has not ended."""
    system = tx.acting_as(SYSTEM)
    found = list((await repo.by_ids(system, run_ids)).values())
    unfinished = [run for run in found if run.state not in TERMINAL]
    if not unfinished:
        return {}
    commits = await vcs.by_ids(system, sorted({run.commit_id for run in found if run.commit_id}))
    swept = await leases_repo.swept_by(system, SWEEPS_COME)
    return {
        **await _queued(
            system, [run for run in found if run.state is State.QUEUED], commits, swept
        ),
        **await _ready(system, [run for run in found if run.state in CLAIMABLE], commits, swept),
        **await _worked_on(system, [run for run in found if run.state in WORKING], swept),
        **{run.id: _undecided(run) for run in found if run.state in _DECISIONS},
    }


_DECISIONS = {
    State.UNCONFIRMED: (Reason.CONFIRMATION, "waits for somebody to confirm or discard its plan"),
    State.PENDING_REVIEW: (Reason.REVIEW, "waits for somebody to approve or reject it"),
}


def _undecided(run: Run) -> Condition:
    reason, words = _DECISIONS[run.state]
    return Condition(reason, words, Owner.PERSON, _since(run), Until.PERSON_DECIDED)


def _since(run: Run) -> datetime:
    return run.state_since or run.updated_at


def _clock(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


async def _worked_on(tx: Tx, found: Sequence[Run], swept: datetime) -> dict[str, Condition]:
    leases = await leases_repo.of_runs(tx, [run.id for run in found])
    return {run.id: _at_work(run, leases.get(run.id), swept) for run in found}


def _at_work(run: Run, lease: Lease | None, swept: datetime) -> Condition:
    worker = lease.worker_id if lease else None
    if run.stop_requested_at is not None:
        reason = Reason.STOP
        words = f"waits for the worker to stop, as asked at {_clock(run.stop_requested_at)}"
    else:
        reason = Reason.WORK
        words = f"is being worked on by {f'worker {worker}' if worker else 'a worker'}"
    return Condition(
        reason,
        words,
        Owner.WORKER if lease else Owner.PLATFORM,
        _since(run),
        Until.DEADLINE,
        lease.expires_at if lease else swept,
        worker,
        lease.acquired_at if lease else None,
    )


@dataclass(frozen=True, slots=True)
class _Line:
    """What stands around queued runs."""

    stacks: Mapping[str, Stack]
    commits: Mapping[str, Commit]
    held: Mapping[str, Run]
    """Which run holds each stack."""
    since: Mapping[str, datetime]
    """Since when each of those does."""
    deletions: Mapping[str, str]
    """The run that each stack ends with which is being deleted."""
    swept: datetime
    """When the next sweep is due."""
    now: datetime


async def _queued(
    tx: Tx, found: Sequence[Run], commits: Mapping[str, Commit], swept: datetime
) -> dict[str, Condition]:
    if not found:
        return {}
    stack_ids = sorted({run.stack_id for run in found})
    stacks = await repo.stacks_of(tx, stack_ids)
    held = await repo.holders(tx, stack_ids)
    since = await repo.holding_since(tx, [run.id for run in held.values()])
    leaving = [stack.id for stack in stacks.values() if stack.deleting]
    deletions = await repo.deletions(tx, leaving) if leaving else {}
    line = _Line(stacks, commits, held, since, deletions, swept, tx.now)
    return {run.id: _in_line(run, line) for run in found}


def _in_line(run: Run, line: _Line) -> Condition:
    """In the order in which `service.promote` asks."""
    at, platform, stack = _since(run), Owner.PLATFORM, line.stacks[run.stack_id]
    commit, held = line.commits.get(run.commit_id or ""), line.held.get(run.stack_id)
    if stack.deleting and not run.deletes_stack:
        words, deletion = "waits for the stack's deletion, which would end it", line.deletions
        return Condition(
            Reason.STACK_DELETION,
            words,
            platform,
            at,
            Until.RUN_ENDED,
            blocked_by=deletion.get(stack.id),
        )
    if commit is not None and commit.state is FetchState.WANTED:
        return _without_source(run, commit, line.swept)
    if run.kind in LOCKING and held is not None and held.id != run.id:
        words = f"waits for run {held.id}, which holds the stack"
        words += f" since {_clock(line.since[held.id])}" if held.id in line.since else ""
        return Condition(
            Reason.STACK_HELD, words, platform, at, Until.RUN_ENDED, blocked_by=held.id
        )
    if run.kind in LOCKING and locked_out(stack, run):
        words = f"waits for {stack.locked_by} to unlock the stack"
        if stack.locked_by == SYSTEM_LOCK:
            words = "waits for somebody to look into the stack and unlock it"
        words += f", locked since {_clock(stack.locked_at)}" if stack.locked_at else ""
        return Condition(Reason.STACK_LOCKED, words, Owner.PERSON, at, Until.PERSON_DECIDED)
    words = "waits for its turn, which comes within seconds"
    if line.now > line.swept + LATE:
        words = f"waits for its turn, which was due at {_clock(line.swept)}: no drain is at work"
    return Condition(Reason.TURN, words, platform, at, Until.DEADLINE, line.swept)


def _without_source(run: Run, commit: Commit, swept: datetime) -> Condition:
    words, deadline = "waits for its source to be fetched", vcs_service.given_up_at(commit)
    if commit.state is FetchState.FAILED:
        words, deadline = "ends within seconds: its source could not be fetched", swept
    return Condition(Reason.SOURCE, words, Owner.PLATFORM, _since(run), Until.DEADLINE, deadline)


async def _ready(
    tx: Tx, found: Sequence[Run], commits: Mapping[str, Commit], swept: datetime
) -> dict[str, Condition]:
    """Of runs that a worker may take, and of those whose tree has to be fetched once more."""
    conditions: dict[str, Condition] = {}
    for run in found:
        commit = commits.get(run.commit_id or "")
        # What is planned already has its tree in its workspace.
        if run.state is State.READY and commit and commit.state is not FetchState.STORED:
            conditions[run.id] = _without_source(run, commit, swept)
    return conditions | await _unclaimed(tx, [run for run in found if run.id not in conditions])


async def _unclaimed(tx: Tx, found: Sequence[Run]) -> dict[str, Condition]:
    if not found:
        return {}
    pool_ids = sorted({run.pool_id for run in found})
    names = await pools.names(tx, pool_ids)
    workers = await pools.present(tx, pool_ids)
    held = await leases_repo.busy_workers(tx, pool_ids)
    ahead = await queue_repo.counts_ahead(tx, [run.id for run in found])
    return {
        run.id: Condition(
            Reason.NO_WORKER,
            _no_worker(
                names[run.pool_id], workers[run.pool_id], held[run.pool_id], ahead.get(run.id, 0)
            ),
            Owner.PLATFORM,
            _since(run),
            Until.WORKER_FREE,
            ahead=ahead.get(run.id, 0),
        )
        for run in found
    }


def _no_worker(pool: str, workers: Sequence[Worker], held: Mapping[str, int], ahead: int) -> str:
    if not workers:
        return f"waits for a worker: none of pool {pool} is connected"
    drained = sum(1 for w in workers if w.drained or w.shutdown_at is not None)
    busy = sum(
        1
        for w in workers
        if not w.drained and w.shutdown_at is None and held.get(w.id, 0) >= w.concurrency
    )
    idle = len(workers) - drained - busy
    counts = f"{busy} busy, {drained} drained"
    words = f"waits for a worker: none of pool {pool} is idle: {counts}"
    if idle:
        words = f"waits for a worker of pool {pool}: {idle} idle, {counts}"
    if ahead == 0:
        return words
    return f"{words}; {ahead} run{'' if ahead == 1 else 's'} before it, spaces taking turns"
