"""The server process: HTTP and the built-in broker on one loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
import uvicorn
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.applications import Starlette
from starlette.routing import Route

from gantry.api import broker as bells
from gantry.api.app import application
from gantry.api.doors import House
from gantry.api.graphql.door import routes as graphql_routes
from gantry.apps.listening import Listener
from gantry.apps.wiring import Core, house
from gantry.infra.broker import Admission, Broker
from gantry.infra.bus import Notice

log = structlog.get_logger()


async def serve(core: Core, *, ready: asyncio.Event | None = None) -> None:
    """Serve until cancelled. `ready` is set when both ports are open."""
    settings, there = core.settings, house(core)
    logging.getLogger("amqtt").setLevel(settings.mqtt_broker_log_level.upper())
    broker = _broker(core)
    await broker.start()
    app = build(there, core, broker)
    config = uvicorn.Config(
        app,
        host=settings.server_host,
        port=settings.server_port,
        log_config=None,
        access_log=False,
        # uvicorn believes any local peer; GANTRY_TRUSTED_PROXIES says whom to believe.
        proxy_headers=False,
        # Streams end when the server does; ten seconds let ordinary requests finish.
        timeout_graceful_shutdown=10,
        h11_max_incomplete_event_size=64 * 1024,
    )
    server = Listener(config, ready)
    async with asyncio.TaskGroup() as tasks:
        listening = tasks.create_task(core.bus.run())
        ringing = tasks.create_task(_ring(core, broker))
        serving = tasks.create_task(server.serve())
        try:
            await asyncio.shield(serving)
        finally:
            # uvicorn ends in order when told, not when cancelled.
            server.should_exit = True
            await asyncio.gather(serving, return_exceptions=True)
            ringing.cancel()
            listening.cancel()
            await broker.stop()


def build(there: House, core: Core, broker: Broker) -> Starlette:
    """The application with its GraphQL door."""
    routes: list[Route] = graphql_routes(there)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        log.info("server started", address=there.base_url, version=there.version)
        yield
        log.info("server stopping")

    return application(
        there,
        routes,
        lifespan,
        secure=there.secure,
        measure=core.meter.answered,
        # The pool's own TimeoutError is SQLAlchemy's: every connection waits for an answer.
        away=(OperationalError, InterfaceError, PoolTimeout),
    )


def _broker(core: Core) -> Broker:
    async def admit(username: str, password: str) -> Admission | None:
        found = await bells.admitted(core.db, core.authority, username, password)
        return None if found is None else Admission(pool_id=found[0], worker_id=found[1])

    async def heard(who: Admission, message: bytes) -> None:
        # Workers report over HTTPS; the broker only carries bells to them.
        log.debug("message from worker ignored", worker_id=who.worker_id, bytes=len(message))

    return Broker(
        namespace=core.settings.mqtt_namespace,
        host=core.settings.mqtt_broker_host,
        port=core.settings.mqtt_broker_port,
        admit=admit,
        heard=heard,
    )


async def _ring(core: Core, broker: Broker) -> None:
    def wanted(topic: str) -> bool:
        return topic.startswith(("pool:", "worker:"))

    async with core.bus.subscribe(wanted) as subscription:
        async for item in subscription:
            try:
                if isinstance(item, Notice):
                    await bells.ring_for(core.db, broker, item.topic, dict(item.payload))
                else:
                    await bells.ring_everyone(core.db, broker)
            except (SQLAlchemyError, OSError) as error:
                # A bell that is not rung costs a moment: workers ask on a slow timer as well.
                log.warning("bell not rung", reason=type(error).__name__)
