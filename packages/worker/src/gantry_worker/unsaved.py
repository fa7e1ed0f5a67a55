"""States that no backend took. They are sealed onto this worker's disk first, then handed to the
server, which keeps them apart from the stack's state until somebody has looked.

One file for each, `<run>-<fence>.sealed`, in a directory that all launchers of a machine share:
whichever of the pool's is there next hands it over.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import re
import shutil
import tempfile
from pathlib import Path

import structlog
from gantry_protocol.calls import MAX_UNSAVED_STATE, Held

from gantry_worker import returned
from gantry_worker.control_plane import ControlPlane, Refused, ServerAway
from gantry_worker.keys import CorruptWorkspace, PoolKey
from gantry_worker.workspace import Workspace

log = structlog.get_logger()

MAX_STATE = 1024 * 1024 * 1024
"""Bytes of a state that is kept: several times the largest known, and no fill for a disk."""

BETWEEN_TRIES = 60.0
"""Seconds until states that the server did not take are offered again."""

_NAME = re.compile(r"(?P<run>[0-9A-Za-z]{1,64})-(?P<fence>[0-9]{1,18})\.sealed")


def place(work_dir: Path) -> Path:
    """Where launchers that work below the same directory keep states that nobody has taken."""
    return work_dir.parent / "unsaved"


def keep(workspace: Workspace, name: str, key: PoolKey, lease: Held, where: Path) -> Path:
    """Seal the file `name` of a run's workspace into `where`; the path it has there. Blocking.

    Raises FileNotFoundError and Unfit for what is not a plain file of MAX_STATE, and OSError.
    """
    where.mkdir(mode=0o700, parents=True, exist_ok=True)
    target = where / f"{lease.run_id}-{lease.fence}.sealed"
    plain, packed = (workspace.own / f"errored.{end}" for end in ("tfstate", "gz"))
    try:
        returned.copy(workspace.root, name, plain, MAX_STATE)
        with plain.open("rb") as source, gzip.open(packed, "wb") as into:
            packed.chmod(0o600)
            shutil.copyfileobj(source, into)
        key.seal_file(packed, target, run_id=_binding(lease.run_id))
    finally:
        plain.unlink(missing_ok=True)
        packed.unlink(missing_ok=True)
    _to_disk(target)
    return target


async def hand_over(server: ControlPlane, key: PoolKey, sealed: Path) -> bool:
    """Give a kept state to the server; the file goes when the server has it.

    False when it could not be given now, or ever; the file stays, and the log says why.
    """
    found = _NAME.fullmatch(sealed.name)
    if found is None:
        return False
    lease = Held(run_id=found["run"], fence=int(found["fence"]))
    try:
        packed = await asyncio.to_thread(_open, sealed, key, lease.run_id)
        if packed is None:
            return False
        answer = await server.keep_state(lease, packed)
    except (ServerAway, Refused, OSError) as error:
        log.warning("unsaved state not handed over", path=str(sealed), reason=str(error))
        return False
    if not answer.accepted:
        log.error("unsaved state not taken", path=str(sealed), reason=answer.reason)
        return False
    await asyncio.to_thread(sealed.unlink, missing_ok=True)
    log.info("unsaved state handed over", run_id=lease.run_id)
    return True


async def hand_over_all(server: ControlPlane, key: PoolKey, where: Path) -> None:
    """Offer whatever is kept, once."""
    for sealed in await asyncio.to_thread(lambda: sorted(where.glob("*.sealed"))):
        await hand_over(server, key, sealed)


def _open(sealed: Path, key: PoolKey, run_id: str) -> bytes | None:
    """The state, gzipped; None when it is another pool's, or too large to be sent."""
    handle, name = tempfile.mkstemp(dir=sealed.parent, prefix=".")
    os.close(handle)
    plain = Path(name)
    try:
        key.open_file(sealed, plain, run_id=_binding(run_id))
        if plain.stat().st_size > MAX_UNSAVED_STATE:
            log.error("unsaved state too large for the server", path=str(sealed))
            return None
        return plain.read_bytes()
    except CorruptWorkspace as error:
        log.info("unsaved state is not for this worker", path=str(sealed), reason=str(error))
        return None
    except FileNotFoundError:
        return None  # another launcher was faster
    finally:
        plain.unlink(missing_ok=True)


def _binding(run_id: str) -> str:
    """Sealed so, a state never passes for a run's workspace."""
    return f"{run_id}/unsaved-state"


def _to_disk(path: Path) -> None:
    """It is the only copy there is: it has to outlast a machine that loses its power now."""
    for each in (path, path.parent):
        handle = os.open(each, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
