"""Makes a worker's sandboxes as narrow as its settings ask and this machine allows."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial

import structlog

from gantry_worker.runtimes import cgroups, sandbox, seccomp
from gantry_worker.runtimes.bounds import Bounds
from gantry_worker.runtimes.choice import Choice, NoSandbox
from gantry_worker.runtimes.confinement import Confinement, limit_holds
from gantry_worker.runtimes.egress import VARIABLE, AllowList
from gantry_worker.runtimes.gateway import Egress

log = structlog.get_logger()

NAMES = {
    "memory": "GANTRY_WORKER_MEMORY_LIMIT",
    "pids": "GANTRY_WORKER_PIDS_LIMIT",
    "cpu": "GANTRY_WORKER_CPU_LIMIT",
}


async def harden(choice: Choice, bounds: Bounds, allowed: AllowList | None) -> Choice:
    """The same choice with narrower sandboxes; says in the log what cannot be had here.

    `allowed` None leaves commands the host's network. Raises NoSandbox when it is there and
    cannot be kept to: then no command may run.
    """
    if choice.name != "sandbox":
        if allowed is not None:
            raise NoSandbox(f"{VARIABLE} holds in sandboxes only, and commands run without")
        return choice
    if (missing := seccomp.why_not()) is not None:
        log.warning("commands may make every call to the kernel", reason=missing)
    subtree = await asyncio.to_thread(_subtree, bounds)
    egress = Egress(allowed) if allowed is not None else None
    confined = partial(sandbox.for_run, confinement=Confinement(bounds, subtree, egress))
    reason = await sandbox.probe_sandbox(confined)
    if reason is not None:
        raise NoSandbox(reason)
    return replace(choice, for_run=confined)


def _subtree(bounds: Bounds) -> cgroups.Subtree | None:
    if not bounds.any:
        return None
    subtree, reason = None, "the group offers no controller for it"
    try:
        subtree = cgroups.claim(bounds)
    except cgroups.Unavailable as error:
        reason = str(error)
    missing = cgroups.wanted(bounds) if subtree is None else subtree.missing(bounds)
    if "pids" in missing and limit_holds():
        missing.remove("pids")
        log.info("processes are limited without control groups", reason=reason)
    if missing:
        log.warning("limits not enforced", limits=[NAMES[m] for m in missing], reason=reason)
    return subtree
