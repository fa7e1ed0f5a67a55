"""Bringing everything together: source or stored workspace, files, tool."""

from __future__ import annotations

import asyncio
from pathlib import Path

from gantry_protocol.calls import PhaseDone, Report
from gantry_protocol.words import Phase

from gantry_worker.control_plane import Refused, ServerAway
from gantry_worker.keys import CorruptWorkspace
from gantry_worker.session import Session, StepFailed, StepStopped
from gantry_worker.settings import environment as worker_environment
from gantry_worker.tools.binaries import Binary, NoSuchTool, find
from gantry_worker.tools.mirror import Mirror, ToolName, mirror_for
from gantry_worker.tools.versions import BadConstraint
from gantry_worker.workspace import (
    BadWorkspace,
    digest,
    unpack_source,
    unpack_workspace,
    write_files,
)


async def prepare(session: Session) -> Report:
    """Have a workspace in which the next phase can run. Raises StepFailed, StepStopped."""
    manifest, workspace = session.manifest, session.workspace
    await session.journal.say(f"Worker {session.worker_id} prepares run {manifest.run_id}")
    try:
        await asyncio.to_thread(workspace.make)
        if manifest.workspace_url is not None:
            await _stored_workspace(session, manifest.workspace_url)
        elif manifest.source_url is not None:
            await _source(session, manifest.source_url)
        await asyncio.to_thread(write_files, workspace, manifest.files)
        project = workspace.project(manifest.project_root)
    except (BadWorkspace, CorruptWorkspace) as error:
        raise StepFailed(str(error)) from None
    except (Refused, ServerAway) as error:
        raise StepFailed(f"The workspace could not be fetched: {error}.") from None
    await _check_plan(session)
    binary = await _tool(session)
    session.tool, session.tool_version = binary.path, binary.version
    session.runtime = session.choice.for_run(
        workspace.root, read_only=_needed_outside(session, binary.path)
    )
    await asyncio.to_thread(_terraformrc, session)
    session.started = True
    await session.journal.say(f"{manifest.tool.name} {binary.version} at {binary.path}")
    if not session.choice.isolates:
        await session.journal.say("This worker runs commands without isolation.")
    if session.stop.is_set():
        raise StepStopped
    await session.journal.say(f"Ready in {project.relative_to(workspace.root.resolve())}")
    return PhaseDone(phase=Phase.PREPARE, tool_version=binary.version)


async def _source(session: Session, url: str) -> None:
    archive = session.workspace.own / "source.tar.gz"
    await session.server.download(url, archive)
    await asyncio.to_thread(unpack_source, archive, session.workspace)
    archive.unlink()


async def _stored_workspace(session: Session, url: str) -> None:
    sealed = session.workspace.root.with_suffix(".sealed")
    try:
        await session.server.download(url, sealed)
        await asyncio.to_thread(
            unpack_workspace, sealed, session.key, session.manifest.run_id, session.workspace
        )
    finally:
        sealed.unlink(missing_ok=True)


async def _check_plan(session: Session) -> None:
    wanted, plan = session.manifest.plan_sha256, session.workspace.plan
    if wanted is None:
        return
    if not plan.is_file() or await asyncio.to_thread(digest, plan) != wanted:
        raise StepFailed("The plan in the workspace is not the one that was confirmed.")


async def _tool(session: Session) -> Binary:
    tool = session.manifest.tool
    name: ToolName = "opentofu" if tool.name == "opentofu" else "terraform"
    path = worker_environment().get("PATH", "")
    try:
        return await find(
            name, tool.constraint, cache=_cache(session), mirror=_mirror(session, name), path=path
        )
    except (NoSuchTool, BadConstraint) as error:
        raise StepFailed(str(error)) from None


def _mirror(session: Session, name: ToolName) -> Mirror | None:
    settings = session.settings
    terraform = name == "terraform"
    base = settings.terraform_mirror if terraform else settings.opentofu_mirror
    if base == "none":
        return None
    return mirror_for(
        name,
        base=base,
        keyring=settings.terraform_key if terraform else settings.opentofu_key,
        allow_unsigned=settings.allow_unsigned,
    )


def _cache(session: Session) -> Path:
    return session.settings.work_dir / "tools"


def _needed_outside(session: Session, binary: Path) -> list[Path]:
    # What lies below /usr is visible anyway; a tool from elsewhere has to be shown.
    return [] if binary.is_relative_to("/usr") else [binary.parent]


def _terraformrc(session: Session) -> None:
    """Mounted files that end in .terraformrc are the run's ~/.terraformrc, one after another."""
    texts = [
        (session.workspace.root / file.path).read_text("utf-8", "replace")
        for file in session.manifest.files
        if file.path.endswith(".terraformrc")
    ]
    if texts:
        with (session.workspace.root / ".home" / ".terraformrc").open("a") as file:
            file.write("\n".join(texts))
