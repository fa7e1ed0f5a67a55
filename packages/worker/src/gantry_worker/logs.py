"""Ships the log of one phase to the control plane: masked, in order, without loss.

The server counts bytes. Every chunk says at which offset it begins and is answered with how
much the server has by then, so a chunk whose answer got lost can be sent again without harm.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

import structlog

from gantry_worker.masking import Masker

log = structlog.get_logger()

FLUSH_EVERY = timedelta(milliseconds=250)  # soon enough to look live, seldom enough to be cheap
FIRST_WAIT = 0.25  # seconds; what is over by then goes along with its report, in one request
CHUNK = 256 * 1024  # bytes; the protocol's limit of one call
BUFFER_LIMIT = 8 * 1024 * 1024  # bytes; minutes of ordinary output while the server is away
FIRST_RETRY = timedelta(milliseconds=500)  # a server that restarts is back within seconds
LAST_RETRY = timedelta(seconds=10)  # as for other calls: a report waits for its log

Send = Callable[[int, bytes], Awaitable[int]]
"""Sends a chunk that begins at an offset; answers how many bytes the server has in all."""


class LogBroken(Exception):
    """The server's count of bytes and ours cannot both be true."""

    def __init__(self, *, confirmed: int, sent: int, answer: int) -> None:
        super().__init__(
            f"the server says it has {answer} bytes of the log;"
            f" it confirmed {confirmed} before, and {sent} were sent"
        )


class LogStream:
    """The log of one phase, from the first byte to `close`. Made and used in one event loop.

    `send` is tried again for ever when it raises ConnectionError. Anything else that it raises
    breaks the stream: `write` and `close` raise it from then on.
    """

    def __init__(
        self,
        send: Send,
        *,
        masker: Masker,
        flush_every: timedelta = FLUSH_EVERY,
        chunk: int = CHUNK,
        buffer_limit: int = BUFFER_LIMIT,
        first_retry: timedelta = FIRST_RETRY,
    ) -> None:
        self._send = send
        self._masker = masker
        self._flush_every = flush_every.total_seconds()
        self._chunk = chunk
        self._limit = buffer_limit
        self._first_retry = first_retry.total_seconds()
        self._buffer = bytearray()  # what the server has not confirmed
        self._confirmed = 0  # bytes that it has
        self._sent = 0  # bytes that it may have, because they were sent at least once
        self._digest = hashlib.sha256()
        self._closing = False
        self._keep = 0  # bytes at the end that `rest` hands out instead of shipping them
        self._failure: Exception | None = None
        self._news = asyncio.Event()  # for the shipper: more output, or the end of it
        self._room = asyncio.Event()  # for writers: something was confirmed, or will never be
        self._shipping: asyncio.Task[None] | None = None

    async def write(self, data: bytes) -> None:
        """Append output. Waits while `buffer_limit` bytes or more are unconfirmed.

        Raises what broke the stream, and RuntimeError after `close`.
        """
        if self._closing:
            raise RuntimeError("the log is closed")
        self._take(self._masker.feed(data))
        while len(self._buffer) >= self._limit and self._failure is None:
            self._room.clear()
            await self._room.wait()
        if self._failure is not None:
            raise self._failure

    async def close(self) -> tuple[int, str]:
        """Ship the rest; the size in bytes and the SHA-256 (hex) of the whole masked log.

        Raises what broke the stream. May be called again, for the same answer.
        """
        if not self._closing:
            self._closing = True
            self._take(self._masker.flush())
        if self._shipping is not None:
            await asyncio.wait({self._shipping})
        if self._failure is not None:
            raise self._failure
        return self._confirmed, self._digest.hexdigest()

    async def rest(self, most: int) -> tuple[int, bytes]:
        """End the stream like `close`, but keep back the last bytes for the caller to send.

        Answers (offset, bytes): at most `most` bytes, that begin at `offset`; everything before
        is with the server. Raises what broke the stream.
        """
        self._keep = most
        if not self._closing:
            self._closing = True
            self._take(self._masker.flush())
        if self._shipping is not None:
            await asyncio.wait({self._shipping})
        if self._failure is not None:
            raise self._failure
        return self._confirmed, bytes(self._buffer)

    async def abandon(self) -> None:
        """Stop at once, for a run that is no longer ours. What was not confirmed is lost.

        A writer that waits, and whoever calls `close`, gets a RuntimeError.
        """
        self._closing = True
        if self._shipping is not None:
            self._shipping.cancel()
            await asyncio.wait({self._shipping})
        self._failure = self._failure or RuntimeError("the log was abandoned")
        self._room.set()

    def _take(self, masked: bytes) -> None:
        self._digest.update(masked)
        self._buffer += masked
        self._news.set()
        if self._shipping is None and masked:
            self._shipping = asyncio.create_task(self._ship())

    async def _ship(self) -> None:
        """Send chunk after chunk until the log is closed and everything is confirmed."""
        loop = asyncio.get_running_loop()
        # A phase that prints a few lines and is over sends them in one piece, not in two.
        not_before = loop.time() + min(FIRST_WAIT, self._flush_every)
        try:
            while True:
                await self._wait_for_output(not_before)
                if len(self._buffer) <= (self._keep if self._closing else 0):
                    return
                not_before = loop.time() + self._flush_every
                await self._send_chunk()
                self._room.set()
        except Exception as cause:
            self._failure = cause  # raised to whoever writes or closes next
            self._room.set()

    async def _wait_for_output(self, not_before: float) -> None:
        """Until a whole chunk has come together, or some output and `not_before`, or the end."""
        loop = asyncio.get_running_loop()
        while not self._closing and len(self._buffer) < min(self._chunk, self._limit):
            left = not_before - loop.time() if self._buffer else None
            if left is not None and left <= 0:
                return
            self._news.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._news.wait()

    async def _send_chunk(self) -> None:
        """Send until the server has more than before. Raises LogBroken, and what `send` raises."""
        wait = self._first_retry
        while True:
            data = bytes(self._buffer[: self._chunk])
            self._sent = max(self._sent, self._confirmed + len(data))
            try:
                answer = await self._send(self._confirmed, data)
            except ConnectionError as cause:
                log.warning("the log could not be sent", offset=self._confirmed, cause=repr(cause))
            else:
                if not self._confirmed <= answer <= self._sent:
                    raise LogBroken(confirmed=self._confirmed, sent=self._sent, answer=answer)
                if answer > self._confirmed:
                    del self._buffer[: answer - self._confirmed]
                    self._confirmed = answer
                    return
                log.warning("the server took nothing of the log", offset=self._confirmed)
            # Between half and all of it, so that workers do not come back all at once.
            await asyncio.sleep(wait * (0.5 + random.random() / 2))  # noqa: S311 - no secret
            wait = min(wait * 2, LAST_RETRY.total_seconds())
