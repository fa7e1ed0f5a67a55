"""Which runtime this worker uses: the strongest that works here, or the one it was told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import structlog

from gantry_worker.runtimes import process, sandbox
from gantry_worker.runtimes.base import ForRun

log = structlog.get_logger()

Preference = Literal["auto", "sandbox", "process"]


class NoSandbox(Exception):
    """The worker was told to use sandboxes, and cannot make any here."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"commands cannot be run in a sandbox: {reason}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Choice:
    """`for_run` makes the runtime of one run; the rest says what was chosen."""

    name: Literal["sandbox", "process"]
    isolates: bool
    for_run: ForRun


async def choose(preferred: Preference, *, named: bool = False) -> Choice:
    """The runtime for all runs of this worker.

    "auto" is the sandbox where one can be made, else plain processes, with a warning; but when
    the operator `named` it, commands never lose their isolation because a package is missing.
    Raises NoSandbox when a sandbox is needed and cannot be had.
    """
    if preferred == "process":
        return _processes("the settings ask for it")
    reason = await sandbox.probe_sandbox()
    if reason is None:
        return Choice("sandbox", True, sandbox.for_run)
    if preferred == "sandbox" or named:
        raise NoSandbox(reason)
    return _processes(reason)


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
