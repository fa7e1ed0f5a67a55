"""What workers report, and what the server answers: move on, archive first, wrap up, or end.

Every report carries the fence of its lease; a stale one gets an answer, not an exception. A
report that was answered may come again (the answer was lost): it is answered again from the
state that the run is in.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import structlog
from gantry_protocol.calls import (
    Applied,
    Failed,
    PhaseDone,
    Planned,
    Report,
    StepTaken,
    Stopped,
    Verdict,
)
from gantry_protocol.words import Phase, Then

from gantry.domains.runs import leftovers, manifests, repo
from gantry.domains.runs.events import StepDone
from gantry.domains.runs.leasing import locked
from gantry.domains.runs.model import Run
from gantry.domains.runs.service import advance
from gantry.domains.runs.states import (
    APPLYABLE,
    EXECUTING,
    STOPPABLE,
    TERMINAL,
    Kind,
    Signal,
    State,
)
from gantry.domains.stacks.model import Stack
from gantry.domains.tfstate import repo as tfstate
from gantry.domains.tfstate import service as states
from gantry.kernel.errors import NotFound
from gantry.kernel.tx import SYSTEM, Actor, Tx
from gantry.ports.vault import Vault

log = structlog.get_logger()

_PHASE_OF = {
    State.PREPARING: Phase.PREPARE,
    State.PREPARING_REPLAN: Phase.PREPARE,
    State.PREPARING_APPLY: Phase.PREPARE,
    State.INITIALIZING: Phase.INIT,
    State.PLANNING: Phase.PLAN,
    State.APPLYING: Phase.APPLY,
    State.DESTROYING: Phase.DESTROY,
    State.PERFORMING: Phase.PERFORM,
}


async def report(
    tx: Tx,
    vault: Vault,
    run_id: str,
    pool_id: str,
    worker_id: str,
    fence: int,
    told: Report,
    steps: Sequence[StepTaken] = (),
) -> Verdict:
    """Take in what a worker says of its run, and say what comes next."""
    try:
        stack, run, ours = await locked(tx, run_id, pool_id, worker_id, fence)
    except NotFound:
        return NO_RUN
    if not ours:
        return refused(run)
    return await judge_with_steps(tx, vault, stack, run, told, steps, worker_id)


NO_RUN = Verdict(accepted=False, reason="there is no such run")


async def judge(tx: Tx, vault: Vault, stack: Stack, run: Run, told: Report) -> Verdict:
    """What becomes of a run, which the caller holds, by the word of the worker whose it is."""
    phase = told.phase if not isinstance(told, Planned) else Phase.PLAN
    if phase is not _PHASE_OF.get(run.state):
        return _repeat_or_refuse(run, phase)
    system = tx.acting_as(SYSTEM)
    if (
        run.stop_requested_at is not None
        and run.state in STOPPABLE
        and not isinstance(told, Failed)
    ):
        # Also when the worker was done before it heard of the stop: nothing further is begun.
        if not isinstance(told, Stopped) and not told.wrapped_up:
            return Verdict(accepted=True, then=Then.WRAP_UP, state=State.STOPPED.value)
        return await _stopped(tx, stack, run)
    match told:
        case PhaseDone():
            return await _phase_done(system, stack, run, told)
        case Planned():
            return await _planned(system, stack, run, told)
        case Applied():
            return await _applied(system, vault, stack, run, told)
        case Failed():
            reason = told.reason
            if run.state_refusal is not None:
                reason += f" The state was not taken: {run.state_refusal}"
            run.failure = reason
            await _lock_if_unsaved(system, stack, run, told.state_unsaved)
            await advance(system, stack, run, Signal.FAIL, note=reason)
            return _end(run)
        case Stopped():
            return await _stopped(tx, stack, run)


async def judge_with_steps(
    tx: Tx,
    vault: Vault,
    stack: Stack,
    run: Run,
    told: Report,
    steps: Sequence[StepTaken],
    worker_id: str,
) -> Verdict:
    """As `judge`; the steps of the worker count once, with the report that moves the run."""
    state, version = run.state, run.state_version
    verdict = await judge(tx, vault, stack, run, told)
    if run.state_version != version:
        for number, step in enumerate(steps):
            ago = min(timedelta(seconds=min(step.ago, _LONGEST)), tx.now - run.created_at)
            tx.emit(
                StepDone(
                    run.id,
                    run.stack_id,
                    state,
                    version,
                    worker_id,
                    step.name,
                    number,
                    begun_at=tx.now - ago,
                    lasted=min(timedelta(seconds=min(step.lasted, _LONGEST)), ago),
                    failed=step.failed,
                )
            )
    return verdict


_LONGEST = timedelta(days=30).total_seconds()
"""Of a step, whatever a worker says: longer than anybody lets a run take."""


async def _stopped(tx: Tx, stack: Stack, run: Run) -> Verdict:
    await _lock_if_unsaved(tx, stack, run, False)
    who = Actor("user", "", name=run.stop_by or "")
    await advance(tx.acting_as(who), stack, run, Signal.STOP, note=run.stop_note)
    return _end(run)


async def _lock_if_unsaved(tx: Tx, stack: Stack, run: Run, said: bool) -> None:
    """Nothing more happens on a state that is not what the run made.

    A worker may not know: its disk may have had no room for the state that was refused here. What
    a task is refused may be anything that a person tried.
    """
    refused = run.state_refusal is not None and run.state is not State.PERFORMING
    if run.state in EXECUTING and (said or refused):
        await leftovers.lock_stack(tx, stack.id, run.id)


async def _phase_done(tx: Tx, stack: Stack, run: Run, told: PhaseDone) -> Verdict:
    if told.tool_version:
        run.tool_version = told.tool_version
    if told.phase is Phase.PREPARE:
        straight = run.kind is Kind.TASK and run.skip_init
        await advance(tx, stack, run, Signal.START_TASK if straight else Signal.START)
        return _continue(run)
    ends = told.phase is Phase.PERFORM or run.kind is Kind.PARSE
    if ends and not told.wrapped_up:
        return Verdict(accepted=True, then=Then.WRAP_UP, state=State.FINISHED.value)
    if told.phase is Phase.PERFORM:
        # The command may have changed outputs, if it changed the state.
        await advance(tx, stack, run, Signal.PHASE_OK)
        return _end(run)
    await advance(tx, stack, run, Signal.PHASE_OK)
    return _end(run) if ends else _continue(run)


async def _planned(tx: Tx, stack: Stack, run: Run, told: Planned) -> Verdict:
    signal = _after_plan(stack, run, told)
    if signal is Signal.ASK_CONFIRMATION and told.workspace_key is None:
        # Whoever applies this plan needs the workspace; ask for it before anybody can confirm.
        return Verdict(accepted=True, then=Then.ARCHIVE, state=run.state.value)
    if signal in (Signal.NO_CHANGES, Signal.PHASE_OK) and not told.wrapped_up:
        return Verdict(accepted=True, then=Then.WRAP_UP, state=State.FINISHED.value)
    for key, folder in (
        (told.workspace_key, f"{run.id}/"),
        (told.plan_json_key, manifests.plan_folder(run)),
    ):
        if key is not None and not key.startswith(folder):
            return refused(run, "the object named is not this run's")
    run.delta = told.delta.model_dump(by_alias=True)
    run.plan_sha256, run.workspace_key = told.plan_sha256, told.workspace_key
    run.plan_json_key = told.plan_json_key
    current = await tfstate.current(tx, stack.id) if stack.manages_state else None
    run.plan_serial = current.serial if current else None
    run.plan_lineage = current.lineage if current else None
    await repo.replace_changes(tx, run.id, _change_rows(run, told))
    await advance(tx, stack, run, signal)
    if signal is Signal.DEPLOY:
        return _continue(run)
    return _end(run)


def _after_plan(stack: Stack, run: Run, told: Planned) -> Signal:
    if not told.changed:
        return Signal.NO_CHANGES
    if run.kind not in APPLYABLE:
        return Signal.DEPLOY if run.kind is Kind.TESTING else Signal.PHASE_OK
    # A lock switches unattended deployment off while it lasts.
    attended = not run.autodeploy or (stack.locked_at is not None and not run.deletes_stack)
    return Signal.ASK_CONFIRMATION if attended else Signal.DEPLOY


async def _applied(tx: Tx, vault: Vault, stack: Stack, run: Run, told: Applied) -> Verdict:
    if not told.wrapped_up and not (run.kind is Kind.TESTING and run.state is State.APPLYING):
        return Verdict(accepted=True, then=Then.WRAP_UP, state=State.FINISHED.value)
    await _publish_outputs(tx, vault, stack, run, told)
    await advance(tx, stack, run, Signal.PHASE_OK)
    return _end(run) if run.state in TERMINAL else _continue(run)


async def _publish_outputs(tx: Tx, vault: Vault, stack: Stack, run: Run, told: Applied) -> None:
    fresh: list[states.FreshOutput] | None
    if told.outputs is not None:
        fresh = [
            states.FreshOutput(o.name, o.value, o.sensitive, o.description) for o in told.outputs
        ]
    else:
        fresh = await states.outputs_of_current(tx, vault, stack.id)
    if fresh is not None:
        await states.publish_outputs(
            tx,
            vault,
            stack.id,
            fresh,
            run_id=run.id,
            keep_sensitive=stack.sensitive_output_upload,
        )


def _change_rows(run: Run, told: Planned) -> list[dict[str, Any]]:
    return [
        {
            "run_id": run.id,
            "position": position,
            "address": change.address,
            "previous_address": change.previous_address,
            "type": change.type,
            "action": change.action,
            "values": {"before": change.before, "after": change.after},
        }
        for position, change in enumerate(told.changes)
    ]


def _repeat_or_refuse(run: Run, phase: Phase) -> Verdict:
    ahead = _PHASE_OF.get(run.state)
    if ahead is not None and _ORDER.index(phase) < _ORDER.index(ahead):
        # The report was taken and its answer lost: say again where the run is.
        return _continue(run)
    return refused(run, f"a report on {phase.value} does not fit a run that is {run.state.value}")


_ORDER = [Phase.PREPARE, Phase.INIT, Phase.PLAN, Phase.APPLY, Phase.DESTROY, Phase.PERFORM]


def _continue(run: Run) -> Verdict:
    return Verdict(
        accepted=True,
        then=Then.CONTINUE,
        phase=_PHASE_OF[run.state],
        state=run.state.value,
        state_version=run.state_version,
    )


def _end(run: Run) -> Verdict:
    return Verdict(
        accepted=True, then=Then.END, state=run.state.value, state_version=run.state_version
    )


def refused(run: Run, reason: str = "the run is no longer yours") -> Verdict:
    """The answer to a report that changes nothing."""
    log.info("report refused", run_id=run.id, reason=reason, state=run.state.value)
    return Verdict(accepted=False, reason=reason, state=run.state.value)
