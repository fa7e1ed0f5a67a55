"""What the steps of one run share, from its lease to its last report."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from gantry_protocol.calls import Held
from gantry_protocol.manifest import Manifest
from gantry_protocol.words import Phase

from gantry_worker import environment
from gantry_worker.control_plane import ControlPlane
from gantry_worker.endings import StateUnsaved, StepFailed, StepStopped
from gantry_worker.journal import Journal
from gantry_worker.keys import PoolKey
from gantry_worker.runtimes.base import Runtime
from gantry_worker.runtimes.choice import Choice
from gantry_worker.settings import WorkerSettings
from gantry_worker.timings import Timings
from gantry_worker.workspace import Workspace

__all__ = ["Session", "StateUnsaved", "StepFailed", "StepStopped"]

EXECUTING = (Phase.APPLY, Phase.DESTROY, Phase.PERFORM)
"""Phases that change something: not begun without a lease, and not broken off in the middle."""


async def _always() -> bool:
    return True


@dataclass
class Session:
    """Everything the steps of one run share."""

    settings: WorkerSettings
    server: ControlPlane
    key: PoolKey
    choice: Choice
    lease: Held
    manifest: Manifest
    workspace: Workspace
    given: environment.Given
    journal: Journal
    state: str
    worker_id: str
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    runtime: Runtime | None = None
    tool: Path | None = None
    tool_version: str | None = None
    authorities: Path | None = None
    """A file of those whom commands are to believe; None if the system's will do."""
    final_state: str | None = None
    """How the run will end, while its after_run hooks run."""
    started: bool = False
    """Whether the workspace is up, so that after_run hooks can run."""
    carried: dict[str, str] = field(default_factory=dict)
    """What hooks exported. Only here: after a pause the run begins in a fresh environment."""
    plan_sha256: str | None = None
    """The plan that was made or confirmed; no other is applied."""
    executing: bool = False
    """Whether something is being changed just now."""
    begun: float = field(default_factory=time.monotonic)
    """When the lease was taken up (monotonic seconds)."""
    lost: bool = False
    """Whether the lease is known to be lost: nothing more is begun or reported."""
    timings: Timings = field(default_factory=Timings)
    still_ours: Callable[[], Awaitable[bool]] = _always
    """Whether the lease is certainly held now; may ask the server, and wait for its answer."""

    @property
    def project(self) -> Path:
        """The stack's directory."""
        return self.workspace.project(self.manifest.project_root)

    @property
    def left(self) -> timedelta:
        """How much of the run's time is left: one limit for all that is done under one lease."""
        used = timedelta(seconds=time.monotonic() - self.begun)
        return max(self.settings.run_timeout - used, timedelta(0))

    def running(self) -> Runtime:
        """The runtime of this run. Raises RuntimeError before it was prepared."""
        if self.runtime is None:
            raise RuntimeError("the run was not prepared")
        return self.runtime

    def tool_argv(self) -> list[str]:
        """The tool, as a command of this run names it. Raises RuntimeError when unprepared."""
        if self.tool is None:
            raise RuntimeError("the run was not prepared")
        return [self.running().inside(self.tool)]

    def variables(self, phase: Phase) -> dict[str, str]:
        """The environment of a phase's commands, with what hooks exported before it.

        Values of secret variables, and those that a secret was put into, are masked in the log
        from now on.
        """
        runtime = self.running()
        path = runtime.variables.get("PATH", environment.SYSTEM_PATH)
        if self.tool is not None:
            path = f"{runtime.inside(self.tool.parent)}:{path}"
        root = runtime.inside(self.workspace.root)
        around = environment.Around(
            self.state,
            path,
            runtime.home,
            root,
            self.carried,
            self.final_state,
            runtime.variables,
            runtime.inside(self.authorities) if self.authorities else None,
        )
        self.journal.mask(environment.replaced_secrets(self.manifest, self.given, around))
        return environment.of_phase(self.manifest, self.given, phase, around)
