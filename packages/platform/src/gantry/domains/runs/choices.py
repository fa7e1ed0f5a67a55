"""What somebody may decide about a run now, and why not: the answers of the decisions, asked first.

Nothing is decided here. Between the answer and the decision the run may move; then the decision
refuses, and says why.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from gantry.domains.people.actions import Action
from gantry.domains.runs import access, decisions, repo, triggers
from gantry.domains.runs.model import Run
from gantry.domains.runs.states import DECIDING, WORKING, IllegalMove, Kind, Signal, State, step
from gantry.domains.stacks import access as stack_access
from gantry.domains.stacks.model import Stack
from gantry.domains.tfstate import repo as tfstate
from gantry.domains.tfstate.model import StateVersion
from gantry.kernel.errors import Conflict, UserError
from gantry.kernel.tx import SYSTEM, Tx


class Decision(enum.StrEnum):
    """What people decide about a run."""

    CONFIRM = "CONFIRM"
    DISCARD = "DISCARD"
    REPLAN = "REPLAN"
    REVIEW = "REVIEW"
    CANCEL = "CANCEL"
    STOP = "STOP"
    KILL = "KILL"
    RETRY = "RETRY"
    PROMOTE = "PROMOTE"
    PRIORITIZE = "PRIORITIZE"
    COMMENT = "COMMENT"


@dataclass(frozen=True, slots=True)
class Choice:
    """A decision, and why it would be refused; None when it would be taken."""

    decision: Decision
    refusal: UserError | None


@dataclass(frozen=True, slots=True)
class _Case:
    tx: Tx
    stack: Stack
    run: Run
    newest: StateVersion | None


async def choices(tx: Tx, run_ids: Sequence[str]) -> dict[str, list[Choice]]:
    """Every decision about each of the runs that the actor may see, with what it would answer."""
    found = await repo.by_ids(tx, run_ids)
    stack_ids = sorted({run.stack_id for run in found.values()})
    stacks = await repo.stacks_of(tx, stack_ids)
    planned = {run.stack_id for run in found.values() if run.state is State.UNCONFIRMED}
    newest: Mapping[str, StateVersion] = {}
    if planned:
        newest = await tfstate.newest(tx.acting_as(SYSTEM), sorted(planned))
    return {
        run.id: _of(_Case(tx, stacks[run.stack_id], run, newest.get(run.stack_id)))
        for run in found.values()
    }


def _of(case: _Case) -> list[Choice]:
    return [Choice(decision, _refusal(ask, case)) for decision, ask in _ASKED.items()]


def _refusal(ask: Callable[[_Case], None], case: _Case) -> UserError | None:
    try:
        ask(case)
    except UserError as refusal:
        return refusal
    return None


# Where the run is comes first: of two reasons it is the one that no right and no lock changes.


def _confirm(case: _Case) -> None:
    step(case.run.state, Signal.CONFIRM, case.run.kind)
    access.require(case.tx, Action.RUN_CONFIRM, case.stack)
    stack_access.require_unlocked(case.tx, case.stack)
    decisions.require_fresh(case.stack, case.run, case.newest)


def _discard(case: _Case) -> None:
    step(case.run.state, Signal.DISCARD, case.run.kind)
    access.require(case.tx, Action.RUN_DISCARD, case.stack)


def _replan(case: _Case) -> None:
    step(case.run.state, Signal.REPLAN, case.run.kind)
    access.require(case.tx, Action.RUN_TARGETED_REPLAN, case.stack)
    stack_access.require_unlocked(case.tx, case.stack)


def _review(case: _Case) -> None:
    if case.run.state not in (State.QUEUED, *DECIDING):
        raise IllegalMove(case.run.state, Signal.APPROVE, case.run.kind)
    access.require(case.tx, Action.RUN_REVIEW, case.stack)


def _cancel(case: _Case) -> None:
    step(case.run.state, Signal.CANCEL, case.run.kind)
    access.require(case.tx, Action.RUN_CANCEL, case.stack, case.run)


def _stop(case: _Case) -> None:
    step(case.run.state, Signal.STOP, case.run.kind)
    if case.run.stop_requested_at is not None:
        raise Conflict("The worker has been asked to stop already.")
    access.require(case.tx, Action.RUN_STOP, case.stack, case.run)


def _kill(case: _Case) -> None:
    if case.run.state not in WORKING:
        raise IllegalMove(case.run.state, Signal.STOP, case.run.kind)
    decisions.require_stop_first(case.run)
    access.require(case.tx, Action.RUN_STOP, case.stack, case.run)


def _retry(case: _Case) -> None:
    triggers.require_ended(case.run)
    access.require(case.tx, Action.RUN_RETRY, case.stack, case.run)
    triggers.require_runnable(case.stack)
    if case.run.kind is not Kind.PROPOSED:
        stack_access.require_unlocked(case.tx, case.stack)


def _promote(case: _Case) -> None:
    triggers.require_promotable(case.stack, case.run)
    access.require(case.tx, Action.RUN_PROMOTE, case.stack)
    triggers.require_runnable(case.stack)
    stack_access.require_unlocked(case.tx, case.stack)


def _prioritise(case: _Case) -> None:
    decisions.require_prioritisable(case.stack, case.run)
    access.require(case.tx, Action.RUN_PRIORITIZE_SET, case.stack)


def _comment(case: _Case) -> None:
    access.require(case.tx, Action.RUN_COMMENT, case.stack)


_ASKED: dict[Decision, Callable[[_Case], None]] = {
    Decision.CONFIRM: _confirm,
    Decision.DISCARD: _discard,
    Decision.REPLAN: _replan,
    Decision.REVIEW: _review,
    Decision.CANCEL: _cancel,
    Decision.STOP: _stop,
    Decision.KILL: _kill,
    Decision.RETRY: _retry,
    Decision.PROMOTE: _promote,
    Decision.PRIORITIZE: _prioritise,
    Decision.COMMENT: _comment,
}
