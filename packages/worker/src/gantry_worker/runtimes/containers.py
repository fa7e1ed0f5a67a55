"""What a container of a run is made of, in the words of the Docker Engine API."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gantry_worker.runtimes.bounds import Bounds
from gantry_worker.runtimes.images import Image, Pull
from gantry_worker.runtimes.mounts import ExtraMount
from gantry_worker.runtimes.surroundings import WORKSPACE

OWN = "/.gantry"
"""Where a container finds what is the worker's: nothing in there can be written."""
CPU_PERIOD = 100_000  # microseconds: the kernel's own default, of which a quota is a part
IN_MEMORY = ("/tmp", "/var/tmp")  # noqa: S108 - their own, empty, gone with the command


@dataclass(frozen=True, slots=True)
class Containers:
    """How the operator wants containers to be.

    `own` is the worker's directory, `image` the one of stacks that name none. A `runtime` of None
    is the engine's own.
    """

    socket: Path
    own: Path
    image: str
    pull: Pull = "if-missing"
    config_dir: Path | None = None
    network: str = "bridge"
    runtime: str | None = None
    bounds: Bounds = field(default_factory=Bounds)
    mounts: tuple[ExtraMount, ...] = ()

    @property
    def files(self) -> Path:
        """The directory of the files that containers are given."""
        return self.own / "containers"


@dataclass(frozen=True, slots=True)
class Bind:
    """A path of the machine, and its name inside."""

    source: Path
    target: str
    read_only: bool

    def as_mount(self) -> dict[str, Any]:
        """Unlike a "bind" in the API's words, a mount without a source is refused, not made."""
        return {
            "Type": "bind",
            "Source": str(self.source),
            "Target": self.target,
            "ReadOnly": self.read_only,
        }


@dataclass(frozen=True, slots=True)
class Sight:
    """What the commands of one run see of the machine: its workspace, tools and caches."""

    binds: tuple[Bind, ...]
    workspace_name: Path

    def inside(self, path: Path) -> str:
        """The name of a path of the machine in the container. Raises ValueError.

        Only names are looked at: links are followed where the command follows them, inside.
        """
        plain = Path(os.path.normpath(path.absolute()))
        if plain.is_relative_to(self.workspace_name):
            return str(WORKSPACE / plain.relative_to(self.workspace_name))
        for bind in self.binds:
            if plain.is_relative_to(bind.source):
                return os.path.normpath(f"{bind.target}/{plain.relative_to(bind.source)}")
            if bind.target != str(WORKSPACE) and plain.is_relative_to(bind.target):
                return str(plain)
            # A tool is a file of its own in there, in a directory that may be the image's.
            if Path(bind.target).parent == plain and bind.source.is_file():
                return str(plain)
        raise ValueError(f"commands in the container cannot see {path}")


def specification(
    options: Containers,
    image: Image,
    binds: tuple[Bind, ...],
    *,
    user: tuple[int, int],
    labels: Mapping[str, str],
    mark: str,
) -> dict[str, Any]:
    """The body of the request that makes a container.

    Neither the command nor its environment is in there: an engine keeps this on its disk.
    """
    bounds = options.bounds
    memory = bounds.memory
    temporary = f"rw,nosuid,nodev,exec,mode=1777{f',size={memory // 2}' if memory else ''}"
    return {
        "Image": image.id,
        # Without the environment that image and engine make: commands get theirs with the job.
        "Entrypoint": ["/usr/bin/env", "-i", "/bin/sh", f"{OWN}/init"],
        "Cmd": [mark],
        "User": "{}:{}".format(*user),
        "WorkingDir": "/",
        "Hostname": "gantry-run",
        "Labels": dict(labels),
        "Healthcheck": {"Test": ["NONE"]},
        "Tty": False,
        "OpenStdin": True,
        # When the worker's connection ends, so does the container's input.
        "StdinOnce": True,
        "AttachStdin": True,
        "AttachStdout": True,
        "AttachStderr": True,
        "HostConfig": {
            "NetworkMode": options.network,
            **({"Runtime": options.runtime} if options.runtime else {}),
            "Mounts": [bind.as_mount() for bind in binds],
            "Tmpfs": dict.fromkeys(IN_MEMORY, temporary),
            "ReadonlyRootfs": True,
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges"],
            "IpcMode": "private",
            # No swap besides: a limit that is reached slowly helps nobody.
            **({"Memory": memory, "MemorySwap": memory} if memory else {}),
            **(
                {"CpuPeriod": CPU_PERIOD, "CpuQuota": round(bounds.processors * CPU_PERIOD)}
                if bounds.processors
                else {}
            ),
            **({"PidsLimit": bounds.processes} if bounds.processes else {}),
            # The engine would write what a command prints, secrets and all, to its own disk.
            "LogConfig": {"Type": "none"},
            "RestartPolicy": {"Name": "no"},
        },
    }
