"""Requests as spans: what was asked, how it was answered, how long that took."""

from __future__ import annotations

import re
import secrets

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gantry.api.measured import METHODS, UNKNOWN
from gantry.kernel.ids import as_number, new_id
from gantry.ports.traces import REQUEST, Span, SpanId, Traces

UNTRACED = frozenset(
    {UNKNOWN, "/health", "/readiness", "/startup", "/worker/v1/next", "/worker/v1/heartbeat"}
)
"""Routes that are asked every few seconds by everybody, and tell nothing of any work."""

_PARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
"""The header `traceparent` (W3C Trace Context, version 00)."""


class Traced:
    """Hands over a span for every request that a door is for. Streams last until they end."""

    def __init__(self, app: ASGIApp, *, traces: Traces) -> None:
        self.app, self.traces = app, traces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = str(structlog.contextvars.get_contextvars().get("request_id") or new_id())
        parent, sampled = _caller(scope)
        if not sampled:
            await self.app(scope, receive, send)
            return
        trace = parent.trace if parent else as_number(request_id)
        own, began, status = SpanId(trace, secrets.randbits(64) or 1), self.traces.now(), 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        token = REQUEST.set(own)
        try:
            await self.app(scope, receive, noted)
        finally:
            REQUEST.reset(token)
            route = str(getattr(scope.get("route"), "path", UNKNOWN))
            if route not in UNTRACED:
                method = scope["method"] if scope["method"] in METHODS else UNKNOWN
                span = Span(
                    own,
                    f"{method} {route}",
                    began,
                    max(self.traces.now(), began),
                    parent=parent,
                    attributes={
                        "http.request.method": method,
                        "http.route": route,
                        "http.response.status_code": status,
                        "gantry.request.id": request_id,
                        **_about(scope),
                    },
                    failed=status >= 500,
                    serves=True,
                )
                self.traces.keep([span])


def _caller(scope: Scope) -> tuple[SpanId | None, bool]:
    """Whose request it is, and whether that caller wants it traced."""
    given = [value for name, value in scope["headers"] if name == b"traceparent"]
    found = _PARENT.fullmatch(given[0].decode("latin-1")) if len(given) == 1 else None
    if found is None:
        return None, True
    trace, span, flags = (int(part, 16) for part in found.groups())
    if not trace or not span:
        return None, True
    return SpanId(trace, span), bool(flags & 1)


def _about(scope: Scope) -> dict[str, str]:
    """The run or stack in the path. Whoever has no rights to it may have written it."""
    found = scope.get("path_params", {})
    return {
        f"gantry.{name}.id": str(found[name])[:64] for name in ("run", "stack") if name in found
    }
