"""The doorbell on a broker that is not ours: the server only publishes there.

Who is connected is for that broker to know. It admits workers by the certificates of their pools
and lets each listen on its own topic; its configuration says so, not this program. What cannot be
published is dropped: workers ask from time to time whether or not a bell rang.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import aiomqtt
import structlog
from gantry_protocol import topics
from gantry_protocol.endpoint import parse_endpoint

from gantry.infra.tls import shake_hands, why_not
from gantry.kernel.ids import new_id
from gantry.kernel.secret import Secret

FIRST_PAUSE = 0.2
"""Seconds before the first new attempt: a broker that was restarted is back about then."""
LONGEST_PAUSE = 15.0
"""Seconds between attempts at most. Workers ask as often without a bell, so nothing is gained by
asking a broker that is away more often."""
KEEP_ALIVE = 30
"""Seconds between signs of life, so that no firewall in between forgets the connection."""
ANSWER_SECONDS = 5.0
"""For the broker to answer anything; it is done in milliseconds unless the line is dead."""
CLOSE_SECONDS = 1.0
"""For the line to be closed in order; the broker notices soon enough if it is not."""
WAITING_LIMIT = 1000
"""Rings that wait to be sent. More than that is a broker that does not keep up, and ringing for
everybody once is cheaper."""
AT_ONCE = 8
"""Rings sent without waiting for one another: over a line with a delay of 20 ms, that is 400 a
second."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Login:
    """How the server gets in: as a user, or with what `context` shows."""

    context: Callable[[], ssl.SSLContext] | None
    """Made at each attempt, in a thread; None for a plain line."""
    username: str | None = None
    password: Secret | None = field(default=None, repr=False)


class ExternalBroker:
    """Publishes from `run`'s first connection to its end. `endpoint` is as
    gantry_protocol.endpoint reads it.

    `missed` is awaited after each connection is made: rings from before were dropped.
    `standing` is told whether the connection stands, whenever that changes.
    """

    def __init__(
        self,
        *,
        endpoint: str,
        namespace: str,
        login: Login,
        missed: Callable[[], Awaitable[None]],
        standing: Callable[[bool], None] = lambda up: None,
    ) -> None:
        self._host, self._port, _ = parse_endpoint(endpoint)
        self._endpoint, self._namespace, self._login = endpoint, namespace, login
        self._missed, self._standing = missed, standing
        # Two connections of one name would drive each other out.
        self._name = f"gantry-server-{new_id()}"
        self._waiting: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue(WAITING_LIMIT)
        self._overrun = False
        self.up = False

    @property
    def connected(self) -> None:
        """Nobody here knows."""
        return None

    async def ring(self, pool_id: str, worker_id: str, message: bytes) -> None:
        """Send `message` to the worker if the broker is there; does not wait until it has it."""
        if len(message) > topics.MESSAGE_LIMIT:
            raise ValueError("the message is above the limit")
        if not self.up:
            return
        try:
            self._waiting.put_nowait(
                (topics.readonly(self._namespace, pool_id, worker_id), message)
            )
        except asyncio.QueueFull:
            if not self._overrun:
                log.warning("broker does not keep up, rings dropped", endpoint=self._endpoint)
            self._overrun = True

    async def run(self) -> None:
        """Keep the connection until cancelled; attempts that fail are repeated for ever."""
        pause, told = FIRST_PAUSE, ""
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                await self._publish()
            except* (aiomqtt.MqttError, OSError) as group:
                reason = await self._reason(group)
                # A broker that stays away is told of once, not every few seconds.
                if reason != told:
                    log.warning("broker away", endpoint=self._endpoint, reason=reason)
                told = reason
            finally:
                self._stand(False)
            if loop.time() - began > LONGEST_PAUSE:
                pause, told = FIRST_PAUSE, ""
            # Half to all of it, so that several servers do not return as one.
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
            pause = min(2 * pause, LONGEST_PAUSE)

    async def try_out(self) -> None:
        """Connect and leave again. Raises MqttError or OSError; `reason` says what is wrong."""
        async with self._connection():
            pass

    async def reason(self, error: Exception) -> str:
        """Why there is no connection, in words for an operator."""
        if self._login.context is not None:
            # The library only says that nobody answered, where TLS has a reason.
            context = await asyncio.to_thread(self._login.context)
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    await shake_hands(self._host, self._port, context)
            except OSError as cause:
                return why_not(cause)
        return str(error) or type(error).__name__

    async def _reason(self, group: BaseExceptionGroup[Exception]) -> str:
        first: BaseException = group
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        return await self.reason(first if isinstance(first, Exception) else Exception(str(first)))

    async def _publish(self) -> None:
        async with self._connection() as client:
            self._stand(True)
            log.info("broker connected", endpoint=self._endpoint)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._notice_the_end(client))
                for _ in range(AT_ONCE):
                    tasks.create_task(self._send(client))
                await self._missed()

    async def _send(self, client: aiomqtt.Client) -> None:
        while True:
            topic, message = await self._waiting.get()
            await client.publish(topic, message, qos=1, retain=False)
            if self._overrun and self._waiting.empty():
                self._overrun = False
                await self._missed()

    async def _notice_the_end(self, client: aiomqtt.Client) -> None:
        # Nothing is subscribed to, so no message comes; the end of the line is raised here.
        async for _ in client.messages:
            pass

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncIterator[aiomqtt.Client]:
        login = self._login
        context = None if login.context is None else await asyncio.to_thread(login.context)
        client = aiomqtt.Client(
            self._host,
            self._port,
            identifier=self._name,
            username=login.username,
            password=login.password.reveal() if login.password else None,
            clean_session=True,
            keepalive=KEEP_ALIVE,
            timeout=ANSWER_SECONDS,
            tls_context=context,
            logger=_silent(),
        )
        # aiomqtt leaves its socket open when it is cancelled or given no answer while it
        # connects. So it is let finish connecting, and then told to close.
        entering = asyncio.create_task(client.__aenter__())
        try:
            await asyncio.shield(entering)
            yield client
        finally:
            await asyncio.wait({entering})
            if not entering.cancelled():
                entering.exception()  # looked at, or asyncio reports it as forgotten
            with contextlib.suppress(aiomqtt.MqttError, TimeoutError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await client.__aexit__(None, None, None)

    def _stand(self, up: bool) -> None:
        self.up = up
        if not up:
            with contextlib.suppress(asyncio.QueueEmpty):
                while True:
                    self._waiting.get_nowait()
        self._standing(up)


def _silent() -> logging.Logger:
    # The library logs what it also raises; it is said here once, in our own words.
    logger = logging.getLogger(f"{__name__}.mqtt")
    logger.setLevel(logging.CRITICAL)
    return logger
