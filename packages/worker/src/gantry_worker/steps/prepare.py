"""Bringing everything together: source or stored workspace, files, tool."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path

from gantry_protocol.calls import PhaseDone, Report
from gantry_protocol.versions import BadConstraint
from gantry_protocol.words import Phase, Step

from gantry_worker import returned
from gantry_worker.archive import open_sealed
from gantry_worker.control_plane import Refused, ServerAway
from gantry_worker.keys import CorruptWorkspace
from gantry_worker.runtimes.base import ForRun
from gantry_worker.runtimes.images import NoImage
from gantry_worker.runtimes.supervised import HOME
from gantry_worker.session import Session, StepFailed, StepStopped
from gantry_worker.settings import environment as worker_environment
from gantry_worker.sparse import Sparse
from gantry_worker.tools.binaries import Binary, NoSuchTool, find
from gantry_worker.tools.mirror import Mirror, ToolName, mirror_for
from gantry_worker.unpacking import MAX_UNPACKED, unpack
from gantry_worker.workspace import BadWorkspace, digest, write_files

MAX_SOURCE = 2 * 1024**3
"""Bytes of a commit's archive: the largest repositories that hosts take have a few hundred
megabytes without their history."""
MAX_STORED = MAX_UNPACKED + 1024**3
"""Bytes of a stored workspace: the most that is stored, with headers and seals."""


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
        with session.timings.step(Phase.PREPARE, Step.WRITE_FILES):
            await asyncio.to_thread(write_files, workspace, manifest.files)
        session.authorities = await asyncio.to_thread(_authorities, session)
        project = workspace.project(manifest.project_root)
    except (BadWorkspace, CorruptWorkspace) as error:
        raise StepFailed(str(error)) from None
    except (Refused, ServerAway) as error:
        raise StepFailed(f"The workspace could not be fetched: {error}.") from None
    except OSError as error:
        raise StepFailed(f"The workspace could not be made: {error.strerror}.") from None
    await _check_plan(session)
    with session.timings.step(Phase.PREPARE, Step.FIND_TOOL):
        binary = await _tool(session)
    session.tool, session.tool_version = binary.path, binary.version
    for_run = await _surroundings(session)
    session.runtime = for_run(
        workspace.root, read_only=_visible(session, binary.path), writable=[workspace.back]
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
    workspace = session.workspace
    archive = workspace.incoming / "source.tar.gz"
    paths = session.manifest.sparse_paths
    part = Sparse(paths, session.manifest.project_root) if paths else None
    with session.timings.step(Phase.PREPARE, Step.FETCH_SOURCE):
        await session.server.download(url, archive, limit=MAX_SOURCE)
    with session.timings.step(Phase.PREPARE, Step.UNPACK_SOURCE):
        await unpack(
            archive,
            workspace.source,
            workspace,
            session.choice,
            session.stop,
            checked=True,
            part=part,
        )
    archive.unlink()
    if part is not None:
        await session.journal.say(f"A part of the source was unpacked: {', '.join(part.names)}")
        if part.missing:
            await session.journal.say(f"The source does not have: {', '.join(part.missing)}")


async def _stored_workspace(session: Session, url: str) -> None:
    workspace = session.workspace
    sealed = workspace.incoming / "workspace.sealed"
    with session.timings.step(Phase.PREPARE, Step.FETCH_WORKSPACE):
        await session.server.download(url, sealed, limit=MAX_STORED)
    with session.timings.step(Phase.PREPARE, Step.UNPACK_WORKSPACE):
        await _open(session, sealed)


async def _open(session: Session, sealed: Path) -> None:
    workspace = session.workspace
    archive = await asyncio.to_thread(
        open_sealed, sealed, session.key, session.manifest.run_id, workspace
    )
    await asyncio.to_thread(sealed.unlink)
    if await asyncio.to_thread(workspace.masks.exists):
        asked = await asyncio.to_thread(workspace.masks.read_text)
        session.journal.mask_asked(json.loads(asked))
    await unpack(archive, workspace.root, workspace, session.choice, session.stop, checked=False)
    archive.unlink()


async def _check_plan(session: Session) -> None:
    wanted, plan = session.manifest.plan_sha256, session.workspace.plan
    if wanted is None:
        return
    if not plan.is_file() or await asyncio.to_thread(digest, plan) != wanted:
        raise StepFailed("The plan in the workspace is not the one that was confirmed.")
    session.plan_sha256 = wanted


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


def _authorities(session: Session) -> Path | None:
    """A file of all authorities, where the operator adds some to the system's."""
    pem = session.settings.trust.as_pem()
    if pem is None:
        return None
    file = session.workspace.scripts / "authorities.pem"
    file.write_text(pem)
    return file


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
        trust=settings.trust,
    )


def _cache(session: Session) -> Path:
    return session.settings.work_dir / "tools"


async def _surroundings(session: Session) -> ForRun:
    """What makes the run's runtime; its image is there then, if it needs one."""
    if session.choice.docker is None:
        return session.choice.for_run
    getting = asyncio.ensure_future(
        session.choice.docker.for_image(session.manifest.runner_image, session.journal.say)
    )
    stopped = asyncio.ensure_future(session.stop.wait())
    try:
        async with asyncio.timeout(session.left.total_seconds()):
            await asyncio.wait({getting, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if not getting.done():
            raise StepStopped
        return getting.result()
    except TimeoutError:
        raise StepFailed("The run's time was over before its image was there.") from None
    except NoImage as error:
        raise StepFailed(str(error)) from None
    finally:
        getting.cancel()
        stopped.cancel()
        await asyncio.gather(getting, stopped, return_exceptions=True)


def _visible(session: Session, binary: Path) -> list[Path]:
    workspace = session.workspace
    if session.choice.docker is not None:
        # /usr and all else are the image's in there; the tool is a file beside what it has.
        return [binary, workspace.scripts, workspace.kept]
    # What lies below /usr is visible anyway; a tool from elsewhere has to be shown.
    tools = [] if binary.is_relative_to("/usr") else [binary.parent]
    return [*tools, workspace.scripts, workspace.kept]


def _terraformrc(session: Session) -> None:
    """Mounted files that end in .terraformrc are the run's ~/.terraformrc, one after another."""
    texts = [
        base64.b64decode(file.content)
        for file in session.manifest.files
        if file.path.endswith(".terraformrc")
    ]
    if not texts:
        return
    try:
        returned.put(session.workspace.root, f"{HOME}/.terraformrc", b"\n".join(texts))
    except returned.Unfit as error:
        raise StepFailed(f"The mounted .terraformrc cannot be put in place: {error}.") from None
