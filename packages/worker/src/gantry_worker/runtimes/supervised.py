"""The part of a runtime that is the same for all: limits, output and end of its commands."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path

from gantry_worker.runtimes.base import Command, Exit, Output
from gantry_worker.runtimes.supervision import Limits, Started, Streams, capture, supervise

HOME = ".home"  # in the workspace: beside the source, so that tools leave nothing in there


def make_home(workspace: Path) -> Path:
    """The home directory of a run's commands, on the host.

    A stored workspace may bring something else of that name, a link out of it for example.
    """
    home = workspace / HOME
    if home.is_symlink() or (home.exists() and not home.is_dir()):
        home.unlink()
    home.mkdir(mode=0o700, exist_ok=True)
    return home


@dataclass(frozen=True, slots=True)
class Supervised:
    """A `Runtime` (see there for its promises), given a way to start commands."""

    name: str
    isolates: bool
    home: str
    grace: timedelta
    inside: Callable[[Path], str]
    start: Callable[[Command, Streams], Awaitable[Started]]
    variables: Mapping[str, str] = field(default_factory=dict)

    async def run(
        self,
        command: Command,
        *,
        output: Output,
        stop: asyncio.Event,
        timeout: timedelta,
        silence: timedelta,
    ) -> Exit:
        """See `Runtime.run`."""
        return await supervise(
            partial(self.start, self._at_home(command)),
            stdin=command.stdin,
            sinks=(output,),
            stop=stop,
            limits=Limits(timeout, silence, self.grace),
        )

    async def capture(
        self, command: Command, *, stop: asyncio.Event, timeout: timedelta, limit: int
    ) -> tuple[Exit, bytes, bytes]:
        """See `Runtime.capture`."""
        return await capture(
            partial(self.start, self._at_home(command)),
            stdin=command.stdin,
            stop=stop,
            limits=Limits(timeout, None, self.grace),
            limit=limit,
        )

    def _at_home(self, command: Command) -> Command:
        """Without HOME, tools would look the worker's own home up in the user database."""
        return replace(command, env={"HOME": self.home, **command.env})
