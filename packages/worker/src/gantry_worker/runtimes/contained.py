"""One command in its container, from the job that it is given to the container's removal."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import structlog

from gantry_worker.runtimes.base import Command, CouldNotStart
from gantry_worker.runtimes.bounds import memory_shortage
from gantry_worker.runtimes.engine import Attached, Engine, EngineAway, EngineError
from gantry_worker.runtimes.supervision import Streams, settle

log = structlog.get_logger()

SIGNALLED, LAST_SIGNAL = 128, 64  # a shell's exit code for "ended by signal n" is 128 + n
MISSING = 404
CONFLICT = 409  # what Docker says to a signal for a container that does not run
QUICK, SLOW = 0.002, 0.1
"""Seconds between looks whether a container has ended: it has, within milliseconds of the end of
its output. One that is being killed may take longer."""
DETACHED = 5.0
"""Seconds after the end of its output in which a container ends, unless it was the engine that
let go of it."""
ENGINE_PATIENCE = 60.0  # seconds in which an engine that is being restarted comes back

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OF_SHELLS = ("PATH", "SHLVL", "OLDPWD", "_")
"""Variables that one shell or another makes for itself; PATH has a default in some."""


def job(command: Command, *, directory: str, stdin: str | None, merged: bool, mark: str) -> bytes:
    """What init.sh is to do, in its own words. Raises CouldNotStart for a NUL byte.

    Variables whose names no shell can hold are left out, and the log says so.
    """
    words = [f"cd {_quoted(directory)} 2>/dev/null"]
    words[0] += f" || gantry_refuse {_quoted(f'No such directory: {directory}')}"
    words += [f"unset {' '.join(_OF_SHELLS)}"]
    unfit = sorted(name for name in command.env if not _NAME.fullmatch(name))
    if unfit:
        log.warning("variables left out whose names a shell cannot hold", names=unfit)
    for name, value in command.env.items():
        if name not in unfit and name != "PWD":
            # `command`, or a shell would end of a name that it keeps for itself.
            words.append(f"command export {name}={_quoted(value)} 2>/dev/null")
    words.append(f"gantry_stdin={_quoted(stdin or os.devnull)}")
    words.append(f"gantry_merged={'1' if merged else ''}")
    words.append(f"set -- {' '.join(map(_quoted, command.argv))}")
    text = "\n".join([*words, mark, ""])
    if "\0" in text:
        raise CouldNotStart("a NUL byte in the environment or an argument")
    return os.fsencode(text)


def _quoted(text: str) -> str:
    return shlex.quote(text)


class Contained:
    """A command in its container. See `supervision.Started`."""

    def __init__(
        self,
        engine: Engine,
        name: str,
        attached: Attached,
        streams: Streams,
        *,
        clean_up: Callable[[], asyncio.Task[None]],
        memory: int | None,
    ) -> None:
        self._engine, self._name, self._attached = engine, name, attached
        self._clean_up, self._memory = clean_up, memory
        self._merged = streams.stdout == streams.stderr
        self._outputs = [_own(fd) for fd in dict.fromkeys((streams.stdout, streams.stderr))]
        self._report = b""
        """The first byte on standard error, and a refusal's reason."""
        self._over = False
        self._shortage: str | None = None
        self._detached = False
        self._killing: asyncio.Task[None] | None = None
        self._killed = asyncio.Event()
        self._pouring = asyncio.create_task(self._pour())

    async def gone(self) -> tuple[int | None, int | None]:
        """See `Started.gone`. The container is being removed then; nothing lives in it."""
        killed = asyncio.create_task(self._killed.wait())
        await asyncio.wait({self._pouring, killed}, return_when=asyncio.FIRST_COMPLETED)
        killed.cancel()
        try:
            state = await self._ended()
            self._over = True
            if self._pouring.done():
                await self._explain(state)
        finally:
            await self._let_go()
        if self._report[:1] == b"-":
            raise CouldNotStart(self._report[1:].decode("utf-8", "replace"))
        if state is None:
            return None, signal.SIGKILL
        code = int(state["ExitCode"])
        if not self._report and not self._killed.is_set():
            raise CouldNotStart(
                f"its container ended before it began (exit code {code}): {state.get('Error', '')}"
            )
        if SIGNALLED < code <= SIGNALLED + LAST_SIGNAL:
            return None, code - SIGNALLED
        return code, None

    def shortage(self) -> str | None:
        """See `supervision.Bounded`."""
        return self._shortage

    async def signal(self, number: int) -> None:
        """See `Started.signal`: init.sh passes it on to the process group."""
        with suppress(EngineAway):
            await self._attached.write(f"{signal.Signals(number).name[3:]}\n".encode())

    def kill(self) -> None:
        """See `Started.kill`: with process 1 the kernel kills everything in the container."""
        if self._killing is None and not self._over:
            self._killing = asyncio.create_task(self._kill())
            self._killed.set()

    async def _kill(self) -> None:
        try:
            await self._engine.call(
                "POST", f"/containers/{self._name}/kill", query={"signal": "KILL"}
            )
        except EngineError as cause:
            if cause.status not in (MISSING, CONFLICT):
                log.error("container not killed", container=self._name, reason=str(cause))
        except EngineAway as cause:
            # Its input ends with our connection, and so does the container.
            await self._attached.close()
            log.error("container not killed", container=self._name, reason=str(cause))

    async def _pour(self) -> None:
        """Hand over what the container prints. While it is not taken, nothing more is read."""
        try:
            async for on_stderr, piece in self._attached.pieces():
                if on_stderr and self._report[:1] != b"+":
                    self._report += piece
                    if self._report[:1] != b"+":
                        continue
                    self._report, piece = b"+", self._report[1:]
                if piece and not (on_stderr and self._merged):
                    await _put(self._outputs[-1 if on_stderr else 0], piece)
        except (EngineAway, BrokenPipeError) as cause:
            # The command's end is looked at all the same; or nobody reads any more.
            log.info("output of a container ended early", reason=str(cause))

    async def _ended(self) -> dict[str, Any] | None:
        """How the container ended; None when the engine does not know it any more, or is away."""
        loop = asyncio.get_running_loop()
        began, pause = loop.time(), QUICK
        while True:
            if self._killing is not None:
                await self._killing
            try:
                found = await self._engine.call("GET", f"/containers/{self._name}/json")
                if not found["State"]["Running"]:
                    state: dict[str, Any] = found["State"]
                    return state
                if self._killing is None and loop.time() - began > DETACHED:
                    self._detached = True
                    self._killing = asyncio.create_task(self._kill())
            except EngineError as cause:
                if cause.status == MISSING:
                    return None
                log.error("container not looked at", container=self._name, reason=str(cause))
            except EngineAway as cause:
                if loop.time() - began > ENGINE_PATIENCE:
                    log.error("container engine away", container=self._name, reason=str(cause))
                    return None
            await asyncio.sleep(pause)
            pause = min(2 * pause, SLOW)

    async def _explain(self, state: dict[str, Any] | None) -> None:
        """Say in the command's output what its exit code does not tell."""
        words = ""
        if state is None:
            words = "The container engine was away or lost the container:"
            words += " how this ended is not known."
        elif state.get("OOMKilled") and self._memory is not None:
            words = self._shortage = memory_shortage(self._memory)
        elif self._detached:
            words = "The container engine let go of the command's output, and so it was ended."
        if words:
            with suppress(BrokenPipeError):
                await _put(self._outputs[-1], f"{words}\n".encode())

    async def _let_go(self) -> None:
        """Have the container removed, and descriptors closed once the output has been taken."""
        self._clean_up()
        self._pouring.add_done_callback(lambda _: self._close_outputs())
        await self._attached.close()

    def _close_outputs(self) -> None:
        while self._outputs:
            os.close(self._outputs.pop())


def _own(fd: int) -> int:
    """A descriptor of ours for the same pipe, which no writing to blocks."""
    own = os.dup(fd)
    os.set_blocking(own, False)
    return own


async def _put(fd: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        try:
            left = left[os.write(fd, left) :]
        except BlockingIOError:
            await _wait_until_writable(fd)


async def _wait_until_writable(fd: int) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_writer(fd, settle, ready)
    try:
        await ready
    finally:
        loop.remove_writer(fd)
