"""A run's directory: the commit's tree, mounted files, our own notes, and its archive.

<root>/source/     the repository, and whatever the run's tools make in it
<root>/.gantry/    scripts, the saved plan, the environment handed from phase to phase
<root>/…           mounted files, where the stack put them
"""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from gantry_protocol.manifest import MountedFile

from gantry_worker.keys import PoolKey

MAX_UNPACKED = 8 * 1024**3
"""Bytes a tree may unpack to: providers of a large stack take one or two."""
MAX_MEMBERS = 500_000


class BadWorkspace(Exception):
    """The tree cannot be used; the message is for the person who reads the run."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """Paths on the worker's disk."""

    root: Path

    @property
    def source(self) -> Path:
        """Where the repository lies."""
        return self.root / "source"

    @property
    def own(self) -> Path:
        """What the worker keeps for itself between phases."""
        return self.root / ".gantry"

    @property
    def plan(self) -> Path:
        """The saved plan."""
        return self.own / "plan.tfplan"

    def project(self, project_root: str) -> Path:
        """The stack's directory. Raises BadWorkspace when the commit has none of that name."""
        path = (self.source / project_root).resolve()
        if not path.is_relative_to(self.source.resolve()):
            raise BadWorkspace(f'The project root "{project_root}" leads out of the repository.')
        if not path.is_dir():
            raise BadWorkspace(f'There is no directory "{project_root}" in this commit.')
        return path

    def make(self) -> None:
        """Make the directories, for the worker's eyes only."""
        self.root.mkdir(parents=True, mode=0o700, exist_ok=True)
        self.source.mkdir(exist_ok=True)
        self.own.mkdir(exist_ok=True)

    def remove(self) -> None:
        """Leave nothing behind, whatever modes the run's tools gave their files."""

        def unlock(function: object, path: str, error: BaseException) -> None:
            os.chmod(Path(path).parent, 0o700)  # noqa: PTH101 - rmtree hands a text
            if callable(function):
                function(path)

        if self.root.exists():
            shutil.rmtree(self.root, onerror=lambda f, p, e: unlock(f, p, e[1]))


def unpack_source(archive: Path, workspace: Workspace) -> None:
    """Unpack a gzipped tar of a repository. Raises BadWorkspace for what leads out of it."""
    _unpack(archive, workspace.source, "r:gz")


def _unpack(archive: Path, target: Path, mode: str) -> None:
    total = members = 0
    try:
        with tarfile.open(archive, mode) as tar:  # type: ignore[call-overload]
            for member in tar:
                total, members = total + member.size, members + 1
                if total > MAX_UNPACKED or members > MAX_MEMBERS:
                    raise BadWorkspace("The tree is too large to unpack.")
                # "data" refuses absolute paths, paths and links that lead out, and devices.
                tar.extract(member, target, filter="data")
    except tarfile.FilterError as error:
        raise BadWorkspace(f"The tree holds something that leads out of it: {error}.") from None
    except (tarfile.TarError, EOFError, OSError) as error:
        raise BadWorkspace(f"The tree cannot be unpacked: {error}.") from None


def write_files(workspace: Workspace, files: list[MountedFile]) -> None:
    """Put mounted files in place, over the repository's own. Raises BadWorkspace."""
    for file in files:
        parts = PurePosixPath(file.path).parts
        if not parts or ".." in parts or file.path.startswith("/") or parts[0] == ".gantry":
            raise BadWorkspace(f'"{file.path}" is not a place for a mounted file.')
        target = workspace.root.joinpath(*parts)
        if not target.parent.resolve().is_relative_to(workspace.root.resolve()):
            raise BadWorkspace(f'"{file.path}" leads out of the workspace through a link.')
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_symlink():
            target.unlink()
        target.write_bytes(base64.b64decode(file.content))
        target.chmod(0o600 if file.secret else 0o644)


def pack(workspace: Workspace, key: PoolKey, run_id: str, target: Path) -> None:
    """Archive the whole workspace, encrypted to the pool's key and bound to the run. Blocking."""
    plain = target.with_suffix(".tar")
    try:
        # Not compressed: providers are most of it, and zipped already; time counts more.
        with tarfile.open(plain, "w", format=tarfile.PAX_FORMAT) as tar:
            tar.add(workspace.root, arcname=".")
        key.seal_file(plain, target, run_id=run_id)
    finally:
        plain.unlink(missing_ok=True)


def unpack_workspace(sealed: Path, key: PoolKey, run_id: str, workspace: Workspace) -> None:
    """What `pack` stored, back in place. Raises BadWorkspace, CorruptWorkspace. Blocking."""
    plain = sealed.with_suffix(".tar")
    try:
        key.open_file(sealed, plain, run_id=run_id)
        with tarfile.open(plain, "r") as tar:
            # The archive is the pool's own and signed; links to tools outside of it are meant.
            tar.extractall(workspace.root, filter="tar")
    except tarfile.TarError as error:
        raise BadWorkspace(f"The stored workspace cannot be unpacked: {error}.") from None
    finally:
        plain.unlink(missing_ok=True)


def digest(path: Path) -> str:
    """Hex SHA-256 of a file. Blocking."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
