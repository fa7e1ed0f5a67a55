"""Logs under load: 200,000 lines in 20 MB with colours, letters of several bytes and one line of
1 MB, stored to the byte; how late a line is seen by whoever follows; what it costs in memory.

A task prints them. Server, drain and scheduler are in this process, and so is whoever follows; the
worker, the task's commands and PostgreSQL are processes of their own, which descend from it.
"""

from __future__ import annotations

import asyncio
import base64
import gc
import hashlib
import os
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass

from gantry.apps.demo import Client
from gantry.ports.objects import Bucket
from sqlalchemy import text

from bench.processes import family, is_postgres, memory
from bench.report import Figure, percentile
from bench.site import Site, site

LINES = 200_000
FLOOD = (
    # 103 bytes a line; a colour, and signs of two and three bytes that chunks will split.
    f"seq -f '%0.f' 1 {LINES} | sed 's/$/ \x1b[32m✓\x1b[0m grün"
    " 0123456789012345678901234567890123456789012345678901234567890123456789012/'\n"
    "head -c 1000000 /dev/zero | tr '\\0' x; echo\n"
)
STAMPS = 100
STAMPED = f"for i in $(seq {STAMPS}); do echo stamp:$(date +%s%N); sleep 0.05; done\n"
LOOK = 0.05
"""Seconds between looks at the memory: a piece of a log is on its way for longer."""
ARCHIVED_SECONDS = 60.0
"""For a log to be archived, which begins at once; whoever looks for forgotten ones comes within."""
SETTLED = 2.0
"""Seconds until what a task leads to is over."""
_TASK = """mutation ($s: ID!, $c: String!) {
  taskCreate(stack: $s, command: $c, skipInitialization: true) { id } }"""


async def measure() -> list[Figure]:
    """Print, follow, and compare."""
    async with site() as there:
        stack = await there.stack()
        return [*await _flood(there, stack), await _latency(there, stack)]


async def _flood(there: Site, stack: str) -> list[Figure]:
    # By way of a file: memory that was needed for a moment would hide what is needed later.
    with tempfile.TemporaryFile() as file:
        subprocess.run(["sh", "-c", FLOOD], check=True, stdout=file)
        file.seek(0)
        printed = file.read()
    await _settle(there, stack)
    before = _Memory.now()
    most = asyncio.create_task(_watch(peak := _Memory.now()))
    began = time.perf_counter()
    run, version = await perform(there, stack, FLOOD)
    # Cut off in the middle, and taken up again at the byte that was reached.
    seen = _Compared(printed)
    half = await _read(there.client, run, version, 0, seen, stop_at=len(printed) // 2)
    await _read(there.client, run, version, half, seen)
    took = time.perf_counter() - began
    state = (await there.run(stack, run))["state"]
    if state != "FINISHED":
        raise RuntimeError(f"the task ended as {state}")
    archived = await _archived(there, run, version)
    most.cancel()
    with suppress(asyncio.CancelledError):
        await most
    stored = await _stored(there, archived)
    exact = seen.compared == len(printed)
    # The worker's own words come before what was printed, and after it.
    kept = printed in stored and (
        hashlib.sha256(stored).hexdigest() == archived.sha256 == seen.digest.hexdigest()
    )
    size = f"{LINES} lines, {len(printed) / 1e6:.1f} MB, one line of 1 MB"
    growth = (
        "most while it is printed, followed and archived, minus what a task of one line has left;"
        f" proportional set size, looked at every {LOOK * 1000:.0f} ms"
    )
    return [
        Figure(
            "log",
            "bytes that differ",
            float(not exact),
            "",
            0.0,
            f"0: every byte is as printed, for whoever follows across a reconnection; {size}",
        ),
        Figure(
            "log",
            "stored bytes that differ",
            float(not kept),
            "",
            0.0,
            "0: the archived object holds every byte as printed, and its SHA-256 is the one in the"
            f" database and that of what was followed; {size}",
        ),
        Figure("log", "from trigger to last byte", took, "s", None, size),
        Figure(
            "log",
            "memory growth",
            (peak.ours - before.ours) / 1024**2,
            "MB",
            50.0,
            f"{growth}, of server, drain, worker, task and follower together; {size}",
        ),
        Figure(
            "log",
            "memory growth of PostgreSQL",
            (peak.postgres - before.postgres) / 1024**2,
            "MB",
            None,
            f"{growth}, with the shared buffers that it fills; {size}",
        ),
    ]


async def _settle(there: Site, stack: str) -> None:
    """A task of one line: what any task needs is in memory, and what is left is free again."""
    run, version = await perform(there, stack, "echo one line\n")
    await _read(there.client, run, version, 0, _Compared(b"one line"))
    await _archived(there, run, version)
    gc.collect()
    await asyncio.sleep(SETTLED)


@dataclass(frozen=True)
class _Archived:
    """What the database says of a log that lies in one object."""

    key: str
    sha256: str


async def _archived(there: Site, run: str, version: int) -> _Archived:
    """Return once the log is archived."""
    query = text(
        "select object_key, sha256 from run_log"
        " where run_id = :run and state_version = :version and object_key is not null"
    )
    async with asyncio.timeout(ARCHIVED_SECONDS):
        while True:
            async with there.up.core.db.engine.connect() as connection:
                row = (await connection.execute(query, {"run": run, "version": version})).first()
            if row is not None:
                return _Archived(*row)
            await asyncio.sleep(0.05)


async def _stored(there: Site, archived: _Archived) -> bytes:
    return await there.up.core.objects.get(Bucket.RUN_LOGS, archived.key)


async def _latency(there: Site, stack: str) -> Figure:
    run, version = await perform(there, stack, STAMPED)
    late: list[float] = []
    rest = b""
    async for kind, data in there.client.events(f"/logs/{run}/{version}"):
        if kind == "end":
            break
        now = time.time_ns()
        *lines, rest = (rest + base64.b64decode(data.get("b", ""))).split(b"\n")
        late += [
            (now - int(line.removeprefix(b"stamp:"))) / 1e9
            for line in lines
            if line.startswith(b"stamp:")
        ]
    if len(late) != STAMPS:
        raise RuntimeError(f"{len(late)} of {STAMPS} lines were seen")
    about = f"printed to received by a follower; {STAMPS} lines, 20 a second"
    return Figure("log", "p95 latency of a line", percentile(late, 0.95), "s", 1.0, about)


async def perform(there: Site, stack: str, command: str) -> tuple[str, int]:
    """Start a task; its id, and the version of its state whose log has the output."""
    run = (await there.client.ask(_TASK, s=stack, c=command))["taskCreate"]["id"]
    while True:
        for move in (await there.run(stack, run))["history"]:
            if move["state"] == "PERFORMING":
                return str(run), int(move["stateVersion"])
            if move["state"] == "FAILED":
                raise RuntimeError("the task failed before it began")
        await asyncio.sleep(0.02)


class _Compared:
    """Looks whether what comes is what was printed, after the worker's own first lines."""

    def __init__(self, printed: bytes) -> None:
        self._printed, self._start = printed, b""
        self.compared = 0
        self.digest = hashlib.sha256()
        """Of all that came, the worker's own words as well."""

    def take(self, data: bytes) -> None:
        self.digest.update(data)
        if not self.compared:
            self._start += data
            at = self._start.find(self._printed[:200])
            if at < 0:
                return
            data, self._start = self._start[at:], b""
        wanted = self._printed[self.compared : self.compared + len(data)]
        if data.startswith(wanted):
            self.compared += len(wanted)


async def _read(
    client: Client,
    run: str,
    version: int,
    offset: int,
    seen: _Compared,
    *,
    stop_at: int | None = None,
) -> int:
    async for kind, data in client.events(f"/logs/{run}/{version}", offset=str(offset)):
        if kind == "end":
            break
        piece = base64.b64decode(data.get("b", ""))
        seen.take(piece)
        offset += len(piece)
        if stop_at is not None and offset >= stop_at:
            break
    return offset


@dataclass
class _Memory:
    """Bytes of memory: of this process and what descends from it, and of PostgreSQL."""

    ours: int
    postgres: int

    @classmethod
    def now(cls) -> _Memory:
        """As it is now."""
        everyone = family(os.getpid())
        theirs = [pid for pid in everyone if is_postgres(pid)]
        return cls(memory(set(everyone) - set(theirs)), memory(theirs))


async def _watch(peak: _Memory) -> None:
    """Keep the most of each in `peak`, until cancelled."""
    while True:
        now = await asyncio.to_thread(_Memory.now)
        peak.ours, peak.postgres = max(peak.ours, now.ours), max(peak.postgres, now.postgres)
        await asyncio.sleep(LOOK)
