"""States that no backend took. They are sealed onto this worker's disk before anything else is
tried, then handed to the server, which keeps them apart until somebody has looked.

One file for each, `<run>-<fence>.sealed`: in the launcher's own `pending/` while the run may still
save the state itself, then in `unsaved/`, which all launchers of a machine share. Whichever of the
pool's is there next hands it over.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import re
import shutil
import tempfile
import zlib
from pathlib import Path

import structlog
from gantry_protocol.calls import MAX_UNSAVED_STATE, Held

from gantry_worker import returned
from gantry_worker.control_plane import ControlPlane, Refused, ServerAway
from gantry_worker.keys import CorruptWorkspace, PoolKey
from gantry_worker.removal import remove_tree
from gantry_worker.workspace import Workspace

log = structlog.get_logger()

MAX_STATE = 1024 * 1024 * 1024
"""Bytes of a state that is kept: several times the largest known, and no fill for a disk."""

BETWEEN_TRIES = 60.0
"""Seconds until states that the server did not take are offered again."""

_NAME = re.compile(r"(?P<run>[0-9A-Za-z]{1,64})-(?P<fence>[0-9]{1,18})\.sealed")
_LEVEL = 6  # gzip's own default: states shrink to a tenth, and more effort gains little


def shared(work_dir: Path) -> Path:
    """Where launchers that work below the same directory keep states that nobody has taken."""
    return work_dir.parent / "unsaved"


def pending(work_dir: Path) -> Path:
    """Where this launcher keeps states that their runs may yet save."""
    return work_dir / "pending"


def seal(workspace: Workspace, name: str, key: PoolKey, lease: Held, where: Path) -> Path:
    """Seal the file `name` of a run's workspace into `where`; the path it has there. Blocking.

    Raises FileNotFoundError and Unfit for what is not a plain file of MAX_STATE, and OSError.
    """
    where.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = where / f"{lease.run_id}-{lease.fence}.sealed"
    packed = workspace.own / "errored.gz"
    try:
        with returned.opened(workspace.root, name, MAX_STATE) as source, packed.open("wb") as file:
            packed.chmod(0o600)
            with gzip.GzipFile("", "wb", _LEVEL, file) as into:
                shutil.copyfileobj(source, into)
        key.seal_file(packed, target, run_id=_binding(lease.run_id))
    finally:
        packed.unlink(missing_ok=True)
    _to_disk(target)
    return target


def pack(workspace: Workspace, name: str) -> bytes | None:
    """The file gzipped in memory, for when the disk is full; None for more than a request takes.

    Blocking. Raises as `seal` does.
    """
    packed, squeeze = bytearray(), zlib.compressobj(_LEVEL, wbits=zlib.MAX_WBITS | 16)
    with returned.opened(workspace.root, name, MAX_STATE) as source:
        while chunk := source.read(returned.CHUNK):
            packed += squeeze.compress(chunk)
            if len(packed) > MAX_UNSAVED_STATE:
                return None
    packed += squeeze.flush()
    return bytes(packed) if len(packed) <= MAX_UNSAVED_STATE else None


def publish(sealed: Path, work_dir: Path) -> Path:
    """The run is over and has not saved it: whoever is there may hand it over now. Blocking."""
    where = shared(work_dir)
    where.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = sealed.replace(where / sealed.name)
    _sync(where)
    return target


def take_over(work_dir: Path, key: PoolKey) -> int:
    """Publish what a killed worker was about to save, or had left in a workspace; how many.

    Blocking; to be called before workspaces are cleared, while no run is at work here.
    """
    runs, found = work_dir / "runs", 0
    for note in runs.glob("*.own/executing"):
        workspace = Workspace(runs / note.parent.name.removesuffix(".own"))
        run_id, _, fence = workspace.root.name.rpartition("-")
        try:
            name = note.read_text()
            if returned.exists(workspace.root, name):
                lease = Held(run_id=run_id, fence=int(fence))
                seal(workspace, name, key, lease, pending(work_dir))
        except (returned.Unfit, OSError, ValueError) as error:
            log.error("left-over state not kept", path=str(workspace.root), reason=str(error))
    for sealed in pending(work_dir).glob("*.sealed"):
        publish(sealed, work_dir)
        found += 1
    return found


async def hand_over(server: ControlPlane, key: PoolKey, sealed: Path, scratch: Path) -> bool:
    """Give a kept state to the server; the file goes when the server has it.

    False when it could not be given now, or ever; the log says why. What will never be taken is
    renamed, and stays for people. `scratch` is a directory that is cleared at the next start.
    """
    found = _NAME.fullmatch(sealed.name)
    if found is None:
        return False
    lease = Held(run_id=found["run"], fence=int(found["fence"]))
    try:
        packed = await asyncio.to_thread(_open, sealed, key, lease.run_id, scratch)
        if packed is None:
            return False
        if len(packed) > MAX_UNSAVED_STATE:
            await _set_aside(sealed, ".large", "it is larger than one request may be")
            return False
        answer = await server.keep_state(lease, packed)
        if not answer.accepted:
            await _set_aside(sealed, ".refused", answer.reason)
            return False
        await asyncio.to_thread(sealed.unlink, missing_ok=True)
    except (ServerAway, Refused, OSError) as error:
        log.warning("unsaved state not handed over", path=str(sealed), reason=str(error))
        return False
    log.info("unsaved state handed over", run_id=lease.run_id)
    return True


async def hand_over_all(server: ControlPlane, key: PoolKey, work_dir: Path) -> None:
    """Offer whatever is kept, once."""
    where = shared(work_dir)
    for sealed in await asyncio.to_thread(lambda: sorted(where.glob("*.sealed"))):
        await hand_over(server, key, sealed, work_dir / "runs")


async def _set_aside(sealed: Path, ending: str, reason: str) -> None:
    kept = sealed.with_suffix(ending)
    await asyncio.to_thread(sealed.replace, kept)
    log.error("unsaved state is not taken by the server", path=str(kept), reason=reason)


def _open(sealed: Path, key: PoolKey, run_id: str, scratch: Path) -> bytes | None:
    """The state, gzipped, or the beginning of one that is too large; None when it is not ours."""
    scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Below what is cleared at the next start: a worker that is killed leaves nothing unsealed.
    place = Path(tempfile.mkdtemp(dir=scratch, prefix="unsealed-"))
    try:
        key.open_file(sealed, place / "state", run_id=_binding(run_id))
        with (place / "state").open("rb") as file:
            return file.read(MAX_UNSAVED_STATE + 1)
    except CorruptWorkspace as error:
        log.info("unsaved state is not for this worker", path=str(sealed), reason=str(error))
        return None
    except FileNotFoundError:
        return None  # another launcher was faster
    finally:
        remove_tree(place)


def _binding(run_id: str) -> str:
    """Sealed so, a state never passes for a run's workspace."""
    return f"{run_id}/unsaved-state"


def _to_disk(path: Path) -> None:
    """It is the only copy there is: it has to outlast a machine that loses its power now."""
    _sync(path)
    _sync(path.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
