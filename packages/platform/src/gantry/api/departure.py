"""How a server goes out of service: clients are sent elsewhere first, and then it ends.

A server that is told to end goes on answering for a moment, so that whatever distributes
connections can notice. Nobody is cut off who could have gone elsewhere in time.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass(frozen=True)
class Departure:
    """The two steps, each of which is taken once and not taken back."""

    announced: asyncio.Event = field(default_factory=asyncio.Event)
    """Not ready any more: everything is answered, and every connection ends with its answer."""
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    """Streams end; their readers resume where they were, at another server."""


class LastAnswers:
    """Ends each connection with its answer once the departure is announced.

    A connection that is kept alive would go on leading here, whatever `/readiness` says.
    """

    def __init__(self, app: ASGIApp, *, departure: Departure) -> None:
        self.app, self.departure = app, departure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def last(message: Message) -> None:
            if message["type"] == "http.response.start" and self.departure.announced.is_set():
                MutableHeaders(scope=message)["connection"] = "close"
            await send(message)

        await self.app(scope, receive, last if scope["type"] == "http" else send)
