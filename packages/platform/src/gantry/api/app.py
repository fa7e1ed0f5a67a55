"""The HTTP application: every door in one place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager

import structlog
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from gantry.api.doors import House
from gantry.api.health import probes
from gantry.api.live import events
from gantry.api.login import session
from gantry.api.objects import local
from gantry.api.oidc import keys
from gantry.api.pages import plain
from gantry.api.state import backend, download
from gantry.api.worker import calls
from gantry.kernel.ids import new_id

log = structlog.get_logger()


class RequestLog:
    """Binds a request id to everything that is logged, and keeps bugs from showing themselves."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=new_id())
        await self.app(scope, receive, send)


async def _bug(request: Request, error: Exception) -> Response:
    log.error("request failed", path=request.url.path, exc_info=error)
    return JSONResponse(
        {"code": "INTERNAL", "message": "Something went wrong here; the log knows more."},
        status_code=500,
    )


def all_routes(graphql: Sequence[Route]) -> list[Route]:
    """Every route there is."""
    return [
        *graphql,
        *calls.routes(),
        *backend.routes(),
        *download.routes(),
        *local.routes(),
        *events.routes(),
        *session.routes(),
        *keys.routes(),
        *probes.routes(),
        *plain.routes(),
    ]


def application(
    there: House,
    graphql: Sequence[Route],
    lifespan: Callable[[Starlette], AbstractAsyncContextManager[None]] | None = None,
) -> Starlette:
    """The application over its house."""
    app = Starlette(
        routes=all_routes(graphql),
        middleware=[Middleware(RequestLog)],
        exception_handlers={Exception: _bug},
        lifespan=lifespan,
    )
    app.state.house = there
    return app
