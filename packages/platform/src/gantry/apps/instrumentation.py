"""The port for those who watch: probes (deployment contract §1), and metrics for Prometheus."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
import uvicorn
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gantry.apps import metering
from gantry.apps.listening import Listener
from gantry.apps.wiring import Core, readiness, release
from gantry.infra.meter import CONTENT_TYPE, Reading

log = structlog.get_logger()

READING_SECONDS = 5.0
"""For the queries behind one page of metrics; Prometheus gives up after ten."""

_WORDS = ("gantry_database_up", "Whether the database answered just now.")
UP, DOWN = Reading(*_WORDS, 1), Reading(*_WORDS, 0)


@asynccontextmanager
async def instrumented(core: Core, doors: asyncio.Event | None = None) -> AsyncIterator[None]:
    """Answer probes and give metrics while the body runs, if the settings ask for it.

    The process is not ready before `doors` is set; without one it is from the start.
    Raises OSError for a port that is taken.
    """
    if not core.settings.instrumentation:
        yield
        return
    config = uvicorn.Config(
        _application(core, doors),
        host=core.settings.server_host,
        port=core.settings.instrumentation_port,
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    ready = asyncio.Event()
    server = Listener(config, ready)
    serving = asyncio.create_task(server.serve())
    opened = asyncio.create_task(ready.wait())
    try:
        await asyncio.wait({serving, opened}, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            serving.result()
        log.info("probes answered", port=core.settings.instrumentation_port)
        yield
    finally:
        opened.cancel()
        server.should_exit = True
        await asyncio.gather(serving, return_exceptions=True)


def _application(core: Core, doors: asyncio.Event | None) -> Starlette:
    async def live(_: Request) -> Response:
        return JSONResponse({"status": "ok", "version": release()})

    async def ready(_: Request) -> Response:
        starting = doors is not None and not doors.is_set()
        problem = "the server is starting" if starting else await readiness(core)
        if problem is not None:
            return JSONResponse({"status": "not ready", "reason": problem}, status_code=503)
        return JSONResponse({"status": "ready"})

    async def metrics(_: Request) -> Response:
        try:
            async with asyncio.timeout(READING_SECONDS):
                found = [*await metering.readings(core.db), UP]
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            # What this process counts is worth most while the database is away.
            log.warning("installation not read for metrics", reason=type(error).__name__)
            found = [DOWN]
        return Response(core.meter.page(found), media_type=CONTENT_TYPE)

    # Nothing here needs to know who asks: the answers are the same for everybody.
    return Starlette(
        routes=[
            Route("/health", live),
            Route("/startup", ready),
            Route("/readiness", ready),
            Route("/metrics", metrics),
        ]
    )
