"""What people decide about runs: confirm, discard, stop, cancel, replan, review, prioritise."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from gantry.domains.people import access as people
from gantry.domains.people.actions import Action
from gantry.domains.runs import access, aftermath, repo
from gantry.domains.runs.events import RunLost, RunTouched
from gantry.domains.runs.model import Comment, Review, Run
from gantry.domains.runs.service import advance, ask_to_stop
from gantry.domains.runs.states import (
    DECIDING,
    EXECUTING,
    WORKING,
    IllegalMove,
    Signal,
    State,
    can,
)
from gantry.domains.stacks import access as stack_access
from gantry.domains.stacks import repo as stacks
from gantry.domains.stacks import service as stack_service
from gantry.domains.stacks.model import Stack
from gantry.domains.tfstate import repo as tfstate
from gantry.domains.tfstate.model import StateVersion
from gantry.kernel.errors import Conflict, NotFound, UserError
from gantry.kernel.tx import Tx

MAX_NOTE = 10_000
"""Characters of a note or comment: a page of text, not a file."""
MAX_TARGETS = 1000
_TARGET = re.compile(r"[A-Za-z_][^\x00-\x1f\x7f]{0,1023}")


class StalePlan(Conflict):
    """The state has changed since the plan was made."""

    code = "STALE_PLAN"

    def __init__(self, planned: int | None, current: int | None) -> None:
        before, now = ("none" if serial is None else serial for serial in (planned, current))
        super().__init__(
            f"The plan was made for state serial {before}; the state is at {now} now."
            " Discard this run and trigger a new one."
        )


async def confirm(
    tx: Tx,
    stack_id: str,
    run_id: str | None,
    *,
    note: str | None,
    user_metadata: Sequence[str] = (),
) -> Run:
    """Accept the plan of a run so that a worker may apply it. Without an id: the blocking run.

    Raises NotFound, NotAllowed, StalePlan, StackLocked, or IllegalMove when the run does not
    wait for a decision. The apply itself starts later, when a worker leases the run.
    """
    stack, run = await _lock_or_blocker(tx, stack_id, run_id)
    access.require(tx, Action.RUN_CONFIRM, stack)
    stack_access.require_unlocked(tx, stack)
    if run.state is State.UNCONFIRMED:
        await check_plan_is_fresh(tx, stack, run)
    run.user_metadata = [*run.user_metadata, *user_metadata]
    await advance(tx, stack, run, Signal.CONFIRM, note=_note(note))
    return run


async def check_plan_is_fresh(tx: Tx, stack: Stack, run: Run) -> None:
    """Raises StalePlan when the state is not the one that was planned on."""
    if stack.manages_state:
        require_fresh(stack, run, await tfstate.current(tx, stack.id))


def require_fresh(stack: Stack, run: Run, current: StateVersion | None) -> None:
    """As `check_plan_is_fresh`, for a caller who knows the newest state."""
    if not stack.manages_state:
        return
    now = (current.serial, current.lineage) if current else (None, None)
    if now != (run.plan_serial, run.plan_lineage):
        raise StalePlan(run.plan_serial, now[0])


async def discard(tx: Tx, stack_id: str, run_id: str | None, *, note: str | None) -> Run:
    """Reject a plan, or a run that has not started. Raises as `confirm`, but for StalePlan."""
    stack, run = await _lock_or_blocker(tx, stack_id, run_id)
    access.require(tx, Action.RUN_DISCARD, stack)
    await advance(tx, stack, run, Signal.DISCARD, note=_note(note))
    return run


@dataclass(frozen=True, slots=True)
class Discarded:
    """What `discard_all` did."""

    runs: list[Run]
    """Those that the actor may see."""
    failed: list[str]


async def discard_all(tx: Tx, stack_id: str, *, note: str | None) -> Discarded:
    """Discard every run of the stack that waits, for a worker, a turn or a person.

    What a worker is on is left alone, and is no failure: clients that empty a stack wait for it.
    """
    stack = await stacks.lock(tx, stack_id)
    access.require(tx, Action.RUN_DISCARD, stack)
    done, failed = [], []
    # Newest first, so that ending one does not start the next that is to be discarded too.
    for run in reversed(await repo.unfinished(tx, stack.id)):
        if run.state in WORKING:
            continue
        # A confirmed plan is not discarded any more; it is stopped before a worker takes it.
        signal = Signal.STOP if run.state is State.CONFIRMED else Signal.DISCARD
        if can(run.state, signal, run.kind):
            await advance(tx, stack, run, signal, note=_note(note))
            done.append(run)
        else:
            failed.append(run.id)
    seen = await repo.by_ids(tx, [run.id for run in done])
    return Discarded([run for run in done if run.id in seen], failed)


async def cancel(tx: Tx, stack_id: str, run_id: str, *, note: str | None) -> Run:
    """Take back a run that no worker has touched. Raises NotFound, NotAllowed, IllegalMove."""
    stack, run = await repo.lock(tx, run_id, stack_id=stack_id)
    access.require(tx, Action.RUN_CANCEL, stack, run)
    await advance(tx, stack, run, Signal.CANCEL, note=_note(note))
    return run


async def stop(tx: Tx, stack_id: str, run_id: str, *, note: str | None) -> Run:
    """Stop a run: at once if no worker is on it, else by asking the worker.

    Stopping while applying is a request that the tool may finish its current step before it
    heeds. Raises NotFound, NotAllowed, or IllegalMove when the run has ended or not begun.
    """
    stack, run = await repo.lock(tx, run_id, stack_id=stack_id)
    access.require(tx, Action.RUN_STOP, stack, run)
    if run.state in (State.CONFIRMED, State.REPLAN_REQUESTED):
        await advance(tx, stack, run, Signal.STOP, note=_note(note))
    elif run.state in WORKING:
        await ask_to_stop(tx, run, _note(note))
    else:
        raise IllegalMove(run.state, Signal.STOP, run.kind)
    return run


async def kill(tx: Tx, stack_id: str, run_id: str, *, note: str | None) -> Run:
    """Take a run from a worker that does not heed a stop; what it did stays unknown.

    Raises Conflict unless a stop was asked for before; NotFound, NotAllowed, IllegalMove.
    """
    stack, run = await repo.lock(tx, run_id, stack_id=stack_id)
    access.require(tx, Action.RUN_STOP, stack, run)
    if run.state not in WORKING:
        raise IllegalMove(run.state, Signal.STOP, run.kind)
    require_stop_first(run)
    words = _note(note) or "killed: the worker did not heed the stop"
    await end_without_worker(tx, stack, run, words)
    return run


def require_stop_first(run: Run) -> None:
    """Raises Conflict when nobody has asked the worker to stop."""
    if run.stop_requested_at is None:
        raise Conflict("Stop the run first; kill is for a worker that does not heed it.")


async def end_without_worker(tx: Tx, stack: Stack, run: Run, reason: str) -> None:
    """A run whose worker cannot be asked any more fails, and says what is not known.

    While the infrastructure may have been changing, nobody can say how far it came: the run
    is marked so, what is known is said, and the stack stays locked until a person has looked.
    """
    unknown = run.state in EXECUTING
    if unknown:
        reason = f"{reason.rstrip('.')}. {await aftermath.known(tx, stack, run)}"
    run.failure, run.outcome_unknown = reason, unknown
    tx.emit(RunLost(run.id, unknown))
    if unknown:
        await stack_service.lock_for_unknown_outcome(
            tx,
            stack.id,
            note=f"The outcome of run {run.id} is unknown: {reason} Compare the state with the"
            " infrastructure, then unlock the stack.",
        )
    await advance(tx, stack, run, Signal.FAIL, note=reason)


async def replan(tx: Tx, stack_id: str, run_id: str, *, targets: Sequence[str]) -> Run:
    """Plan again, for these resource addresses only. Raises UserError for bad addresses."""
    stack, run = await repo.lock(tx, run_id, stack_id=stack_id)
    access.require(tx, Action.RUN_TARGETED_REPLAN, stack)
    stack_access.require_unlocked(tx, stack)
    wanted = list(dict.fromkeys(targets))
    if not wanted or len(wanted) > MAX_TARGETS:
        raise UserError(f"Name 1 to {MAX_TARGETS} resource addresses to replan.")
    for target in wanted:
        if not _TARGET.fullmatch(target):
            raise UserError(f'"{target[:100]}" is not a resource address.')
    run.targets = wanted
    await advance(tx, stack, run, Signal.REPLAN, note=f"targets: {', '.join(wanted)}"[:MAX_NOTE])
    return run


async def review(
    tx: Tx, stack_id: str, run_id: str | None, *, approve: bool, note: str | None
) -> Review:
    """Say yes or no to a run as it is now. A preview that waits for review ends with it.

    Raises NotFound, NotAllowed, Conflict when the run has ended or is under way.
    """
    stack, run = await _lock_or_blocker(tx, stack_id, run_id)
    access.require(tx, Action.RUN_REVIEW, stack)
    if run.state not in (State.QUEUED, *DECIDING):
        raise IllegalMove(run.state, Signal.APPROVE if approve else Signal.REJECT, run.kind)
    written = Review(
        run_id=run.id,
        author=tx.actor.name,
        decision="APPROVE" if approve else "REJECT",
        note=_note(note),
        state=run.state,
        at=tx.now,
    )
    tx.session.add(written)
    if run.state is State.PENDING_REVIEW:
        await advance(
            tx, stack, run, Signal.APPROVE if approve else Signal.REJECT, note=_note(note)
        )
    tx.emit(RunTouched(run.id, run.stack_id, run.pool_id))
    await tx.session.flush()
    return written


async def comment(tx: Tx, stack_id: str, run_id: str, *, body: str) -> Comment:
    """Write something on a run. Raises NotFound, NotAllowed, UserError for an empty text."""
    run = await repo.find(tx, run_id, stack_id=stack_id)
    stack = await stacks.find(tx, run.stack_id)
    access.require(tx, Action.RUN_COMMENT, stack)
    words = _note(body)
    if not words:
        raise UserError("A comment cannot be empty.")
    written = Comment(run_id=run.id, author=tx.actor.name, body=words, at=tx.now)
    tx.session.add(written)
    tx.emit(RunTouched(run.id, run.stack_id, run.pool_id))
    return written


async def prioritise(tx: Tx, stack_id: str, run_id: str, *, priority: int) -> Run:
    """Move a run before or behind other stacks' runs of its pool. Private pools only.

    Raises NotFound, NotAllowed, Conflict.
    """
    stack, run = await repo.lock(tx, run_id, stack_id=stack_id)
    access.require(tx, Action.RUN_PRIORITIZE_SET, stack)
    require_prioritisable(stack, run)
    run.priority = priority
    tx.emit(RunTouched(run.id, run.stack_id, run.pool_id))
    return run


def require_prioritisable(stack: Stack, run: Run) -> None:
    """Raises Conflict for a run that has ended, or has no private pool."""
    if run.finished:
        raise Conflict("A run that has ended cannot be prioritised.")
    if stack.pool_id is None:
        raise Conflict("Runs on the public worker pool cannot be prioritised.")


async def _lock_or_blocker(tx: Tx, stack_id: str, run_id: str | None) -> tuple[Stack, Run]:
    if run_id is not None:
        return await repo.lock(tx, run_id, stack_id=stack_id)
    stack = await stacks.lock(tx, stack_id)
    held = await repo.holder(tx, stack.id)
    if held is None:
        raise NotFound("blocking run not found: nothing holds the stack")
    return await repo.lock(tx, held.id, stack_id=stack_id)


def _note(note: str | None) -> str | None:
    words = (note or "").strip()
    if len(words) > MAX_NOTE:
        raise UserError(f"A note has at most {MAX_NOTE} characters.")
    return words or None


def mark_external_dependency(tx: Tx) -> None:
    """Something outside of Gantry is done, for which runs may have waited; none does yet.

    Raises NotAllowed for runs, and for those who may write in no space.
    """
    people.require_no_run(tx)
    stack_access.require_anywhere(tx, Action.SPACE_WRITE)


PRIORITIES = {"LOW": -1, "NORMAL": 0, "HIGH": 1}
"""The presets of the API."""
