"""The port through which every step runs its commands, whatever keeps them apart from the worker.

A step says what to run, where, and with which environment; a runtime decides how much of the
machine the command gets to see. All runtimes promise the same about output, ends and survivors.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal, Protocol

GRACE = timedelta(seconds=30)
"""From SIGINT to SIGTERM: what terraform needs to finish a provider's call and save its state."""

Reason = Literal["exited", "stopped", "timed_out", "silent"]

Output = Callable[[bytes], Awaitable[None]]
"""Takes the next bytes. While it does not return, nothing more is read from the command."""


@dataclass(frozen=True, slots=True)
class Command:
    """One program to run.

    `argv[0]` is looked up on the PATH of `env`. `cwd` is a path on the host. Arguments may show
    in process lists: put secrets in `env` or `stdin`, which do not. `writes` says that it belongs
    to a phase that changes infrastructure: an operator may show such commands other things.
    """

    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str] = field(repr=False)
    stdin: bytes | None = field(default=None, repr=False)
    writes: bool = False


@dataclass(frozen=True, slots=True)
class Exit:
    """How a command ended.

    `code` is None when a signal ended it, `signal` is None when none did; both are None when it
    was never started because `stop` was already set. `reason` tells who wanted the end:
    the command itself ("exited"), or `stop`, the time limit, the silence limit. `shortage` says in
    a sentence what the command ran short of, if it met a limit that it was kept to.
    """

    code: int | None
    signal: int | None
    reason: Reason
    shortage: str | None = None


class CouldNotStart(Exception):
    """There is no such program, no such directory, or the surroundings could not be made."""


class TooMuchOutput(Exception):
    """A captured command printed more than the caller is willing to hold in memory."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the command printed more than {limit} bytes")
        self.limit = limit


class Runtime(Protocol):
    """Runs the commands of one run, in its workspace.

    Promised by every runtime:
    - the command has exactly `Command.env`, plus PWD, plus HOME unless `env` has one;
    - without `stdin` the command reads an empty file; it never has a terminal;
    - when it must end, its process group gets SIGINT, then SIGTERM, and what is left is killed;
    - whatever a command leaves behind is killed before `run` returns;
    - a worker that dies, however suddenly, takes its commands along;
    - cancelling `run` kills at once. Set `stop` for an end that lets terraform save its state.
    The event loop must live as long as the commands: they die with the thread that started them.
    """

    @property
    def name(self) -> str:
        """What this runtime is called in settings and logs."""
        ...

    @property
    def isolates(self) -> bool:
        """Whether commands are kept from the worker's files and processes."""
        ...

    @property
    def home(self) -> str:
        """The home directory of commands, as they see it. Exists; beside the source, not in it."""
        ...

    @property
    def variables(self) -> Mapping[str, str]:
        """What the surroundings would set, an image for example; what `Command.env` has wins,
        and nothing of it is there unless `Command.env` has it.
        """
        ...

    def inside(self, path: Path, /) -> str:
        """The name under which commands find a path of the host.

        Raises ValueError when they cannot see it at all.
        """
        ...

    async def run(
        self,
        command: Command,
        *,
        output: Output,
        stop: asyncio.Event,
        timeout: timedelta,
        silence: timedelta,
    ) -> Exit:
        """Run to the end, handing stdout and stderr to `output` in the order they were written.

        `timeout` limits the whole, `silence` the time without any output; time that `output`
        takes is not silence. What `output` raises ends the command as `stop` does, and is raised
        again afterwards. Raises CouldNotStart.
        """
        ...

    async def capture(
        self, command: Command, *, stop: asyncio.Event, timeout: timedelta, limit: int
    ) -> tuple[Exit, bytes, bytes]:
        """Run to the end and answer the exit, all of stdout, and the last of stderr.

        `limit` is the most bytes of stdout to hold. Raises TooMuchOutput, CouldNotStart.
        """
        ...


class ForRun(Protocol):
    """Makes the runtime of one run."""

    def __call__(
        self,
        workspace: Path,
        read_only: Sequence[Path] = (),
        writable: Sequence[Path] = (),
        *,
        grace: timedelta = GRACE,
    ) -> Runtime:
        """`workspace` becomes /mnt/workspace where that is possible; `read_only` and `writable`
        (tools, caches) keep their paths. `grace` passes between SIGINT and SIGTERM.
        """
        ...
