"""A word of the worker's own in the output of a command, in its place among the command's lines."""

from __future__ import annotations

import asyncio
import os

TRIES, BETWEEN = 100, 0.05  # seconds between, five in all: a pipe that stays full has no reader


class Aside:
    """Writes lines into the pipe that a command has as its standard error.

    Through a description of its own: that this one must not wait is nothing to the command.
    The output has no end while this is open.
    """

    def __init__(self, stderr: int) -> None:
        self._pipe: int | None = os.open(
            f"/proc/self/fd/{stderr}", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC
        )

    async def say(self, line: str) -> None:
        """Say one line, of less than PIPE_BUF bytes; given up when nobody reads."""
        for _ in range(TRIES):
            if self._pipe is None:
                return
            try:
                os.write(self._pipe, line.encode("utf-8", "replace")[:1000] + b"\n")
            except BlockingIOError:
                await asyncio.sleep(BETWEEN)
            else:
                return

    def close(self) -> None:
        """Say nothing more. May be called again."""
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None
