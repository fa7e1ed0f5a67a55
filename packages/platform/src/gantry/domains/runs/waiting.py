"""Why a run waits, in words that name who or what can end it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gantry.domains.pools import repo as pools
from gantry.domains.pools.model import Worker
from gantry.domains.runs import leases_repo, repo
from gantry.domains.runs.model import Run
from gantry.domains.runs.service import why_queued
from gantry.domains.runs.states import CLAIMABLE, WORKING, State
from gantry.domains.vcs import repo as vcs
from gantry.kernel.tx import SYSTEM, Tx


async def explain(tx: Tx, run: Run) -> str | None:
    """What the run waits for; None when it is being worked on or has ended."""
    return (await explanations(tx, [run.id])).get(run.id)


async def explanations(tx: Tx, run_ids: Sequence[str]) -> dict[str, str]:
    """What each run waits for; nothing of those that are being worked on or have ended."""
    system = tx.acting_as(SYSTEM)
    found = list((await repo.by_ids(system, run_ids)).values())
    words = await _why_queued(system, [run for run in found if run.state is State.QUEUED])
    words |= await _why_unclaimed(system, [run for run in found if run.state in CLAIMABLE])
    for run in found:
        if run.state is State.UNCONFIRMED:
            words[run.id] = "waits for somebody to confirm or discard its plan"
        elif run.state is State.PENDING_REVIEW:
            words[run.id] = "waits for somebody to approve or reject it"
        elif run.state in WORKING and run.stop_requested_at is not None:
            asked = f"{run.stop_requested_at:%H:%M:%S} UTC"
            words[run.id] = f"waits for the worker to stop, as asked at {asked}"
    return words


async def _why_queued(tx: Tx, found: Sequence[Run]) -> dict[str, str]:
    if not found:
        return {}
    stack_ids = sorted({run.stack_id for run in found})
    stacks = await repo.stacks_of(tx, stack_ids)
    held = await repo.holders(tx, stack_ids)
    commits = await vcs.by_ids(tx, sorted({run.commit_id for run in found if run.commit_id}))
    return {
        run.id: why_queued(
            stacks[run.stack_id], run, commits.get(run.commit_id or ""), held.get(run.stack_id)
        )
        for run in found
    }


async def _why_unclaimed(tx: Tx, found: Sequence[Run]) -> dict[str, str]:
    if not found:
        return {}
    pool_ids = sorted({run.pool_id for run in found})
    workers = await pools.present(tx, pool_ids)
    held = await leases_repo.busy_workers(tx, pool_ids)
    ahead = await repo.counts_ahead(tx, [run.id for run in found])
    return {
        run.id: _unclaimed(workers[run.pool_id], held[run.pool_id], ahead.get(run.id, 0))
        for run in found
    }


def _unclaimed(workers: Sequence[Worker], held: Mapping[str, int], ahead: int) -> str:
    if not workers:
        return "waits for a worker: none of its worker pool is connected"
    drained = sum(1 for w in workers if w.drained or w.shutdown_at is not None)
    busy = sum(1 for w in workers if held.get(w.id, 0) >= w.concurrency)
    words = f"waits for a worker: {busy} of {len(workers)} are busy, {drained} take no new runs"
    return f"{words}; {ahead} runs are before it" if ahead else words
