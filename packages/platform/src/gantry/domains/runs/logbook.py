"""The logs of runs: taken in bytes and order, read by offset, archived when they are over.

An offset counts bytes from the beginning of one state's log. It is the resume point of every
reader and the idempotence key of every writer.
"""

from __future__ import annotations

import base64
import binascii
import bisect
import hashlib
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog
from gantry_protocol.calls import LogAnswer

from gantry.domains.runs import logs_repo, repo
from gantry.domains.runs.events import LogGrew
from gantry.domains.runs.leasing import holds
from gantry.domains.runs.model import LogChunk, LogStream
from gantry.kernel.errors import NotFound, UserError
from gantry.kernel.tx import SYSTEM, Tx
from gantry.ports.db import Db
from gantry.ports.objects import Bucket, Objects, StorageDown

log = structlog.get_logger()

READ_AT_MOST = 512 * 1024
"""Bytes one read gives: a page of some thousand lines; readers come again."""

FULL = (
    "\n\x1b[31m[gantry] The log has reached its limit of {limit} bytes. The run goes on, and what"
    " it prints from here on is not kept.\x1b[0m\n"
)
"""The last line of a log that is too long."""

_ARCHIVE_PIECE = 4 * 1024 * 1024
_TIMES_RESOLUTION_MS = 1000
"""Archived logs keep their lines' times to the second, so that the index stays small."""


class BadLogOffset(UserError):
    """A position that the log does not have."""

    code = "BAD_LOG_OFFSET"

    def __init__(self, offset: int, size: int) -> None:
        super().__init__(f"The log has {size} bytes; there is nothing at offset {offset}.")


async def append(
    tx: Tx,
    run_id: str,
    state_version: int,
    pool_id: str,
    worker_id: str,
    fence: int,
    offset: int,
    data: bytes,
    *,
    limit: int,
) -> LogAnswer:
    """Take bytes of a log. Bytes sent before are recognised by their offset and not kept twice.

    The answer says how much is stored now; a gap or a stale fence is refused with a reason. At
    the limit the log ends with a line that says so, and nothing more is taken.
    """
    ours = await holds(tx, run_id, pool_id, worker_id, fence) is not None
    return await take(tx, run_id, state_version, offset, data, ours=ours, limit=limit)


async def take(
    tx: Tx, run_id: str, state_version: int, offset: int, data: bytes, *, ours: bool, limit: int
) -> LogAnswer:
    """As `append`, for a caller who knows whether the run is the worker's (`ours`)."""
    log = await logs_repo.stream(tx, run_id, state_version, lock=True)
    if log is None:
        return LogAnswer(accepted=False, offset=0, reason="there is no such log")
    if not ours:
        return LogAnswer(accepted=False, offset=log.size, reason="the run is no longer yours")
    if log.over:
        return LogAnswer(accepted=False, offset=log.size, reason="the phase is over")
    fresh = data[max(log.size - offset, 0) :]
    if log.size > limit:
        return _full(log, limit)
    if offset > log.size:
        return LogAnswer(accepted=True, offset=log.size, reason="bytes are missing before these")
    if log.size + len(fresh) > limit:
        last = fresh[: limit - log.size] + FULL.format(limit=limit).encode()
        await logs_repo.append(tx, log, last, tx.now)
        tx.emit(LogGrew(run_id, state_version, log.size))
        return _full(log, limit)
    if fresh:
        await logs_repo.append(tx, log, fresh, tx.now)
        tx.emit(LogGrew(run_id, state_version, log.size))
    return LogAnswer(accepted=True, offset=log.size)


def _full(log: LogStream, limit: int) -> LogAnswer:
    reason = f"the log has reached its limit of {limit} bytes"
    return LogAnswer(accepted=False, full=True, offset=log.size, reason=reason)


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of a log with the times at which they arrived."""

    offset: int
    data: bytes
    size: int
    over: bool
    expired: bool
    times: list[tuple[int, int]]
    """(offset, unix milliseconds), ascending."""

    @property
    def end(self) -> int:
        """The offset after the last byte."""
        return self.offset + len(self.data)

    def time_at(self, offset: int) -> int:
        """Unix seconds at which the byte at `offset` arrived; 0 when unknown."""
        at = bisect.bisect_right(self.times, (offset, 1 << 62)) - 1
        return self.times[max(at, 0)][1] // 1000 if self.times else 0

    def arrivals(self) -> list[tuple[int, int]]:
        """(offset, unix milliseconds) of what of these bytes arrived when; the first is `offset`,
        unless nothing is known of times.
        """
        if not self.times or not self.data:
            return []
        first = max(bisect.bisect_right(self.times, (self.offset, 1 << 62)) - 1, 0)
        last = bisect.bisect_left(self.times, (self.end, 0))
        (_, moment), *later = self.times[first : max(last, first + 1)]
        return [(self.offset, moment), *later]


async def read(
    db: Db,
    objects: Objects,
    run_id: str,
    state_version: int,
    offset: int,
    *,
    most: int = READ_AT_MOST,
) -> Piece | None:
    """A piece of a log from `offset` on; None when the state has none.

    The caller has checked that the reader may see the run. Raises BadLogOffset, StorageDown.
    """
    async with db.read(SYSTEM) as tx:
        log = await logs_repo.stream(tx, run_id, state_version)
        if log is None:
            return None
        if offset < 0 or offset > log.size:
            raise BadLogOffset(offset, log.size)
        if log.expired:
            return Piece(offset, b"", log.size, True, True, [])
        if log.object_key is None:
            rows = await logs_repo.chunks(tx, run_id, state_version, offset, most)
            times = [(row.offset, int(row.at.timestamp() * 1000)) for row in rows]
            return Piece(offset, _cut(rows, offset, most), log.size, log.over, False, times)
        key, size, archived = log.object_key, log.size, [(int(a), int(b)) for a, b in log.times]
    end = min(offset + most, size)
    data = b"" if end == offset else await objects.get_range(Bucket.RUN_LOGS, key, offset, end)
    return Piece(offset, data, size, True, False, archived)


def _cut(rows: list[LogChunk], offset: int, most: int) -> bytes:
    if not rows:
        return b""
    joined = b"".join(row.data for row in rows)
    start = offset - rows[0].offset
    return joined[start : start + most]


@dataclass(frozen=True, slots=True)
class Lines:
    """A page of a log in lines, as the API gives them."""

    messages: list[tuple[str, int]]
    next_token: str | None
    finished: bool
    has_more: bool
    exists: bool
    expired: bool


async def lines(
    db: Db, objects: Objects, run_id: str, state_version: int, token: str | None
) -> Lines | None:
    """The next lines after `token`, each with its newline and the time it arrived.

    A line that is not complete is kept back until it is, or until the state is over. `finished`
    is true once nothing will follow and everything was given. Raises BadLogOffset.
    """
    piece = await read(db, objects, run_id, state_version, _offset_of(token))
    if piece is None:
        return None
    data = piece.data
    at_end = piece.end >= piece.size
    if not (at_end and piece.over):
        cut = data.rfind(b"\n") + 1
        # A line longer than a page is given in pieces rather than never.
        data = data[:cut] if cut or len(data) < READ_AT_MOST else data[: _whole_characters(data)]
    messages, place = [], piece.offset
    for line in data.splitlines(keepends=True) if data else []:
        messages.append((line.decode("utf-8", "replace"), piece.time_at(place)))
        place += len(line)
    # Of a log past its retention nothing will ever follow: clients ask until they are told so.
    finished = piece.expired or (piece.over and place >= piece.size)
    return Lines(
        messages=messages,
        next_token=_token_of(place),
        finished=finished,
        has_more=not finished,
        exists=True,
        expired=piece.expired,
    )


def _whole_characters(data: bytes) -> int:
    for back in range(1, 5):
        if back <= len(data) and data[-back] & 0b1100_0000 != 0b1000_0000:
            # The last character's first byte: complete if the text decodes.
            try:
                data[-back:].decode()
            except UnicodeDecodeError:
                return len(data) - back
            return len(data)
    return len(data)


def _token_of(offset: int) -> str:
    return base64.urlsafe_b64encode(json.dumps({"o": offset}).encode()).decode()


def _offset_of(token: str | None) -> int:
    if not token:
        return 0
    try:
        offset = json.loads(base64.urlsafe_b64decode(token))["o"]
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error):
        raise UserError("The log token is not one of this server's; start without one.") from None
    if not isinstance(offset, int) or isinstance(offset, bool):
        raise UserError("The log token is not one of this server's; start without one.")
    return offset


async def archive(db: Db, objects: Objects, *, run_id: str, state_version: int) -> None:
    """Put a log that is over into one object and drop its chunks. Safe to run twice or late.

    A piece is held at a time, however long the log.
    """
    async with db.read(SYSTEM) as tx:
        found = await logs_repo.stream(tx, run_id, state_version)
        if found is None or not found.over or found.object_key is not None or found.expired:
            return
        reading = _Reading(tx, run_id, state_version, found.size)
        key = f"{run_id}/{state_version}"
        try:
            await objects.put_pieces(Bucket.RUN_LOGS, key, reading.pieces())
        except Exception:
            if reading.gone:
                return  # another drain has archived it meanwhile, and dropped the chunks
            raise
    async with db.write(SYSTEM) as tx:
        row = await logs_repo.stream(tx, run_id, state_version, lock=True)
        if row is None or row.object_key is not None:
            return
        row.object_key, row.sha256 = key, reading.digest.hexdigest()
        row.times = [list(pair) for pair in reading.times]
        await logs_repo.drop_chunks(tx, run_id, state_version)


class _Reading:
    """A log on its way from chunks into one object, and what is noted on the way."""

    def __init__(self, tx: Tx, run_id: str, state_version: int, size: int) -> None:
        self._tx, self._run_id, self._version, self._size = tx, run_id, state_version, size
        self.digest = hashlib.sha256()
        self.times: list[tuple[int, int]] = []
        self.gone = False

    async def pieces(self) -> AsyncIterator[bytes]:
        place = 0
        while place < self._size:
            rows = await logs_repo.chunks(
                self._tx, self._run_id, self._version, place, _ARCHIVE_PIECE
            )
            data = _cut(rows, place, _ARCHIVE_PIECE)
            if not data:
                self.gone = True
                raise LookupError("the log's chunks are gone")  # or half of it would be stored
            self._note(rows)
            self.digest.update(data)
            place += len(data)
            yield data

    def _note(self, rows: Sequence[LogChunk]) -> None:
        for row in rows:
            moment = int(row.at.timestamp() * 1000)
            if not self.times or moment - self.times[-1][1] >= _TIMES_RESOLUTION_MS:
                self.times.append((row.offset, moment))


async def archive_each(db: Db, objects: Objects, logs: Sequence[tuple[str, int]]) -> None:
    """Archive every one of them. One log's trouble is raised at the end, after the others."""
    failures = []
    for run_id, state_version in logs:
        try:
            await archive(db, objects, run_id=run_id, state_version=state_version)
        except StorageDown:
            raise  # the others would meet the same
        except Exception as error:
            log.exception("log not archived", run_id=run_id, state_version=state_version)
            failures.append(error)
    if failures:
        raise failures[0]


async def expire(db: Db, objects: Objects, *, after: timedelta) -> None:
    """Delete the logs of runs that ended longer ago than the retention; their history stays."""
    async with db.read(SYSTEM) as tx:
        # 500 a time: the job comes again every hour.
        old = await logs_repo.beyond_retention(tx, tx.now - after, 500)
    for log in old:
        await objects.delete(Bucket.RUN_LOGS, log.object_key or "")
        async with db.write(SYSTEM) as tx:
            row = await logs_repo.stream(tx, log.run_id, log.state_version, lock=True)
            if row is not None:
                row.expired, row.object_key, row.times = True, None, []


async def version_of(tx: Tx, run_id: str, state: str, state_version: int | None) -> int:
    """Which log a client means: the named version, else the newest of that state.

    Raises NotFound.
    """
    history = (await repo.transitions(tx, [run_id]))[run_id]
    for move in history:
        if move.after.value == state and state_version in (None, move.version):
            return move.version
    raise NotFound("log not found: the run was never in that state")
