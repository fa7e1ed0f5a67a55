"""The port for probes: whether a process has started, and is ready (deployment contract §1)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gantry.apps.listening import Listener
from gantry.apps.wiring import Core, readiness, release

log = structlog.get_logger()


@asynccontextmanager
async def instrumented(core: Core) -> AsyncIterator[None]:
    """Answer probes while the body runs, if the settings ask for it. Raises OSError for a port
    that is taken.
    """
    if not core.settings.instrumentation:
        yield
        return
    config = uvicorn.Config(
        _application(core),
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


def _application(core: Core) -> Starlette:
    async def live(_: Request) -> Response:
        return JSONResponse({"status": "ok", "version": release()})

    async def ready(_: Request) -> Response:
        problem = await readiness(core)
        if problem is not None:
            return JSONResponse({"status": "not ready", "reason": problem}, status_code=503)
        return JSONResponse({"status": "ready"})

    # Nothing here needs to know who asks: the answers are the same for everybody.
    return Starlette(
        routes=[
            Route("/health", live),
            Route("/startup", ready),
            Route("/readiness", ready),
        ]
    )
