"""The process of a Postgres server: what it says of itself, and how it is brought to an end."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import structlog

log = structlog.get_logger()

POLL = 0.05  # seconds between looks at a server that starts or ends

# Fast shutdown writes a checkpoint; immediate shutdown does without, and the next start replays
# what was written since the last; then the kernel decides. With the seconds given to each.
_ENDING = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0))
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LINES = 8  # of postmaster.pid (Postgres' pidfile.h)


class Postmaster(NamedTuple):
    """What a running server says of itself in `postmaster.pid`."""

    pid: int
    socket_dir: str
    ready: bool


def read_postmaster(cluster: Path) -> Postmaster | None:
    """What the server last said of itself; None without one, or while it is still writing.

    The lines are: number, directory, start, port, socket, address, memory, status. Those that
    the server does not know yet are missing. It may be gone all the same: see `is_postmaster`.
    """
    with contextlib.suppress(FileNotFoundError, ValueError):
        lines = (cluster / "postmaster.pid").read_text().splitlines()
        lines += [""] * (_LINES - len(lines))
        return Postmaster(int(lines[0]), lines[4], lines[7].strip() == "ready")
    return None


def is_postmaster(pid: int, cluster: Path) -> bool:
    """Whether this process is a server on this cluster, not one that got its number later."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except FileNotFoundError:
        if sys.platform == "linux":
            return False
        command = ["ps", "-ww", "-o", "command=", "-p", str(pid)]
        words = subprocess.run(command, capture_output=True, check=False).stdout.split()
    return os.fsencode(cluster) in words


async def end_postmaster(is_alive: Callable[[], bool], send: Callable[[int], None]) -> None:
    """Ask the server to end, less and less politely, until it does."""
    for number, patience in _ENDING:
        if is_alive():
            with contextlib.suppress(ProcessLookupError):
                send(number)
        if await _gone_within(patience, is_alive):
            return
        log.warning("postgres does not end", signal=number)


def end_with_owner() -> Callable[[], None] | None:
    """For a child to call before it becomes the server: the kernel is to end it with us.

    More exactly, with the thread that forks. None where the kernel offers no such thing; there
    the next owner ends the server.
    """
    if sys.platform != "linux":
        return None
    owner = os.getpid()
    prctl = ctypes.CDLL(None).prctl  # looked up here: between fork and exec there are only calls

    def ask() -> None:
        prctl(_PR_SET_PDEATHSIG, int(signal.SIGINT), 0, 0, 0)
        if os.getppid() != owner:  # we were killed before it could ask
            os._exit(1)

    return ask


async def _gone_within(seconds: float, is_alive: Callable[[], bool]) -> bool:
    for _ in range(round(seconds / POLL)):
        if not is_alive():
            return True
        await asyncio.sleep(POLL)
    return not is_alive()
