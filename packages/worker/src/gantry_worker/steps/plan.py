"""Initialising and planning with Terraform or OpenTofu."""

from __future__ import annotations

import asyncio

from gantry_protocol.calls import Change, Delta, PhaseDone, Planned, Report
from gantry_protocol.words import Phase

from gantry_worker.session import Session, StepFailed
from gantry_worker.steps.shell import phase_command, read_output
from gantry_worker.tools import overrides, terraform
from gantry_worker.tools.plan_json import PlanSummary, summarise
from gantry_worker.tools.redaction import BadPlan
from gantry_worker.workspace import digest

MAX_PLAN_JSON = 512 * 1024 * 1024
"""Bytes of a plan as JSON that a worker reads into memory; several GB would be its end."""
REPORTED = ("add", "change", "delete", "replace", "import", "move", "forget")


async def init(session: Session) -> Report:
    """`init`, with our backend in place of the code's own. Raises StepFailed, StepStopped."""
    override = overrides.backend_override() if session.manifest.backend else None
    if override is not None:
        (session.project / override.name).write_text(override.text)
    code = await phase_command(session, Phase.INIT, [*session.tool_argv(), *terraform.init_args()])
    if code != 0:
        raise StepFailed(f"Initialisation failed with exit code {code}.")
    if override is not None:
        await asyncio.to_thread(_check_backend, session)
    await _workspace(session)
    return PhaseDone(phase=Phase.INIT, tool_version=session.tool_version)


def _check_backend(session: Session) -> None:
    record = session.project / ".terraform" / "terraform.tfstate"
    variables = session.variables(Phase.INIT)
    if "TF_DATA_DIR" in variables:
        record = session.project / variables["TF_DATA_DIR"] / "terraform.tfstate"
    try:
        overrides.check_backend(record.read_bytes())
    except (overrides.ForeignBackend, OSError) as error:
        raise StepFailed(f"The managed state is not in use: {error}") from None


async def _workspace(session: Session) -> None:
    name = session.manifest.tool.workspace
    if name is None or session.manifest.backend is not None:
        return
    tool = session.tool_argv()
    try:
        await read_output(
            session, Phase.INIT, [*tool, *terraform.workspace_select_args(name)], 65536
        )
    except StepFailed:
        # It does not exist yet: make it, which also selects it.
        await read_output(session, Phase.INIT, [*tool, *terraform.workspace_new_args(name)], 65536)


async def plan(session: Session) -> Report:
    """`plan` into a file, and what it says. Raises StepFailed, StepStopped."""
    manifest, runtime = session.manifest, session.running()
    saved = session.workspace.plan
    saved.unlink(missing_ok=True)
    try:
        arguments = terraform.plan_args(
            runtime.inside(saved),
            destroy=manifest.destroy,
            refresh=manifest.refresh,
            # A preview changes nothing: it neither waits for the lock nor keeps others waiting.
            lock=manifest.run_type != "PROPOSED",
            targets=manifest.targets,
        )
    except terraform.BadArgument as error:
        raise StepFailed(str(error)) from None
    code = await phase_command(session, Phase.PLAN, [*session.tool_argv(), *arguments])
    outcome = terraform.plan_outcome(code)
    if outcome == "failed":
        raise StepFailed(f"Planning failed with exit code {code}.")
    if outcome == "no_changes":
        return Planned(changed=False, delta=Delta())
    summary = await _read(session)
    return Planned(
        changed=True,
        delta=_delta(summary),
        changes=_changes(summary),
        plan_sha256=await asyncio.to_thread(digest, saved),
    )


async def _read(session: Session) -> PlanSummary:
    arguments = terraform.show_plan_args(session.running().inside(session.workspace.plan))
    data = await read_output(session, Phase.PLAN, [*session.tool_argv(), *arguments], MAX_PLAN_JSON)
    try:
        return await asyncio.to_thread(summarise, data)
    except BadPlan as error:
        raise StepFailed(f"The plan cannot be read: {error}") from None


def _delta(summary: PlanSummary) -> Delta:
    delta = summary.delta
    return Delta.model_validate(
        {
            "add": delta.add,
            "change": delta.change,
            "delete": delta.delete,
            "import": delta.imported,
            "move": delta.move,
            "forget": delta.forget,
            "resources": summary.resource_count,
        }
    )


def _changes(summary: PlanSummary) -> list[Change]:
    return [
        Change(
            address=change.address,
            previous_address=change.previous_address,
            type=change.type,
            action=change.action,
            before=change.before,
            after=change.after,
        )
        for change in summary.changes
        if change.action in REPORTED or change.imported
    ]
