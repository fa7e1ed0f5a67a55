"""How long answers take to begin, by the pattern of their route."""

from __future__ import annotations

import time
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

Measure = Callable[[str, str, int, float], None]
"""Is told of each answer: method, route, status, seconds until it began."""

UNKNOWN = "none"
"""The route of requests that no door is for; their paths are anybody's words."""

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "LOCK", "UNLOCK", "OPTIONS"})


def unmeasured(method: str, route: str, status: int, seconds: float) -> None:
    """For an application that nobody watches."""


class Measured:
    """Tells of every answer that begins. Streams count until their first byte."""

    def __init__(self, app: ASGIApp, *, measure: Measure) -> None:
        self.app, self.measure = app, measure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = time.perf_counter()

        async def timed(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", UNKNOWN)
                method = scope["method"] if scope["method"] in METHODS else UNKNOWN
                seconds = time.perf_counter() - begun
                self.measure(method, route, message["status"], seconds)
            await send(message)

        await self.app(scope, receive, timed)
