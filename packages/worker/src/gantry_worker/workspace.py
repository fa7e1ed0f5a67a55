"""A run's directory and the worker's own beside it.

<root>/source/         the repository, and whatever the run's tools make in it
<root>/…               mounted files, where the stack put them
<root>.own/            the worker's, which no command can replace or look into as a whole:
           scripts/    what commands are to execute; they may only read it
           plan/       the plan that was made, out of the reach of what made it; read only
           back/       the one place where commands leave something for the worker
           incoming/   archives to be unpacked; read only
           masks.json  what the run's log has asked to be masked; for nobody's eyes
           executing   where a state would lie that a command could not save
"""

from __future__ import annotations

import base64
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from gantry_protocol.manifest import MountedFile

from gantry_worker import returned
from gantry_worker.removal import remove_tree

LEAST_ROOM = 1024 * 1024
"""Bytes. With less, a script, a plan or a state may not have found room."""
PLAN = "plan.tfplan"
MASKS = "masks.json"
MAX_PLAN = 2 * 1024**3
"""Bytes of a saved plan. It holds the state and the configuration; the largest known have some
hundred megabytes."""


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
        return self.root.with_name(self.root.name + ".own")

    @property
    def scripts(self) -> Path:
        """What commands are given to execute."""
        return self.own / "scripts"

    @property
    def back(self) -> Path:
        """Where commands leave what the worker is to read; see `returned`."""
        return self.own / "back"

    @property
    def incoming(self) -> Path:
        """Archives that are being unpacked."""
        return self.own / "incoming"

    @property
    def executing(self) -> Path:
        """Names the file that a command which changes things leaves if it cannot save a state."""
        return self.own / "executing"

    @property
    def kept(self) -> Path:
        """The directory of the saved plan."""
        return self.own / "plan"

    @property
    def plan(self) -> Path:
        """The saved plan."""
        return self.kept / PLAN

    @property
    def masks(self) -> Path:
        """What the log has asked to be masked, while the workspace is put away."""
        return self.own / MASKS

    def project(self, project_root: str) -> Path:
        """The stack's directory. Raises BadWorkspace when the commit has none of that name."""
        source = self.root.resolve() / self.source.name
        path = _resolved(source / project_root, f'The project root "{project_root}"')
        # Not `source` with its links resolved: commands could put a link in its place.
        if not path.is_relative_to(source):
            raise BadWorkspace(f'The project root "{project_root}" leads out of the repository.')
        if not path.is_dir():
            raise BadWorkspace(f'There is no directory "{project_root}" in this commit.')
        return path

    @property
    def crammed(self) -> bool:
        """Whether the disk is full, or as good as that. Blocking."""
        try:
            room = os.statvfs(self.root.parent)
        except FileNotFoundError:
            return False  # there was not even a beginning
        return room.f_bavail * room.f_frsize < LEAST_ROOM

    def make(self) -> None:
        """Make the directories, for the worker's eyes only."""
        self.root.mkdir(parents=True, mode=0o700, exist_ok=True)
        self.source.mkdir(exist_ok=True)
        self.own.mkdir(mode=0o700, exist_ok=True)
        for directory in (self.scripts, self.back, self.incoming, self.kept):
            directory.mkdir(mode=0o700, exist_ok=True)

    def clear_back(self) -> None:
        """Forget what earlier commands left: only the next one's word counts. Blocking."""
        remove_tree(self.back)
        self.back.mkdir(mode=0o700)

    def keep_plan(self) -> str:
        """Take the plan out of the reach of commands; hex SHA-256 of what was taken. Blocking.

        Raises FileNotFoundError, Unfit.
        """
        returned.copy(self.back, PLAN, self.plan, MAX_PLAN)
        return digest(self.plan)

    def remove(self) -> None:
        """Leave nothing behind, whatever the run's tools did to their files.

        Blocking. Raises OSError when something is left; everything else is gone then.
        """
        try:
            remove_tree(self.root)
        finally:
            remove_tree(self.own)


def _resolved(path: Path, what: str) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError):
        # A commit may hold links that lead to themselves, and names that no system takes.
        raise BadWorkspace(f"{what} leads nowhere: a link goes in circles.") from None


def write_files(workspace: Workspace, files: list[MountedFile]) -> None:
    """Put mounted files in place, over the repository's own. Raises BadWorkspace."""
    root = workspace.root.resolve()
    for file in files:
        parts = PurePosixPath(file.path).parts
        if not parts or ".." in parts or file.path.startswith("/"):
            raise BadWorkspace(f'"{file.path}" is not a place for a mounted file.')
        parent = _resolved(root.joinpath(*parts[:-1]), f'"{file.path}"')
        if not parent.is_relative_to(root):
            raise BadWorkspace(f'"{file.path}" leads out of the workspace through a link.')
        try:
            parent.mkdir(parents=True, exist_ok=True)
            mode = 0o600 if file.secret else 0o644
            returned.put(parent, parts[-1], base64.b64decode(file.content), mode)
        except (returned.Unfit, OSError):
            raise BadWorkspace(f'"{file.path}" is in the way of a mounted file.') from None


def digest(path: Path) -> str:
    """Hex SHA-256 of one of the worker's own files. Blocking."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
