"""A workspace put away until its run is confirmed, and back in place afterwards."""

from __future__ import annotations

import os
import shutil
import stat
import tarfile
from pathlib import Path

from gantry_worker.keys import PoolKey
from gantry_worker.unpacking import APART, MAX_MEMBERS, MAX_UNPACKED
from gantry_worker.workspace import BadWorkspace, Workspace

ARCHIVE = "workspace.tar"


def pack(workspace: Workspace, key: PoolKey, run_id: str, target: Path) -> None:
    """Archive workspace and plan, encrypted to the pool's key and bound to the run. Blocking.

    Raises BadWorkspace for more than could be unpacked again, OSError, tarfile.TarError.
    """
    _measure(workspace.root)
    plain = target.with_suffix(".tar")
    try:
        # Not compressed: providers are most of it, and zipped already; time counts more.
        with tarfile.open(plain, "w", format=tarfile.PAX_FORMAT) as tar:
            for kept in (workspace.plan, workspace.masks):
                if kept.exists():
                    tar.add(kept, arcname=f"{APART}/{kept.name}")
            tar.add(workspace.root, arcname=".", filter=_ordinary)
        key.seal_file(plain, target, run_id=run_id)
    finally:
        plain.unlink(missing_ok=True)


def open_sealed(sealed: Path, key: PoolKey, run_id: str, workspace: Workspace) -> Path:
    """Put what is the worker's own of a stored workspace in its place; the archive of the rest.

    Blocking. The archive lies in `workspace.incoming`, ready to be unpacked.
    Raises BadWorkspace, CorruptWorkspace.
    """
    plain = workspace.incoming / ARCHIVE
    places = {f"{APART}/{kept.name}": kept for kept in (workspace.plan, workspace.masks)}
    key.open_file(sealed, plain, run_id=run_id)
    try:
        with tarfile.open(plain, "r:") as tar:
            # They come first; behind them is what commands had a hand in.
            for _ in places:
                member = tar.next()
                target = places.get(member.name) if member and member.isreg() else None
                content = tar.extractfile(member) if member and target else None
                if target is None or content is None:
                    break
                with target.open("wb") as file:
                    shutil.copyfileobj(content, file)
                target.chmod(0o600)
    except tarfile.TarError as error:
        raise BadWorkspace(f"The stored workspace cannot be unpacked: {error}.") from None
    return plain


def _ordinary(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Neither pipes and devices, which mean nothing later, nor what would pass for ours."""
    if not (member.isreg() or member.isdir() or member.issym() or member.islnk()):
        return None
    return None if member.name in (f"./{APART}", APART) else member


def _measure(root: Path) -> None:
    """A file with holes takes no room on this disk, and all of it in an archive."""
    total = members = 0
    waiting = [str(root)]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                found = entry.stat(follow_symlinks=False)
                members += 1
                total += found.st_size if stat.S_ISREG(found.st_mode) else 0
                if total > MAX_UNPACKED or members > MAX_MEMBERS:
                    raise BadWorkspace(
                        "The workspace is too large to be stored until the run is confirmed: at"
                        f" most {MAX_UNPACKED // 1024**3} GiB in {MAX_MEMBERS} files. Remove what"
                        " the hooks and tools leave behind."
                    )
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
