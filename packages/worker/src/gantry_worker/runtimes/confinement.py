"""What a sandbox keeps from its commands besides files: the machine's room, and the network."""

from __future__ import annotations

import os
import platform
import re
import resource
from collections.abc import Mapping
from dataclasses import dataclass, field

from gantry_worker.runtimes.aside import Aside
from gantry_worker.runtimes.base import CouldNotStart
from gantry_worker.runtimes.bounds import Bounds
from gantry_worker.runtimes.cgroups import Group, Subtree
from gantry_worker.runtimes.gateway import Egress, Gateway

COUNTS_BY_NAMESPACE = (5, 14)
"""Linux counts processes by user namespace from here on; before, all of the user's together, and
a limit on one command would be one on the worker and all other runs."""


@dataclass(frozen=True, slots=True)
class Confinement:
    """What all commands of a worker are kept to. `subtree` None: bounds hold as far as they can
    without control groups; `egress` None: the network is the host's.
    """

    bounds: Bounds = field(default_factory=Bounds)
    subtree: Subtree | None = None
    egress: Egress | None = None

    @property
    def counts_processes(self) -> bool:
        """Whether the number of processes is limited by RLIMIT_NPROC, for want of a group."""
        grouped = self.subtree is not None and "pids" in self.subtree.controllers
        return self.bounds.processes is not None and not grouped and limit_holds()

    @property
    def begins_first(self) -> bool:
        """Whether a command has to wait until something is ready."""
        return self.subtree is not None or self.egress is not None or self.counts_processes

    def options(self) -> list[str]:
        """Further options for bubblewrap."""
        return ["--unshare-net"] if self.egress is not None else []

    def variables(self) -> Mapping[str, str]:
        """What every command finds in its environment, whatever it was given."""
        return self.egress.variables() if self.egress is not None else {}


class Held:
    """One command, kept to what its confinement says from before it begins to its end."""

    def __init__(self, confinement: Confinement, stderr: int) -> None:
        self._confinement = confinement
        self._aside = Aside(stderr)
        self._group: Group | None = None
        self._gateway: Gateway | None = None
        self.shortage: str | None = None
        """What it ran short of; known after `end`."""

    async def begin(self, pid: int) -> None:
        """Confine the sandbox of this process, which has not begun yet. Raises CouldNotStart."""
        wanted = self._confinement
        try:
            if wanted.subtree is not None:
                self._group = wanted.subtree.group(wanted.bounds)
                self._group.join(pid)
            if wanted.counts_processes and wanted.bounds.processes is not None:
                most = wanted.bounds.processes
                resource.prlimit(pid, resource.RLIMIT_NPROC, (most, most))
        except OSError as error:
            raise CouldNotStart(f"the command's limits cannot be set: {error}") from None
        if wanted.egress is not None:
            self._gateway = Gateway(wanted.egress, self._aside)
            await self._gateway.open(pid)

    def begun(self) -> None:
        """It has been let go."""
        if self._gateway is not None:
            self._gateway.begun()

    async def end(self) -> None:
        """Look at what came of it, once everything in the sandbox is dead."""
        if self._group is not None:
            self.shortage = self._group.shortage()
            if self.shortage is not None:
                await self._aside.say(self.shortage)
        self.close()

    def close(self) -> None:
        """Let go of everything. May be called again."""
        if self._gateway is not None:
            self._gateway.close()
        if self._group is not None:
            self._group.remove()
        self._aside.close()


def limit_holds() -> bool:
    """Whether RLIMIT_NPROC limits a sandbox and nothing else: never for root, whom it is not
    applied to.
    """
    found = re.match(r"(\d+)\.(\d+)", platform.release())
    new = found is not None and (int(found[1]), int(found[2])) >= COUNTS_BY_NAMESPACE
    return new and os.getuid() != 0
