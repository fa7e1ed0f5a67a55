"""Changing things: applying a plan, destroying, performing a task."""

from __future__ import annotations

import asyncio
import json

from gantry_protocol.calls import Applied, Output, PhaseDone, Report, Resource
from gantry_protocol.words import Phase, Step

from gantry_worker import environment
from gantry_worker.session import Session, StepFailed
from gantry_worker.steps import rescue
from gantry_worker.steps.shell import beginning, read_output
from gantry_worker.tools import terraform
from gantry_worker.tools.plan_document import masked
from gantry_worker.tools.plan_json import applied_state
from gantry_worker.tools.redaction import BadPlan
from gantry_worker.workspace import digest

MAX_STATE_JSON = 512 * 1024 * 1024
"""Bytes of a state as JSON that a worker reads into memory."""


async def apply(session: Session) -> Report:
    """Do what the saved plan says."""
    return await _apply(session, Phase.APPLY)


async def destroy(session: Session) -> Report:
    """Do what the saved plan of a destruction says."""
    return await _apply(session, Phase.DESTROY)


async def _apply(session: Session, phase: Phase) -> Report:
    if phase is Phase.APPLY and _asks(session, phase, SKIP_APPLYING):
        await session.journal.say(f"Skipped, as {SKIP_APPLYING} asks.")
        return Applied(phase=phase)
    await _check_plan(session)
    plan = session.running().inside(session.workspace.plan)
    argv = [*session.tool_argv(), *terraform.apply_args(plan)]
    with session.timings.step(phase, Step.TOOL_APPLY):
        await rescue.changing(session, phase, argv, failed="Applying failed")
    if not session.manifest.upload_outputs:
        return Applied(phase=phase)
    return await _with_state(session, phase)


async def _check_plan(session: Session) -> None:
    """Only what was shown is applied, whoever decided to apply it."""
    wanted, plan = session.plan_sha256, session.workspace.plan
    if wanted is None or not plan.is_file() or await asyncio.to_thread(digest, plan) != wanted:
        raise StepFailed("The plan is not there any more, or is not the one that was shown.")


SKIP_APPLYING = "SPACELIFT_SKIP_APPLYING"
"""There is no such thing for destroying but in module tests: a stack whose destruction was
skipped would be deleted, and what it manages forgotten."""


def _asks(session: Session, phase: Phase, name: str) -> bool:
    try:
        return environment.truth(name, session.variables(phase).get(name, ""))
    except ValueError as error:
        raise StepFailed(str(error)) from None


async def _with_state(session: Session, phase: Phase) -> Report:
    reveal = session.manifest.upload_sensitive_outputs and session.settings.sensitive_outputs
    argv = [*session.tool_argv(), *terraform.show_state_args()]
    with session.timings.step(phase, Step.TOOL_SHOW):
        data = await read_output(session, phase, argv, MAX_STATE_JSON)
    mask = session.journal.masked if session.journal.holds_secrets(data) else None
    try:
        state = await asyncio.to_thread(lambda: applied_state(data, reveal=reveal))
    except BadPlan as error:
        raise StepFailed(f"Applied, but the state cannot be read: {error}") from None
    return Applied(
        phase=phase,
        outputs=[Output(name=o.name, value=o.value, sensitive=o.sensitive) for o in state.outputs],
        resources=[
            Resource(
                address=r.address,
                type=r.type,
                name=r.name,
                mode=r.mode,
                module=r.module,
                provider=r.provider,
                tainted=r.tainted,
                values=json.dumps(masked(r.values, mask) if mask else r.values, sort_keys=True),
            )
            for r in state.resources
        ],
    )


async def perform(session: Session) -> Report:
    """A task: the person's command, in a shell of the stack's workspace."""
    command = session.workspace.scripts / "task.sh"
    with beginning(Phase.PERFORM):
        command.write_text((session.manifest.command or "") + "\n")
    argv = ["sh", session.running().inside(command)]
    with session.timings.step(Phase.PERFORM, Step.TASK):
        await rescue.changing(session, Phase.PERFORM, argv, failed="The command failed")
    return PhaseDone(phase=Phase.PERFORM)
