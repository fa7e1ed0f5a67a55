"""The HTTP application: every door in one place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

import structlog
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gantry.api.departure import Departure, LastAnswers
from gantry.api.doors import House
from gantry.api.health import probes
from gantry.api.live import events
from gantry.api.login import cli, session, sign_on
from gantry.api.measured import Measure, Measured, unmeasured
from gantry.api.objects import local
from gantry.api.oidc import keys
from gantry.api.pages import application as pages
from gantry.api.plans import download as plans
from gantry.api.state import backend, download
from gantry.api.traced import Traced
from gantry.api.usage import download as usage
from gantry.api.worker import calls
from gantry.kernel.ids import new_id
from gantry.ports.traces import Traces

log = structlog.get_logger()

HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    # Answers hold what only their reader may see; what may be kept says so itself.
    "cache-control": "no-store",
}
HSTS = "max-age=31536000"
"""A year, the least that browsers' lists ask for. Other names of the domain are not ours."""
CLIENT_LEFT = 499
"""What proxies write down for a request whose client went away before it had an answer."""


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


class SafeHeaders:
    """Tells browsers to take every response as what it says it is, and for nobody else."""

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self.app, self.secure = app, secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def stamped(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if self.secure:
                    headers.setdefault("strict-transport-security", HSTS)
            await send(message)

        await self.app(scope, receive, stamped if scope["type"] == "http" else send)


async def _away(request: Request, error: Exception) -> Response:
    # No traceback: there is one line for each request of an outage.
    log.warning("database away", path=request.url.path, reason=type(error).__name__)
    return JSONResponse(
        {"code": "DATABASE_UNAVAILABLE", "message": "The database does not answer; try again."},
        status_code=503,
        headers={"retry-after": "1"},
    )


async def _left(request: Request, error: Exception) -> Response:
    # Browsers end what they ask when somebody turns the page: nobody hears this, and all is well.
    return Response(status_code=CLIENT_LEFT)


async def _bug(request: Request, error: Exception) -> Response:
    log.error("request failed", path=request.url.path, exc_info=error)
    return JSONResponse(
        {"code": "INTERNAL", "message": "Something went wrong here; the log knows more."},
        status_code=500,
    )


class _Guarded(Starlette):
    """Starlette answers bugs outside of all middleware; that answer is counted, too, and has these
    headers.
    """

    def __init__(self, secure: bool, measure: Measure, **options: Any) -> None:
        super().__init__(**options)
        self._secure, self._measure = secure, measure

    def build_middleware_stack(self) -> ASGIApp:
        """What Starlette builds, inside of SafeHeaders and Measured."""
        inner = Measured(super().build_middleware_stack(), measure=self._measure)
        return SafeHeaders(inner, secure=self._secure)


def all_routes(graphql: Sequence[Route]) -> list[Route]:
    """Every route there is."""
    return [
        *graphql,
        *calls.routes(),
        *backend.routes(),
        *download.routes(),
        *plans.routes(),
        *usage.routes(),
        *local.routes(),
        *events.routes(),
        *session.routes(),
        *sign_on.routes(),
        *cli.routes(),
        *keys.routes(),
        *probes.routes(),
        *pages.routes(),
    ]


def application(
    there: House,
    graphql: Sequence[Route],
    lifespan: Callable[[Starlette], AbstractAsyncContextManager[None]] | None = None,
    *,
    secure: bool = False,
    measure: Measure = unmeasured,
    traces: Traces | None = None,
    away: Sequence[type[Exception]] = (),
    departure: Departure | None = None,
) -> Starlette:
    """The application over its house. `secure`: clients come over TLS, and are to go on so;
    `away`: what says that the database does not answer; `departure`: when clients are sent away.
    """
    middleware = [
        Middleware(LastAnswers, departure=departure or Departure()),
        Middleware(RequestLog),
    ]
    if traces is not None:
        middleware.append(Middleware(Traced, traces=traces))
    app = _Guarded(
        secure,
        measure,
        routes=all_routes(graphql),
        middleware=middleware,
        exception_handlers={Exception: _bug, ClientDisconnect: _left} | dict.fromkeys(away, _away),
        lifespan=lifespan,
    )
    app.state.house = there
    return app
