"""A control group for every command, so that none takes more of the machine than its share.

Needs version 2 of control groups (cgroups(7)) and a subtree that the worker may write: its own,
which systemd hands over with Delegate=yes. A group cannot both hold processes and limit groups
below it, so the worker moves into `worker` below its own, and commands go beside it.
"""

from __future__ import annotations

import itertools
import os
import re
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from gantry_worker.runtimes.bounds import Bounds, memory_shortage

WORKER, COMMAND = "worker", "command-"
PERIOD = 100_000
"""Microseconds over which processor time is measured; the kernel's own default."""


class Unavailable(Exception):
    """There is no subtree to use; the message says why."""


@dataclass(frozen=True, slots=True)
class Subtree:
    """The worker's part of the tree, ready for groups of commands."""

    path: Path
    controllers: frozenset[str]
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def group(self, bounds: Bounds) -> Group:
        """A new, empty group with these bounds, as far as there are controllers. Raises OSError."""
        path = self.path / f"{COMMAND}{os.getpid()}-{next(self._numbers)}"
        path.mkdir()
        group = Group(path, bounds)
        try:
            if bounds.memory is not None and "memory" in self.controllers:
                _write(path / "memory.max", str(bounds.memory))
                with suppress(FileNotFoundError):  # a kernel without swap
                    _write(path / "memory.swap.max", "0")
            if bounds.processes is not None and "pids" in self.controllers:
                _write(path / "pids.max", str(bounds.processes))
            if bounds.processors is not None and "cpu" in self.controllers:
                _write(path / "cpu.max", f"{int(bounds.processors * PERIOD)} {PERIOD}")
        except OSError:
            group.remove()
            raise
        return group

    def missing(self, bounds: Bounds) -> list[str]:
        """The bounds that nothing here enforces."""
        return [name for name in wanted(bounds) if name not in self.controllers]


@dataclass(frozen=True, slots=True)
class Group:
    """The group of one command."""

    path: Path
    bounds: Bounds

    def join(self, pid: int) -> None:
        """Move a process in; what it starts from now on is in as well. Raises OSError."""
        _write(self.path / "cgroup.procs", str(pid))

    def shortage(self) -> str | None:
        """What the command ran short of, in a sentence; None if it did not."""
        if self.bounds.memory is not None and _count(self.path / "memory.events", "oom_kill"):
            return memory_shortage(self.bounds.memory)
        if self.bounds.processes is not None and _count(self.path / "pids.events", "max"):
            return (
                f"The command had the {self.bounds.processes} processes and threads that this"
                " worker allows (GANTRY_WORKER_PIDS_LIMIT), and could not start another."
            )
        return None

    def remove(self) -> None:
        """Remove the group once it is empty. A later worker removes what is left."""
        with suppress(OSError):
            self.path.rmdir()


def wanted(bounds: Bounds) -> list[str]:
    """The controllers that these bounds need."""
    needs = {"memory": bounds.memory, "pids": bounds.processes, "cpu": bounds.processors}
    return [name for name, bound in needs.items() if bound is not None]


def claim(bounds: Bounds) -> Subtree:
    """Make the worker's own group ready for commands. Raises Unavailable.

    Moves this process. Call it once, before commands are started.
    """
    own = _own()
    try:
        offered = set((own / "cgroup.controllers").read_text().split())
        usable = [name for name in wanted(bounds) if name in offered]
        if not usable:
            raise Unavailable(
                f"the group {own} offers no controller for {', '.join(wanted(bounds))}"
            )
        _clear(own)
        _make_room(own, usable)
    except OSError as error:
        raise Unavailable(
            f"the group {own} is not the worker's to write ({error.strerror}); as a unit of"
            " systemd's, give it Delegate=yes"
        ) from None
    return Subtree(own, frozenset(usable))


def _own() -> Path:
    """This process' group in the tree of version 2."""
    line = re.search(r"^0::(/.*)$", Path("/proc/self/cgroup").read_text(), re.MULTILINE)
    if line is None:
        raise Unavailable("this system has no control groups of version 2")
    for mount in Path("/proc/self/mountinfo").read_text().splitlines():
        # proc(5): the fourth field is the mounted part of the tree, the fifth where it is.
        before, _, after = mount.partition(" - ")
        if after.startswith("cgroup2 "):
            root, at = before.split()[3:5]
            group = Path(line[1])
            if group.is_relative_to(root):
                return Path(at) / group.relative_to(root)
    raise Unavailable("control groups of version 2 are not mounted here")


def _clear(own: Path) -> None:
    """Remove what an earlier worker left, and end what it had not let begin yet."""
    for left in own.glob(f"{COMMAND}*"):
        with suppress(OSError):  # a kernel before 5.14
            _write(left / "cgroup.kill", "1")
        with suppress(OSError):  # somebody is still in there; the next worker tries again
            left.rmdir()


def _make_room(own: Path, controllers: list[str]) -> None:
    """Have the controllers on in groups below `own`; as we were, if that cannot be."""
    leaf = own / WORKER
    leaf.mkdir(exist_ok=True)
    _write(leaf / "cgroup.procs", str(os.getpid()))
    try:
        for name in controllers:
            _write(own / "cgroup.subtree_control", f"+{name}")
    except OSError as error:
        for name in controllers:
            with suppress(OSError):
                _write(own / "cgroup.subtree_control", f"-{name}")
        with suppress(OSError):
            _write(own / "cgroup.procs", str(os.getpid()))
            leaf.rmdir()
        raise Unavailable(
            f"the group {own} cannot be divided ({error.strerror}); other processes are in it:"
            " give the worker a unit of its own with Delegate=yes"
        ) from None


def _count(events: Path, name: str) -> int:
    with suppress(OSError):  # without its controller there is no such file
        for line in events.read_text().splitlines():
            key, _, value = line.partition(" ")
            if key == name:
                return int(value)
    return 0


def _write(path: Path, text: str) -> None:
    # Opened without O_CREAT: in this file system a wrong name is an error, not a new file.
    handle = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(handle, text.encode())
    finally:
        os.close(handle)
