"""The log of the run as it moves from state to state: one masked stream per state."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from collections.abc import Iterable
from datetime import UTC, datetime

import structlog
from gantry_protocol.calls import MAX_LOG_TAIL, Held, LogTail

from gantry_worker.control_plane import ControlPlane
from gantry_worker.logs import BUFFER_LIMIT, LogStream
from gantry_worker.masking import Masker

log = structlog.get_logger()


PIECE = 64 * 1024
"""Bytes that are masked at a time: a millisecond or two."""


class LogRefused(Exception):
    """The server takes nothing more: the run is no longer ours."""


class Journal:
    """Writes to the log of the run's current state. `pause` and `resume` surround reports."""

    def __init__(
        self,
        server: ControlPlane,
        lease: Held,
        masker: Masker,
        *,
        stack_id: str,
        mirror: Masker | None,
    ) -> None:
        """`mirror`, with the same words, also shows the log on standard output."""
        self._server, self._lease, self._masker = server, lease, masker
        self._stack_id, self._mirror = stack_id, mirror
        self._version = 0
        self._base = 0
        self._stream: LogStream | None = None
        self._full = False
        self._held: bytearray | None = None
        self._released = asyncio.Event()
        self._added: set[str] = set()
        self._shown = b""  # of the mirror, the beginning of a line

    def mask(self, words: Iterable[str]) -> None:
        """Mask these, too, from now on."""
        new = set(words) - self._added
        self._added |= new
        for masker in (self._masker, self._mirror):
            if masker is not None:
                masker.add(*new)

    def asked_words(self) -> list[str]:
        """What the log itself has asked to be masked (`::add-mask`), for the run's next stretch."""
        return sorted(self._masker.asked)

    def mask_asked(self, words: Iterable[str]) -> None:
        """Mask what an earlier stretch of the run has asked for."""
        given = list(words)
        for masker in (self._masker, self._mirror):
            if masker is not None:
                masker.ask(*given)

    def holds_secrets(self, data: bytes) -> bool:
        """Whether anything that is masked stands in the data."""
        return self._masker.finds(data)

    def masked(self, text: str) -> str:
        """A text that goes elsewhere than into the log, without the secrets."""
        return self._masker.once(text)

    async def turn_to(self, state_version: int) -> None:
        """Begin the log of another state, with what was held back for it."""
        self._version, self._base, self._full, self._stream = state_version, 0, False, None
        while self._held:
            # In pieces: masking is the loop's own work. What is written meanwhile comes behind.
            piece = bytes(self._held[:PIECE])
            del self._held[:PIECE]
            await self._append(piece)
            await asyncio.sleep(0)
        self._held = None
        self._released.set()

    def hold(self) -> None:
        """Hold back what is written from now on: it belongs to the state that `turn_to` names."""
        self._held = bytearray()
        self._released.clear()

    def drop_held(self) -> None:
        """Forget what was held back: there is no such state."""
        self._held = None
        self._released.set()

    async def write(self, data: bytes) -> None:
        """Append output. Raises LogRefused when the run is no longer ours."""
        if self._held is not None:
            self._held += data
            if len(self._held) < BUFFER_LIMIT:
                return
            # The command waits for the report, and is read on when that is answered.
            await self._released.wait()
            return
        await self._append(data)

    async def _append(self, data: bytes) -> None:
        if self._full:
            return
        if self._stream is None:
            self._stream = LogStream(self._send, masker=self._masker)
        if self._mirror is not None:
            self._show(self._mirror.feed(data))
        await self._stream.write(data)

    async def say(self, words: str) -> None:
        """A line of the worker's own, marked as such."""
        await self.write(f"\x1b[36m[gantry]\x1b[0m {words}\n".encode())

    async def pause(self) -> LogTail | None:
        """Everything written is with the server, but for the tail, which goes with the report.

        Writing may go on after. None when there is nothing left to send.
        """
        if self._mirror is not None:
            self._show(self._mirror.flush(), end=True)
        if self._stream is None:
            return None
        offset, data = await self._stream.rest(MAX_LOG_TAIL)
        if self._full:
            # What was dropped counts in our offset and not in the server's: nothing fits there.
            self._stream = None
            return None
        offset += self._base
        self._base, self._stream = offset + len(data), None
        if not data:
            return None
        return LogTail(
            state_version=self._version, offset=offset, data=base64.b64encode(data).decode()
        )

    async def abandon(self) -> None:
        """Stop at once: the run is no longer ours."""
        if self._stream is not None:
            await self._stream.abandon()
            self._stream = None

    async def _send(self, offset: int, data: bytes) -> int:
        answer = await self._server.logs(self._lease, self._version, self._base + offset, data)
        if answer.accepted:
            return answer.offset - self._base
        if answer.full:
            # The run goes on; what does not fit is dropped here, and the log itself says so.
            log.warning("log is full", run_id=self._lease.run_id, reason=answer.reason)
            self._full = True
            return offset + len(data)
        raise LogRefused(answer.reason)

    def _show(self, masked: bytes, *, end: bool = False) -> None:
        """One line of the log, one line here; the last one may be without its end."""
        *whole, self._shown = (self._shown + masked).split(b"\n")
        if end and self._shown:
            whole.append(self._shown)
            self._shown = b""
        for line in whole:
            sys.stdout.write(
                json.dumps(
                    {
                        "run_ulid": self._lease.run_id,
                        "stack_id": self._stack_id,
                        "ts": datetime.now(UTC).isoformat(),
                        "msg": line.decode("utf-8", "replace"),
                    }
                )
                + "\n"
            )
        if whole:
            sys.stdout.flush()
