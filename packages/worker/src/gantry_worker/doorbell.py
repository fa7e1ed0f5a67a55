"""How the control plane wakes this worker: an MQTT connection that is kept open for ever.

A ring only says "ask again". Whatever was missed while the line was down is asked for over
HTTPS as soon as it is up, so nothing depends on a message having arrived.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiomqtt
import structlog
from gantry_protocol import topics
from gantry_protocol.endpoint import parse_endpoint
from gantry_protocol.proxies import Proxies

from gantry_worker.line import Local, NoLine, Target, line

FIRST_PAUSE = 0.2
"""Seconds before the first new attempt: a server that was restarted is back about then."""
LONGEST_PAUSE = 15.0
"""Seconds between attempts at most: the longest a run waits for a server that has come back."""
KEEP_ALIVE = 30
"""Seconds between signs of life. A dead line is noticed within 45, and no firewall in between
forgets the connection, which the usual ones do after a minute or more."""
ANSWER_SECONDS = 5.0
"""For the broker to answer anything; it is done in milliseconds unless the line is dead."""
CLOSE_SECONDS = 1.0
"""For a line to be closed in order; the broker notices soon enough if it is not."""
WAITING_LIMIT = 100
"""Rings kept while one is dealt with. Beyond that, asking for everything is cheaper."""

Woken = Callable[[bytes | None], Awaitable[None]]
"""Called with a ring's message, or with None when rings may have been missed."""

log = structlog.get_logger()


class Doorbell:
    """The worker's end of the line. `endpoint` is as gantry_protocol.endpoint reads it; for
    `tls://` the broker is believed, and shown who this is, by what `tls` makes; a proxy of
    https:// is believed by what `proxy_tls` makes.

    `password` is called at each attempt, as a proof is short-lived; without it the broker knows
    this worker by the certificate that `tls` shows.
    Raises ValueError for an endpoint that is none of these, BadTopic for ids that cannot be used.
    """

    def __init__(
        self,
        *,
        endpoint: str,
        namespace: str,
        pool_id: str,
        worker_id: str,
        password: Callable[[], str] | None,
        tls: Callable[[], ssl.SSLContext],
        proxies: Proxies | None = None,
        proxy_tls: Callable[[], ssl.SSLContext] = ssl.create_default_context,
    ) -> None:
        self._host, self._port, self._secure = parse_endpoint(endpoint)
        if password is None and not self._secure:
            raise ValueError("a broker that knows workers by certificate is dialled by tls://")
        self._pool_id = pool_id
        self._worker_id = worker_id
        self._password = password
        self._tls, self._proxy_tls = tls, proxy_tls
        self._proxy = (proxies or Proxies()).to(self._host, encrypted=self._secure)
        self._readonly = topics.readonly(namespace, pool_id, worker_id)
        self._writeonly = topics.writeonly(namespace, pool_id, worker_id)
        self._client: aiomqtt.Client | None = None
        self._connected_at: float | None = None

    async def run(self, woken: Woken) -> None:
        """Keep the line up until cancelled.

        Awaits `woken(None)` after each connection is made and `woken(message)` for each ring,
        one at a time; what arrives meanwhile waits. Attempts that fail are repeated for ever.
        Lets through what `woken` or `password` raise, with the connection closed. Cancelling
        takes some seconds if the server is not answering just then.
        """
        pause = FIRST_PAUSE
        while True:
            self._connected_at = None
            try:
                await self._listen(woken)
            except (aiomqtt.MqttError, NoLine) as cause:
                log.warning("doorbell not connected", endpoint=self._endpoint, reason=str(cause))
            # Only a line that held for a while starts the pauses anew: two workers with one id
            # drive each other out, and must not do so five times a second.
            if self._connected_at and time.monotonic() - self._connected_at > LONGEST_PAUSE:
                pause = FIRST_PAUSE
            # Half to all of the pause, so that the workers of a server that was restarted do
            # not return as one.
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
            pause = min(2 * pause, LONGEST_PAUSE)

    async def say(self, payload: bytes) -> None:
        """Publish on the worker's own topic if the line is up; otherwise drop it.

        What must arrive is reported over HTTPS; this only makes the server look sooner.
        Raises ValueError for a payload above `topics.MESSAGE_LIMIT` bytes.
        """
        if len(payload) > topics.MESSAGE_LIMIT:
            raise ValueError("the payload is above the limit")
        if self._client is None:
            return
        try:
            await self._client.publish(self._writeonly, payload, qos=1)
        except aiomqtt.MqttError as cause:
            log.debug("word to the server dropped", reason=str(cause))

    @property
    def _endpoint(self) -> str:
        return f"{self._host}:{self._port}"

    async def _listen(self, woken: Woken) -> None:
        async with self._connection() as client:
            granted = await client.subscribe(self._readonly, qos=1)
            # 0x80 is the refusal in a SUBACK: MQTT 3.1.1, section 3.9.3.
            if any(c >= 0x80 if isinstance(c, int) else c.is_failure for c in granted):
                raise aiomqtt.MqttError("the broker refused the subscription")
            self._connected_at = time.monotonic()
            log.info("doorbell connected", endpoint=self._endpoint)
            self._client = client
            try:
                await woken(None)
                await self._heed(client, woken)
            finally:
                self._client = None

    async def _heed(self, client: aiomqtt.Client, woken: Woken) -> None:
        async for ring in client.messages:
            if len(client.messages) < WAITING_LIMIT - 1:
                await woken(bytes(ring.payload))
                continue
            # The queue was full, so later rings may have been dropped; these are covered by
            # asking for everything.
            for _ in range(len(client.messages)):
                await anext(client.messages)
            await woken(None)

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncIterator[aiomqtt.Client]:
        target = await asyncio.to_thread(self._target)
        async with line(target) as local:
            client = self._new_client(local)
            # aiomqtt leaves its socket open, and answering, when it is cancelled or given no
            # answer while it connects. So it is let finish connecting, and then told to close.
            entering = asyncio.create_task(client.__aenter__())
            try:
                either: set[asyncio.Future[Any]] = {entering, local.cut}
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
                if not entering.done():
                    await local.cut  # before the broker has answered, which aiomqtt does not see
                await asyncio.shield(entering)
                try:
                    yield client
                except aiomqtt.MqttError:
                    if local.cut.done():  # it knows why
                        await local.cut
                    raise
            finally:
                if local.cut.done():
                    entering.cancel()
                await asyncio.wait({entering})
                if not entering.cancelled():
                    entering.exception()  # looked at, or asyncio reports it as forgotten
                # Closing what never was open is an error, or waited for in vain; either way the
                # socket is closed at once.
                with contextlib.suppress(aiomqtt.MqttError, TimeoutError):
                    async with asyncio.timeout(CLOSE_SECONDS):
                        await client.__aexit__(None, None, None)

    def _new_client(self, local: Local) -> aiomqtt.Client:
        # A broker that asks for certificates takes the name from there, whatever is said here.
        return aiomqtt.Client(
            local.path,
            transport="unix",
            username=self._worker_id if self._password else self._pool_id,
            password=self._password() if self._password else None,
            identifier=self._worker_id,
            clean_session=True,
            keepalive=KEEP_ALIVE,
            timeout=ANSWER_SECONDS,
            max_queued_incoming_messages=WAITING_LIMIT,
            logger=_silent(),
        )

    def _target(self) -> Target:
        # Made anew at each attempt: a bundle that was renewed counts without a restart.
        try:
            tls = self._tls() if self._secure else None
            own = self._proxy_tls() if self._proxy and self._proxy.encrypted else None
        except OSError as cause:
            raise NoLine(f"the CA bundle cannot be read: {cause}") from cause
        return Target(self._host, self._port, tls, self._proxy, own)


def _silent() -> logging.Logger:
    # The library logs what it also raises; it is said here once, in our own words.
    logger = logging.getLogger(f"{__name__}.mqtt")
    logger.setLevel(logging.CRITICAL)
    return logger
