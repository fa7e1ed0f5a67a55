"""Logs under load: 200,000 lines in 20 MB with colours, letters of several bytes and one line of
1 MB, stored to the byte; how late a line is seen by whoever follows; what it costs in memory.

A task prints them; everything runs in this process but the task's own commands.
"""

from __future__ import annotations

import asyncio
import base64
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from gantry.apps.demo import Client

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
    before = _memory()
    most = asyncio.create_task(_most_memory())
    began = time.perf_counter()
    run, version = await perform(there, stack, FLOOD)
    # Cut off in the middle, and taken up again at the byte that was reached.
    seen = _Compared(printed)
    half = await _read(there.client, run, version, 0, seen, stop_at=len(printed) // 2)
    await _read(there.client, run, version, half, seen)
    took = time.perf_counter() - began
    most.cancel()
    with suppress(asyncio.CancelledError):
        await most
    grown = (_peak[0] - before) / 1024**2
    state = (await there.run(stack, run))["state"]
    if state != "FINISHED":
        raise RuntimeError(f"the task ended as {state}")
    exact = seen.compared == len(printed)
    size = f"{LINES} lines, {len(printed) / 1e6:.1f} MB, one line of 1 MB"
    growth = f"peak minus before, of server, drain and worker in one process; {size}"
    return [
        Figure(
            "log",
            "bytes that differ",
            float(not exact),
            "",
            0.0,
            f"0: every byte is as printed, across a reconnection; {size}",
        ),
        Figure("log", "from trigger to last byte", took, "s", None, size),
        Figure("log", "memory growth", grown, "MB", 50.0, growth),
    ]


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

    def take(self, data: bytes) -> None:
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


_peak = [0]


async def _most_memory() -> None:
    while True:
        _peak[0] = max(_peak[0], _memory())
        await asyncio.sleep(0.02)


def _memory() -> int:
    """Bytes of this process that are in memory."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024
