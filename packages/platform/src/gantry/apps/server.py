"""The server process: HTTP and the way to wake workers on one loop."""

from __future__ import annotations

import asyncio
import gc
import logging
import resource
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

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
from gantry.apps.checks import Checks
from gantry.apps.listening import Listener
from gantry.apps.settings import MisconfiguredError
from gantry.apps.wiring import Core, house
from gantry.infra.broker import Admission, Broker
from gantry.infra.bus import Notice
from gantry.infra.external_broker import ExternalBroker
from gantry.infra.tls import BadCertificate, KeptCertificate

log = structlog.get_logger()

CONNECTIONS = 65_536
"""Descriptors: ten times what the largest installation was tried with."""

_AWAY = (SQLAlchemyError, OSError)
"""A bell that is not rung for these costs a moment: workers ask on a slow timer as well."""


async def serve(core: Core, *, ready: asyncio.Event | None = None) -> None:
    """Serve until cancelled. `ready` is set when both ports are open.

    When cancelled it goes on for the delay that the settings ask for, so that clients are led
    elsewhere, and then ends streams, requests and workers' connections in order. Cancelled once
    more it does not wait any longer.
    """
    settings, there = core.settings, house(core, examine=Checks(core))
    _make_room_for_connections()
    web = _certificate(core, "http", settings.tls_certificate, settings.tls_key)
    mqtt = _certificate(core, "mqtt", settings.mqtt_tls_certificate, settings.mqtt_tls_key)
    kept = [one for one in (web, mqtt) if one is not None]
    config = uvicorn.Config(
        build(there, core),
        host=settings.server_host,
        port=settings.server_port,
        log_config=None,
        access_log=False,
        # uvicorn believes any local peer; GANTRY_TRUSTED_PROXIES says whom to believe.
        proxy_headers=False,
        # For ordinary requests to finish. With the delay before, it stays below the 30 seconds
        # after which Kubernetes ends by force what was asked to end.
        timeout_graceful_shutdown=10,
        h11_max_incomplete_event_size=64 * 1024,
        ssl_context_factory=None if web is None else _always(web.context),
    )
    server = Listener(config, ready)
    async with (
        _waking(core, mqtt.context if mqtt else None) as broker,
        asyncio.TaskGroup() as tasks,
    ):
        beside = [
            tasks.create_task(core.bus.run()),
            tasks.create_task(_ring(core, broker)),
            *(tasks.create_task(one.keep()) for one in kept),
        ]
        # Whoever resumes here must not be told that something may have been missed.
        await core.bus.begun.wait()
        serving = tasks.create_task(server.serve())
        try:
            await asyncio.shield(serving)
        except asyncio.CancelledError:
            if not serving.done():
                core.departure.announced.set()
                log.info("server leaving", seconds=settings.shutdown_delay)
                await asyncio.wait({serving}, timeout=settings.shutdown_delay)
            raise
        finally:
            core.departure.begun.set()
            # uvicorn ends in order when told, not when cancelled.
            server.should_exit = True
            # Workers go elsewhere while requests finish, and ask there what they missed.
            ends = [broker.stop()] if isinstance(broker, Broker) else []
            await asyncio.gather(serving, *ends, return_exceptions=True)
            for task in beside:
                task.cancel()


_VARIABLES = {"http": "GANTRY_TLS", "mqtt": "GANTRY_MQTT_TLS"}
"""What names the certificate of each port."""


def _certificate(
    core: Core, port: str, certificate: Path | None, key: Path | None
) -> KeptCertificate | None:
    if certificate is None or key is None:
        return None

    def shown(ends_at: datetime) -> None:
        core.meter.certificate(port, ends_at.timestamp())

    try:
        return KeptCertificate(certificate, key, shown=shown)
    except BadCertificate as error:
        name = _VARIABLES[port]
        raise MisconfiguredError(
            f"{name}_CERTIFICATE and {name}_KEY are not usable: {error}."
        ) from None


def _make_room_for_connections() -> None:
    """Take as many descriptors as may be had: many systems begin with 1,024, which is fewer than
    the lines of a thousand workers and their requests.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS if hard == resource.RLIM_INFINITY else min(CONNECTIONS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _always(
    context: ssl.SSLContext,
) -> Callable[[uvicorn.Config, Callable[[], ssl.SSLContext]], ssl.SSLContext]:
    return lambda config, default: context


def build(there: House, core: Core) -> Starlette:
    """The application with its GraphQL door."""
    routes: list[Route] = graphql_routes(there)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        # What starting has made stays as long as the process; looking through all of it again with
        # every collection takes half as long as the answer of a long list.
        gc.collect()
        gc.freeze()
        log.info("server started", address=there.base_url, version=there.version)
        yield
        log.info("server stopping")

    return application(
        there,
        routes,
        lifespan,
        secure=there.secure,
        measure=core.meter.answered,
        traces=core.traces,
        departure=there.departure,
        # The pool's own TimeoutError is SQLAlchemy's: every connection waits for an answer.
        away=(OperationalError, InterfaceError, PoolTimeout),
    )


@asynccontextmanager
async def _waking(core: Core, tls: ssl.SSLContext | None) -> AsyncIterator[bells.Ringer]:
    """The broker that the settings ask for, at work while the body runs."""
    if core.settings.mqtt_broker_type == "builtin":
        broker = _builtin(core, tls)
        await broker.start()
        try:
            yield broker
        finally:
            await broker.stop()
        return

    async def missed() -> None:
        await _everyone(core, outside)

    outside = ExternalBroker(
        endpoint=core.settings.server_endpoint,
        namespace=core.settings.mqtt_namespace,
        login=await core.broker_login(),
        missed=missed,
        standing=core.meter.broker,
    )
    async with asyncio.TaskGroup() as tasks:
        connected = tasks.create_task(outside.run())
        try:
            yield outside
        finally:
            connected.cancel()


def _builtin(core: Core, tls: ssl.SSLContext | None) -> Broker:
    settings = core.settings
    logging.getLogger("amqtt").setLevel(settings.mqtt_broker_log_level.upper())

    async def admit(username: str, password: str) -> Admission | None:
        found = await bells.admitted(core.db, core.authority, username, password)
        return None if found is None else Admission(pool_id=found[0], worker_id=found[1])

    async def heard(who: Admission, message: bytes) -> None:
        # Workers report over HTTPS; the broker only carries bells to them.
        log.debug("message from worker ignored", worker_id=who.worker_id, bytes=len(message))

    return Broker(
        namespace=settings.mqtt_namespace,
        host=settings.mqtt_broker_host,
        port=settings.mqtt_broker_port,
        admit=admit,
        heard=heard,
        tls=tls,
    )


async def _everyone(core: Core, broker: bells.Ringer) -> None:
    try:
        await bells.ring_everyone(core.db, broker)
    except _AWAY as error:
        log.warning("bell not rung", reason=type(error).__name__)


async def _ring(core: Core, broker: bells.Ringer) -> None:
    def wanted(topic: str) -> bool:
        return topic.startswith(("pool:", "worker:"))

    async with core.bus.subscribe(wanted) as subscription:
        async for item in subscription:
            if not isinstance(item, Notice):
                await _everyone(core, broker)
                continue
            try:
                await bells.ring_for(core.db, broker, item.topic, dict(item.payload))
            except _AWAY as error:
                log.warning("bell not rung", reason=type(error).__name__)
