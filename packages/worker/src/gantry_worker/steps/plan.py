"""Initialising and planning with Terraform or OpenTofu."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import PurePath

import structlog
from gantry_protocol.calls import Change, Delta, PhaseDone, Planned, Report
from gantry_protocol.words import Phase, Step

from gantry_worker import environment, returned
from gantry_worker.control_plane import Refused, ServerAway
from gantry_worker.session import Session, StepFailed
from gantry_worker.steps.shell import phase_command, read_output
from gantry_worker.tools import overrides, terraform
from gantry_worker.tools.plan_document import masked, packed, shareable
from gantry_worker.tools.plan_json import PlanSummary, read_plan, summarise
from gantry_worker.tools.redaction import BadPlan
from gantry_worker.workspace import PLAN

log = structlog.get_logger()

MAX_PLAN_JSON = 512 * 1024 * 1024
"""Bytes of a plan as JSON that a worker reads into memory; several GB would be its end."""
MAX_RECORD = 16 * 1024 * 1024
"""Bytes of init's record of the backend; it has a few hundred."""
NO_LOCK = "SPACELIFT_DISABLE_STATE_LOCK"
REPORTED = ("add", "change", "delete", "replace", "import", "move", "forget")


async def init(session: Session) -> Report:
    """`init`, with our backend in place of the code's own. Raises StepFailed, StepStopped."""
    override = overrides.backend_override() if session.manifest.backend else None
    if override is not None:
        await asyncio.to_thread(_put, session, override)
    argv = [*session.tool_argv(), *terraform.init_args()]
    with session.timings.step(Phase.INIT, Step.TOOL_INIT):
        code = await phase_command(session, Phase.INIT, argv)
        if code != 0:
            raise StepFailed(f"Initialisation failed with exit code {code}.")
    if override is not None:
        await asyncio.to_thread(_check_backend, session)
    await _workspace(session)
    return PhaseDone(phase=Phase.INIT, tool_version=session.tool_version)


def _put(session: Session, override: overrides.OverrideFile) -> None:
    try:
        returned.put(session.project, override.name, override.text.encode(), 0o644)
    except returned.Unfit as error:
        raise StepFailed(f"The managed state cannot be set up: {error}.") from None


def _check_backend(session: Session) -> None:
    root = session.workspace.root.resolve()
    directory = session.variables(Phase.INIT).get("TF_DATA_DIR", ".terraform")
    # An absolute one is a name of the sandbox; what is not in the workspace is gone by now.
    at = PurePath(directory)
    if at.is_relative_to(session.running().inside(root)):
        at = at.relative_to(session.running().inside(root))
    else:
        at = PurePath(os.path.normpath(session.project.relative_to(root) / at))
    try:
        record = returned.read(root, str(at / "terraform.tfstate"), MAX_RECORD)
        overrides.check_backend(record)
    except (overrides.ForeignBackend, returned.Unfit, OSError) as error:
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
    manifest, runtime, workspace = session.manifest, session.running(), session.workspace
    workspace.plan.unlink(missing_ok=True)
    try:
        unlocked = environment.truth(NO_LOCK, session.variables(Phase.PLAN).get(NO_LOCK, ""))
    except ValueError as error:
        raise StepFailed(str(error)) from None
    try:
        arguments = terraform.plan_args(
            runtime.inside(workspace.back / PLAN),
            destroy=manifest.destroy,
            refresh=manifest.refresh,
            # A preview changes nothing: it neither waits for the lock nor keeps others waiting.
            lock=manifest.run_type != "PROPOSED" and not unlocked,
            targets=manifest.targets,
        )
    except terraform.BadArgument as error:
        raise StepFailed(str(error)) from None
    with session.timings.step(Phase.PLAN, Step.TOOL_PLAN):
        code = await phase_command(session, Phase.PLAN, [*session.tool_argv(), *arguments])
        outcome = terraform.plan_outcome(code)
        if outcome == "failed":
            raise StepFailed(f"Planning failed with exit code {code}.")
    if outcome == "no_changes":
        return Planned(changed=False, delta=Delta())
    try:
        with session.timings.step(Phase.PLAN, Step.KEEP_PLAN):
            # What is shown, confirmed and applied is this copy, which no command can change.
            session.plan_sha256 = await asyncio.to_thread(workspace.keep_plan)
    except (returned.Unfit, FileNotFoundError) as error:
        raise StepFailed(f"The plan cannot be kept: {error}.") from None
    arguments = terraform.show_plan_args(runtime.inside(workspace.plan))
    argv = [*session.tool_argv(), *arguments]
    with session.timings.step(Phase.PLAN, Step.TOOL_SHOW):
        data = await read_output(session, Phase.PLAN, argv, MAX_PLAN_JSON)
    try:
        with session.timings.step(Phase.PLAN, Step.READ_PLAN):
            found = await asyncio.to_thread(_understand, session, data)
    except BadPlan as error:
        raise StepFailed(f"The plan cannot be read: {error}") from None
    except RecursionError:
        raise StepFailed("The plan cannot be read: it is nested too deeply.") from None
    return Planned(
        changed=True,
        delta=_delta(found.summary),
        changes=found.changes,
        plan_sha256=session.plan_sha256,
        plan_json_key=await _keep(session, found.document),
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """What a plan does, and the plan itself as it may be kept."""

    summary: PlanSummary
    changes: list[Change]
    document: bytes


def _understand(session: Session, data: bytes) -> _Found:
    """Blocking: a plan may have some hundred megabytes."""
    plan = read_plan(data)
    summary, document = summarise(plan), shareable(plan)
    changes = _changes(summary)
    if session.journal.holds_secrets(data):
        # Terraform marks what its own configuration calls sensitive; what comes in as a secret
        # variable of the run it does not know.
        mask = session.journal.masked
        document = masked(document, mask)
        changes = [Change.model_validate(masked(change.model_dump(), mask)) for change in changes]
    return _Found(summary, changes, packed(document))


async def _keep(session: Session, document: bytes) -> str | None:
    """Store the plan for people and policies; a run does not fail for want of it."""
    manifest = session.manifest
    if manifest.plan_json_url is None:
        return None
    try:
        with session.timings.step(Phase.PLAN, Step.UPLOAD_PLAN):
            await session.server.store(manifest.plan_json_url, document)
    except (Refused, ServerAway) as error:
        log.warning("plan not stored", run_id=manifest.run_id, reason=str(error))
        await session.journal.say("The plan could not be stored as JSON; the run goes on.")
        return None
    return manifest.plan_json_key


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
