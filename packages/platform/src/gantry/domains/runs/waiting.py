"""Why a run waits, in words that name who or what can end it."""

from __future__ import annotations

from gantry.domains.pools import repo as pools
from gantry.domains.runs import repo
from gantry.domains.runs.model import Run
from gantry.domains.runs.service import why_queued
from gantry.domains.runs.states import CLAIMABLE, WORKING, State
from gantry.domains.vcs import repo as vcs
from gantry.kernel.tx import SYSTEM, Tx


async def explain(tx: Tx, run: Run) -> str | None:
    """What the run waits for; None when it is being worked on or has ended."""
    system = tx.acting_as(SYSTEM)
    if run.state is State.QUEUED:
        commit = (
            (await vcs.by_ids(system, [run.commit_id])).get(run.commit_id)
            if run.commit_id
            else None
        )
        stack = await repo.stack_of(system, run)
        return why_queued(stack, run, commit, await repo.holder(system, run.stack_id))
    if run.state in CLAIMABLE:
        return await _why_unclaimed(system, run)
    if run.state is State.UNCONFIRMED:
        return "waits for somebody to confirm or discard its plan"
    if run.state is State.PENDING_REVIEW:
        return "waits for somebody to approve or reject it"
    if run.state in WORKING and run.stop_requested_at is not None:
        return f"waits for the worker to stop, as asked at {run.stop_requested_at:%H:%M:%S} UTC"
    return None


async def _why_unclaimed(tx: Tx, run: Run) -> str:
    workers = (await pools.present(tx, [run.pool_id]))[run.pool_id]
    if not workers:
        return "waits for a worker: none of its worker pool is connected"
    held = (await repo.busy_workers(tx, [run.pool_id]))[run.pool_id]
    drained = sum(1 for w in workers if w.drained or w.shutdown_at is not None)
    busy = sum(1 for w in workers if held.get(w.id, 0) >= w.concurrency)
    ahead = await repo.count_ahead(tx, run)
    words = f"waits for a worker: {busy} of {len(workers)} are busy, {drained} take no new runs"
    return f"{words}; {ahead} runs are before it" if ahead else words
