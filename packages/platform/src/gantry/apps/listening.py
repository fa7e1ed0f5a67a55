"""uvicorn as a part of a process: no signal handlers, no exit of its own, one error."""

from __future__ import annotations

import asyncio
import errno
import socket
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

import uvicorn

CLOSE_SECONDS = 1.0
"""For a client to take its last bytes once its connection is closed."""


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

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take nothing more, and end in order what is under way."""
        hanging_up = asyncio.create_task(self._hang_up())
        try:
            await super().shutdown(sockets=sockets)
        finally:
            hanging_up.cancel()

    async def _hang_up(self) -> None:
        """Cut connections that are closed on this side: over TLS a client has to agree to the
        end, which one that keeps its connection for later does not, and uvicorn would wait.
        """
        while True:
            found = [connection.transport for connection in self.server_state.connections]
            closing = [transport for transport in found if transport.is_closing()]
            await asyncio.sleep(CLOSE_SECONDS)
            for transport in closing:
                transport.abort()

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
