"""Whether a run that waits for a worker may be given to one, and what ends one that never may.

Workers' claims ask, and so does every sweep: a run that nobody can take any more holds its stack,
and must not hold it until a worker comes by.
"""

from __future__ import annotations

from gantry.domains.runs import decisions, repo
from gantry.domains.runs.events import WorkAppeared
from gantry.domains.runs.model import Run
from gantry.domains.runs.service import SOURCE_TRUSTED, advance, promote
from gantry.domains.runs.states import CLAIMABLE, Signal, State
from gantry.domains.stacks.model import Stack
from gantry.domains.vcs import repo as vcs_repo
from gantry.domains.vcs import service as vcs
from gantry.domains.vcs.model import Commit, FetchState
from gantry.kernel.tx import SYSTEM, Tx
from gantry.ports.db import Db


async def is_takeable(tx: Tx, stack: Stack, run: Run, commit: Commit | None) -> bool:
    """Whether a worker may be given the run, which is of that commit. The caller holds both.

    One that never may fails, with the reason: its tree cannot be had, or the state is not the one
    any more that its confirmed plan was made for. One whose tree may be gone waits for it to be
    fetched again. What is planned already has its tree in its workspace.
    """
    if run.state is State.READY:
        return await _has_source(tx, stack, run, commit)
    if run.state is State.CONFIRMED:
        return await _still_appliable(tx, stack, run)
    return run.state in CLAIMABLE


async def _has_source(tx: Tx, stack: Stack, run: Run, commit: Commit | None) -> bool:
    if commit is None:
        return True
    if commit.state is FetchState.FAILED:
        # It was tried as often as it is worth: vcs.fetch. Wanting it again for the same run
        # would do so for ever; whoever retries the run wants it again.
        await _fail(tx, stack, run, commit.error or "The source could not be fetched.")
        return False
    if commit.state is FetchState.WANTED:
        return False
    if commit.stored_at is not None and commit.stored_at > tx.now - SOURCE_TRUSTED:
        return True
    wanted = await vcs.want(
        tx, repository_url=commit.repository_url, branch=commit.branch, sha=commit.sha
    )
    return wanted.state is FetchState.STORED


async def _still_appliable(tx: Tx, stack: Stack, run: Run) -> bool:
    try:
        await decisions.check_plan_is_fresh(tx, stack, run)
    except decisions.StalePlan as stale:
        await _fail(tx, stack, run, stale.message)
        return False
    return True


async def _fail(tx: Tx, stack: Stack, run: Run, reason: str) -> None:
    run.failure = reason
    await advance(tx, stack, run, Signal.FAIL, note=reason)


async def end_untakeable(db: Db, run_id: str) -> None:
    """End the run if it waits for a worker and none may ever be given it."""
    async with db.write(SYSTEM) as tx:
        stack, run = await repo.lock(tx, run_id)
        if run.state in CLAIMABLE:
            await is_takeable(tx, stack, run, await vcs_repo.find(tx, run.commit_id))


async def source_settled(db: Db, *, commit_id: str) -> None:
    """A commit's tree is stored, or cannot be had: go on with the runs that waited for it, or end
    them. Safe to run twice or late.
    """
    async with db.read(SYSTEM) as tx:
        commit = await vcs_repo.find(tx, commit_id)
        queued = await repo.stacks_waiting_for(tx, commit_id)
        # Ready before their tree had to be fetched again.
        ready = await repo.ready_of_commit(tx, commit_id)
    for stack_id in queued:
        await promote_stack(db, stack_id)
    if commit is not None and commit.state is FetchState.FAILED:
        for run_id, _ in ready:
            await end_untakeable(db, run_id)
        return
    async with db.write(SYSTEM) as tx:
        for pool_id in sorted({pool_id for _, pool_id in ready}):
            tx.emit(WorkAppeared(pool_id))


async def promote_stack(db: Db, stack_id: str) -> None:
    """Let a stack's next runs start, if they may."""
    async with db.write(SYSTEM) as tx:
        stack = await tx.session.get(Stack, stack_id, with_for_update=True)
        if stack is not None:
            await promote(tx, stack)
