"""Which runtime this worker uses: the strongest that works here, or the one it was told.

Containers are used only when the operator says so: they need an engine that is as mighty as root.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import structlog

from gantry_worker.runtimes import docker, process, sandbox
from gantry_worker.runtimes.base import ForRun
from gantry_worker.runtimes.containers import Containers
from gantry_worker.runtimes.docker import Docker, NoEngine

log = structlog.get_logger()

Preference = Literal["auto", "sandbox", "process", "docker"]


class NoSandbox(Exception):
    """The worker was told to use sandboxes or containers, and cannot make any here."""

    def __init__(self, reason: str, what: str = "a sandbox") -> None:
        super().__init__(f"commands cannot be run in {what}: {reason}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen.

    `for_run` makes the runtime of one run; where there is `docker`, that one does, and `for_run`
    is for what the worker has done for itself: an image need not have what that takes.
    """

    name: Literal["sandbox", "process", "docker"]
    isolates: bool
    for_run: ForRun
    docker: Docker | None = None


async def choose(
    preferred: Preference, *, named: bool = False, containers: Containers | None = None
) -> Choice:
    """The runtime for all runs of this worker.

    "auto" is the sandbox where one can be made, else plain processes, with a warning; but when
    the operator `named` it, commands never lose their isolation because a package is missing.
    Raises NoSandbox when a sandbox or a container is needed and cannot be had.
    """
    if preferred == "docker" and containers is not None:
        return await _containers(containers)
    if preferred == "process":
        return _processes("the settings ask for it")
    reason = await sandbox.probe_sandbox()
    if reason is None:
        return Choice("sandbox", True, sandbox.for_run)
    if preferred == "sandbox" or named:
        raise NoSandbox(reason)
    return _processes(reason)


async def _containers(options: Containers) -> Choice:
    try:
        engine = await docker.connect(options)
    except NoEngine as cause:
        raise NoSandbox(str(cause), "containers") from None
    own = process.for_run if await sandbox.probe_sandbox() else sandbox.for_run
    return Choice("docker", True, own, engine)


def _processes(reason: str) -> Choice:
    log.warning(
        "commands run without isolation",
        reason=reason,
        exposed="the worker's key and files, other runs, the host's processes and services",
        remedy="install bubblewrap and let the worker create user namespaces (sysctl"
        " user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns; in a container"
        " also its seccomp profile and masked paths of /proc), or give the worker its own machine",
    )
    return Choice("process", False, process.for_run)
