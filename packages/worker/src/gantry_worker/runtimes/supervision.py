"""Follows a started command to its end: output, limits, signals, and nothing left behind.

Shared by all runtimes. A runtime brings a `Start`; what it means to signal or to kill is its
business, when to do so is decided here.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol, runtime_checkable

import structlog

from gantry_worker.runtimes.base import Exit, Output, Reason, TooMuchOutput

log = structlog.get_logger()

READ = 64 * 1024  # bytes; what a pipe of Linux holds, so one read empties it
STDERR_TAIL = 16 * 1024  # bytes; a screenful of complaints, enough for any error message
LAST_WORDS = timedelta(
    seconds=5
)  # from SIGTERM to SIGKILL, at most; terraform only saves its state
LINGER = timedelta(seconds=5)  # for a pipe that someone else holds open after everything died
UNKILLABLE = timedelta(seconds=10)  # SIGKILL takes milliseconds, unless a disk or share hangs


@dataclass(frozen=True, slots=True)
class Streams:
    """File descriptors for the command; they belong to the caller of `Start`."""

    stdin: int
    stdout: int
    stderr: int


class Started(Protocol):
    """A command that runs."""

    async def gone(self) -> tuple[int | None, int | None]:
        """Wait until it and all it started are dead: its exit code, or the signal.

        Raises CouldNotStart when it turns out that it never ran.
        """
        ...

    async def signal(self, number: int) -> None:
        """Send a signal to its process group; nothing happens if that is gone."""
        ...

    def kill(self) -> None:
        """Kill it and all it started. May be called again, and after the end."""
        ...


@runtime_checkable
class Bounded(Protocol):
    """A `Started` that is kept to limits."""

    def shortage(self) -> str | None:
        """What it ran short of, in a sentence; known when it is gone."""
        ...


Start = Callable[[Streams], Awaitable[Started]]


@dataclass(frozen=True, slots=True)
class Limits:
    """`timeout` for the whole, `silence` without output (None: any), `grace` after SIGINT."""

    timeout: timedelta
    silence: timedelta | None
    grace: timedelta


class _Pulse:
    """Since when the command owes us output, and what went wrong with taking it."""

    def __init__(self) -> None:
        self.quiet_since: float | None = None  # None while its output is being handed over
        self.failed = asyncio.Event()
        self.failure: Exception | None = None

    def fail(self, cause: Exception) -> None:
        self.failure = self.failure or cause
        self.failed.set()

    async def silent_for(self, limit: timedelta) -> None:
        """Return once nothing has come for `limit`."""
        loop = asyncio.get_running_loop()
        while True:
            now = loop.time()
            left = limit.total_seconds() - (now - (self.quiet_since or now))
            if left <= 0:
                return
            await asyncio.sleep(left)


async def supervise(
    start: Start,
    *,
    stdin: bytes | None,
    sinks: tuple[Output] | tuple[Output, Output],
    stop: asyncio.Event,
    limits: Limits,
) -> Exit:
    """Start a command and follow it to its end, as `Runtime.run` promises.

    One sink takes stdout and stderr merged, two take them apart.
    """
    if stop.is_set():
        return Exit(None, None, "stopped")
    with ExitStack() as ours:
        pulse = _Pulse()
        ends = [_pipe(ours) for _ in sinks]
        with ExitStack() as theirs:
            for _, write in ends:
                theirs.callback(os.close, write)
            source = _readable_once(stdin)
            theirs.callback(os.close, source)
            started = await start(Streams(source, ends[0][1], ends[-1][1]))
        gone = asyncio.create_task(started.gone())
        pumps = [
            asyncio.create_task(_pump(read, sink, pulse))
            for (read, _), sink in zip(ends, sinks, strict=True)
        ]
        try:
            reason = await _wait_for_a_reason(gone, pulse, stop, limits)
            if reason != "exited":
                log.info("ending the command", reason=reason)
                await _end(started, gone, limits.grace)
            await asyncio.wait({gone})
            await _drain(pumps, pulse)
        finally:
            started.kill()
            await _cancel(pumps)
            await _bury(gone)
    code, number = gone.result()
    if pulse.failure is not None:
        raise pulse.failure
    return Exit(code, number, reason, started.shortage() if isinstance(started, Bounded) else None)


async def capture(
    start: Start, *, stdin: bytes | None, stop: asyncio.Event, limits: Limits, limit: int
) -> tuple[Exit, bytes, bytes]:
    """Follow a command and keep its stdout and the tail of its stderr, as `Runtime.capture`."""
    kept, tail = bytearray(), bytearray()

    async def keep(data: bytes) -> None:
        if len(kept) + len(data) > limit:
            raise TooMuchOutput(limit)
        kept.extend(data)

    async def keep_tail(data: bytes) -> None:
        tail.extend(data)
        del tail[:-STDERR_TAIL]

    ended = await supervise(start, stdin=stdin, sinks=(keep, keep_tail), stop=stop, limits=limits)
    return ended, bytes(kept), bytes(tail)


def _pipe(ours: ExitStack) -> tuple[int, int]:
    """A pipe of which we keep the reading end.

    Ours rather than asyncio's own: its `wait()` may wait for the pipe as well, which a process
    that was left behind can hold open.
    """
    read, write = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(read, False)
    ours.callback(os.close, read)
    return read, write


def _readable_once(data: bytes | None) -> int:
    """A descriptor from which the command reads `data`.

    A file in memory cannot fill up as a pipe does, so nobody has to feed it meanwhile.
    """
    if data is None:
        return os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    return in_memory("stdin", data)


def in_memory(name: str, data: bytes) -> int:
    """A descriptor of a file without a place, positioned at its start. The caller closes it."""
    held = os.memfd_create(name, os.MFD_CLOEXEC)
    with open(held, "wb", closefd=False) as file:
        file.write(data)
    os.lseek(held, 0, os.SEEK_SET)
    return held


async def _pump(read: int, sink: Output, pulse: _Pulse) -> None:
    """Hand over output until its end. After a failure, read on so that the command can finish."""
    loop = asyncio.get_running_loop()
    while True:
        pulse.quiet_since = loop.time()
        await wait_until_readable(read)
        data = os.read(read, READ)
        if not data:
            return
        pulse.quiet_since = None
        if pulse.failure is None:
            try:
                await sink(data)
            except Exception as cause:
                pulse.fail(cause)


async def wait_until_readable(fd: int) -> None:
    """Return when reading from `fd` would not block."""
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_reader(fd, settle, ready)
    try:
        await ready
    finally:
        loop.remove_reader(fd)


def settle(ready: asyncio.Future[None]) -> None:
    """Let whoever waits go on; a descriptor may be ready again before it has."""
    if not ready.done():
        ready.set_result(None)


async def _wait_for_a_reason(
    gone: asyncio.Task[Any], pulse: _Pulse, stop: asyncio.Event, limits: Limits
) -> Reason:
    watched: dict[asyncio.Task[Any], Reason] = {gone: "exited"}

    def watch(reason: Reason, happening: Coroutine[Any, Any, Any]) -> None:
        watched[asyncio.create_task(happening)] = reason

    watch("stopped", stop.wait())
    watch("stopped", pulse.failed.wait())
    watch("timed_out", asyncio.sleep(limits.timeout.total_seconds()))
    if limits.silence is not None:
        watch("silent", pulse.silent_for(limits.silence))
    try:
        done, _ = await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await _cancel([task for task in watched if task is not gone])
    return next(reason for task, reason in watched.items() if task in done)


async def _end(started: Started, gone: asyncio.Task[Any], grace: timedelta) -> None:
    """Ask, insist, kill. A second SIGINT would make terraform give up at once: it gets one."""
    await started.signal(signal.SIGINT)
    if await _happens(gone, grace):
        return
    await started.signal(signal.SIGTERM)
    if await _happens(gone, min(grace, LAST_WORDS)):
        return
    log.warning("the command did not end by itself and is killed")
    started.kill()


async def _drain(pumps: Sequence[asyncio.Task[None]], pulse: _Pulse) -> None:
    """Take what a dead command has left in its pipe.

    Every writer is dead, so the pipe gives bytes or its end at once. If it does neither, a
    process that is none of ours got hold of it; do not wait for a stranger.
    """
    if pulse.quiet_since is not None:  # its silence while it lived does not count here
        pulse.quiet_since = asyncio.get_running_loop().time()
    given_up = asyncio.create_task(pulse.silent_for(LINGER))
    everything = asyncio.gather(*pumps)
    either: set[asyncio.Future[Any]] = {everything, given_up}
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    await _cancel([given_up])
    if everything.done():
        everything.result()
    else:
        log.warning("someone else holds the output of a finished command open")


async def _bury(gone: asyncio.Task[Any]) -> None:
    """Wait for a killed command. Its outcome is looked at elsewhere."""
    while not await _happens(gone, UNKILLABLE):
        log.warning("waiting for a command that cannot be killed; a disk or share may hang")


async def _happens(task: asyncio.Task[Any], within: timedelta) -> bool:
    done, _ = await asyncio.wait({task}, timeout=within.total_seconds())
    return bool(done)


async def _cancel(tasks: Sequence[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
