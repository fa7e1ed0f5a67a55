"""What an operator lets the containers of runs see besides, and what must never be in them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

Phases = Literal["all", "reading", "writing"]

ENGINES = tuple(
    map(
        Path,
        (
            "/run/docker.sock",
            "/run/podman/podman.sock",
            "/run/containerd/containerd.sock",
            "/run/crio/crio.sock",
        ),
    )
)
"""Where engines listen: whoever can speak to one of them owns the machine."""

TAKEN = ("/mnt/workspace", "/.gantry", "/proc", "/sys", "/dev")
"""Places inside that belong to the run, or to the engine."""


class BadMount(ValueError):
    """The mount is not one, or must not be."""


@dataclass(frozen=True, slots=True)
class ExtraMount:
    """A file or directory of the machine, and its name inside; in which phases it is there."""

    source: Path
    target: str
    phases: Phases

    def is_for(self, *, writing: bool) -> bool:
        """Whether commands of such a phase see it."""
        return self.phases in ("all", "writing" if writing else "reading")


def parse(entry: str, phases: Phases) -> ExtraMount:
    """A mount as launchers write them, `/host/path:/container/path`. Raises BadMount."""
    source, colon, target = entry.partition(":")
    plain = str(PurePosixPath(os.path.normpath(target))) if target else ""
    if not colon or not source.startswith("/") or not target.startswith("/") or ":" in target:
        raise BadMount(f'"{entry}" is not of the form /host/path:/container/path')
    for taken in map(PurePosixPath, TAKEN):
        if taken.is_relative_to(plain) or PurePosixPath(plain).is_relative_to(taken):
            raise BadMount(f'"{entry}" would hide {taken} from commands')
    return ExtraMount(Path(source), plain, phases)


def check(mounts: tuple[ExtraMount, ...], *, socket: Path, own: Path) -> None:
    """Refuse what would let a command out: an engine's socket, the worker's own directory, or
    a directory with one of them in it. Links are followed. Raises BadMount.
    """
    forbidden = {
        **dict.fromkeys((socket, *ENGINES), "the socket of a container engine"),
        own: "the worker's own directory",
    }
    for mount in mounts:
        source = mount.source.resolve()
        if not source.exists():
            raise BadMount(f"there is no {mount.source} on this machine")
        for path, what in forbidden.items():
            there = path.resolve()
            same = there.exists() and source.samefile(there)  # by whatever name
            below = path == own and source.is_relative_to(there)
            if same or below or there.is_relative_to(source):
                raise BadMount(f"{mount.source} is or holds {what}")
