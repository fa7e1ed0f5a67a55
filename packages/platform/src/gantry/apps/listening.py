"""uvicorn as a part of a process: no signal handlers, no exit of its own, one error."""

from __future__ import annotations

import asyncio
import errno
import socket
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

import uvicorn


class Listener(uvicorn.Server):
    """uvicorn without its own signal handlers: the process' main decides when to end."""

    def __init__(self, config: uvicorn.Config, ready: asyncio.Event | None) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the port, then say so. Raises OSError for a port that is taken."""
        try:
            await super().startup(sockets=sockets)
        except SystemExit:
            # uvicorn logs the reason and exits; here other parts have to be ended in order.
            port = self.config.port
            raise OSError(errno.EADDRINUSE, f"cannot listen for HTTP on port {port}") from None
        if self._ready is not None:
            self._ready.set()

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        """Leave signals to apps.process."""
        return nullcontext()


E = TypeVar("E", bound=BaseException | None)


def only(error: E) -> E | BaseException:
    """What is in a group of one, however deep; else the error itself."""
    found: E | BaseException = error
    while isinstance(found, BaseExceptionGroup) and len(found.exceptions) == 1:
        found = found.exceptions[0]
    return found
