"""The doorbell: an MQTT broker inside the server that wakes workers, and nothing else.

A ring says "look again"; what there is to see is asked for over HTTPS. So a message may be
lost without harm, nothing is retained or stored, and servers share no broker state: whichever
holds a worker's connection rings.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import itertools
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from amqtt.broker import AMQTT_MAGIC_VALUE_RET_SUBSCRIBED as REFUSED
from amqtt.broker import Broker as Exchange
from amqtt.contexts import Action, BrokerConfig, ListenerConfig, ListenerType
from amqtt.errors import ProtocolHandlerError
from amqtt.mqtt.connack import BAD_USERNAME_PASSWORD, SERVER_UNAVAILABLE
from amqtt.mqtt.constants import QOS_1
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin
from amqtt.session import Session
from gantry_protocol import topics

from gantry.infra.broker_line import Forbidden, Line, Unwelcome, read_hello, refusal

CONNECT_SECONDS = 10.0
"""For a peer to introduce itself, and again for it to be looked up: time enough for a slow link
and a loaded database."""
CLOSE_SECONDS = 2.0
"""For a worker to take its last bytes; then the socket is cut."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Admission:
    """Who a connection belongs to, and thereby the two topics it may use."""

    pool_id: str
    worker_id: str


Admit = Callable[[str, str], Awaitable[Admission | None]]
"""Says who (username, password) is, or None for nobody."""
Heard = Callable[[Admission, bytes], Awaitable[None]]
"""Takes a message that a worker published on its own writeonly topic."""


class CannotListen(OSError):
    """The port cannot be had, because something else has it or the address is not ours."""


class Broker:
    """Listens for workers from `start` to `stop`, and can then be started again.

    Each connection is admitted by `admit`, called with the worker's id and its proof. Messages
    of one worker reach `heard` one at a time and in order; a call is given up after four
    seconds, or when the connection ends. Without `tls` it speaks plain MQTT 3.1.1.
    """

    def __init__(
        self,
        *,
        namespace: str,
        host: str,
        port: int,
        admit: Admit,
        heard: Heard,
        tls: ssl.SSLContext | None = None,
        max_connections: int = 5000,  # a file descriptor and 60 KB each
    ) -> None:
        self._namespace = namespace
        self._host = host
        self._port = port
        self._admit = admit
        self._heard = heard
        self._tls = tls
        self._max_connections = max_connections
        self._serial = itertools.count(1)
        self._by_worker: dict[str, Line] = {}
        self._by_key: dict[str, Line] = {}
        self._serving: set[asyncio.Task[None]] = set()
        self._exchange: Exchange | None = None
        self._server: asyncio.Server | None = None

    @property
    def connected(self) -> frozenset[str]:
        """The ids of the workers that are connected to this server."""
        return frozenset(self._by_worker)

    @property
    def port(self) -> int:
        """The port listened on: the system's choice when 0 was asked for."""
        if self._server is None or not self._server.sockets:
            return self._port
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Begin to listen. Raises CannotListen."""
        if self._exchange is not None:
            raise RuntimeError("the broker is running already")
        exchange = _Exchange(self._by_key)
        await exchange.start()
        try:
            self._server = await asyncio.start_server(
                self._serve, self._host, self._port, **self._tls_options()
            )
        except OSError as cause:
            await exchange.shutdown()
            why = "the port is taken" if cause.errno == errno.EADDRINUSE else f"of this: {cause}"
            message = f"cannot listen for MQTT on {self._host} port {self._port} because {why}"
            raise CannotListen(cause.errno, message) from cause
        self._exchange = exchange
        log.info("broker listening", host=self._host, port=self.port, tls=self._tls is not None)

    def _tls_options(self) -> dict[str, Any]:
        if self._tls is None:
            return {}
        return {
            "ssl": self._tls,
            "ssl_handshake_timeout": CONNECT_SECONDS,
            "ssl_shutdown_timeout": CLOSE_SECONDS,
        }

    async def stop(self) -> None:
        """Stop listening and end every connection; does nothing when not started."""
        exchange, self._exchange = self._exchange, None
        server, self._server = self._server, None
        if exchange is None or server is None:
            return
        server.close()
        await asyncio.gather(*(self._end(line) for line in list(self._by_worker.values())))
        while self._serving:  # those still at the door
            for task in self._serving:
                task.cancel()
            await asyncio.wait(set(self._serving))
        await server.wait_closed()
        await exchange.shutdown()
        log.info("broker stopped")

    async def ring(self, pool_id: str, worker_id: str, message: bytes) -> None:
        """Send `message` to the worker if it is connected here and listens; else do nothing.

        Does not wait until the worker has it. A worker that does not acknowledge within five
        seconds is hung up on; when it returns it asks what it missed.
        Raises ValueError for a message above `topics.MESSAGE_LIMIT` bytes.
        """
        if len(message) > topics.MESSAGE_LIMIT:
            raise ValueError("the message is above the limit")
        line = self._by_worker.get(worker_id)
        if line is None or line.qos is None or self._exchange is None:
            return
        if line.readonly != topics.readonly(self._namespace, pool_id, worker_id):
            return
        _, handler = self._exchange.sessions[line.key]
        line.ring(handler.mqtt_publish(line.readonly, message, line.qos, retain=False))

    async def disconnect(self, worker_id: str) -> None:
        """End the worker's connection, if it has one here. It may come back if it is admitted."""
        if line := self._by_worker.get(worker_id):
            await self._end(line)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The life of one socket, admitted or not."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine that runs has a task
        self._serving.add(task)
        try:
            try:
                await self._welcome(reader, writer)
            finally:
                await _hang_up(writer)
        except asyncio.CancelledError:  # by `stop`; asyncio would report it as an error
            log.debug("connection cut short")
        except Exception:  # nobody awaits this task, so this is where its errors end
            log.exception("connection failed")
        finally:
            self._serving.discard(task)

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._serving) > self._max_connections:
            log.warning("connection turned away", limit=self._max_connections)
            return
        admitted = await self._door(reader, writer)
        if admitted is not None and self._exchange is not None:
            await self._keep(self._line(reader, writer, *admitted), self._exchange)

    async def _door(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> tuple[Admission, int] | None:
        """Who is there and its keep-alive in seconds; None when it was sent away."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                hello = await read_hello(reader)
        except Unwelcome as refused:
            _refuse(writer, refused.code, str(refused))
            return None
        except (Forbidden, asyncio.IncompleteReadError, OSError) as cause:
            log.info("connection ended before it was introduced", reason=type(cause).__name__)
            return None
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                admission = await self._admit(hello.username, hello.password)
        except Exception:
            log.exception("worker could not be looked up")
            _refuse(writer, SERVER_UNAVAILABLE, "nobody could be asked")
            return None
        if admission is None:
            _refuse(writer, BAD_USERNAME_PASSWORD, "its proof was not accepted")
            return None
        return admission, hello.keep_alive

    def _line(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        admission: Admission,
        keep_alive: int,
    ) -> Line:
        pool_id, worker_id = admission.pool_id, admission.worker_id
        structlog.contextvars.bind_contextvars(pool_id=pool_id, worker_id=worker_id)
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - as in _serve
        return Line(
            reader,
            writer,
            # amqtt tidies up sessions by client id, a second late: an id is never used twice.
            key=f"{worker_id}/{next(self._serial)}",
            worker_id=worker_id,
            readonly=topics.readonly(self._namespace, pool_id, worker_id),
            writeonly=topics.writeonly(self._namespace, pool_id, worker_id),
            keep_alive=keep_alive,
            hear=lambda message: self._heard(admission, message),
            task=task,
        )

    async def _keep(self, line: Line, exchange: Exchange) -> None:
        """Hand an admitted connection to amqtt until it ends; the newest of a worker wins."""
        earlier = self._by_worker.get(line.worker_id)
        self._by_worker[line.worker_id] = self._by_key[line.key] = line
        if earlier is not None:
            log.info("worker connection replaced by a newer one")
            await earlier.close()
        log.info("worker connected", keep_alive=line.keep_alive)
        session = asyncio.create_task(exchange.external_connected(line, line, "default"))
        # Left alone, amqtt waits for ever when a connection ends while it is being set up.
        line.over.add_done_callback(lambda over: session.cancel())
        try:
            await asyncio.wait({session})
        finally:
            self._forget(line)
            await line.close()
            _, handler = exchange.sessions.pop(line.key, (None, None))
            if handler is not None:  # it may still be reading, or hearing a message
                await asyncio.wait_for(handler.stop(), CLOSE_SECONDS)
            log.info("worker disconnected")
        # The error is amqtt's word for having been cancelled while it was writing.
        with contextlib.suppress(asyncio.CancelledError, ProtocolHandlerError):
            session.result()

    async def _end(self, line: Line) -> None:
        """Return when the connection is over."""
        self._forget(line)
        await line.close()
        # Both amqtt and the socket are each given their time; this is for what nobody thought of.
        await asyncio.wait({line.task}, timeout=3 * CLOSE_SECONDS)
        line.task.cancel()

    def _forget(self, line: Line) -> None:
        self._by_key.pop(line.key, None)
        if self._by_worker.get(line.worker_id) is line:
            del self._by_worker[line.worker_id]


class Doorman(BaseAuthPlugin, BaseTopicPlugin):
    """What amqtt is told when it asks: everyone it meets was admitted, and nothing is passed on.

    It meets only a `Line`, having no socket of its own.
    """

    async def authenticate(self, *, session: Session) -> bool:
        """Whether the session may exist."""
        return True

    async def topic_filtering(
        self,
        *,
        session: Session | None = None,
        topic: str | None = None,
        action: Action | None = None,
    ) -> bool:
        """Whether a message may go from one connection to another: never."""
        return False


class _Exchange(Exchange):
    """amqtt without sockets and without a table of subscriptions.

    Each worker has one topic, so the line itself knows whether its worker listens. That spares
    amqtt's walk over all subscriptions at each connection and each message, and leaves its
    broadcast with nobody to reach.
    """

    def __init__(self, lines: Mapping[str, Line]) -> None:
        super().__init__(
            BrokerConfig(
                listeners={"default": ListenerConfig(type=ListenerType.EXTERNAL)},
                plugins={f"{Doorman.__module__}.{Doorman.__qualname__}": {}},
            )
        )
        self._lines = lines

    async def add_subscription(self, subscription: tuple[str, int], session: Session) -> int:
        """The quality of service granted, or the code for a refusal."""
        topic, qos = subscription
        line = self._lines.get(session.client_id or "")
        if line is None or topic != line.readonly:
            log.warning("subscription refused", client_id=session.client_id, topic=topic[:200])
            return REFUSED
        line.qos = min(qos, QOS_1)
        return line.qos


def _refuse(writer: asyncio.StreamWriter, code: int, reason: str) -> None:
    log.info("connection refused", reason=reason)
    writer.write(refusal(code))


async def _hang_up(writer: asyncio.StreamWriter) -> None:
    """Close the socket whatever its state."""
    writer.close()
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await writer.wait_closed()
    except OSError as cause:  # cut from the other side, or out of time: closed is closed
        log.debug("socket closed with an error", reason=type(cause).__name__)
    finally:
        writer.transport.abort()
