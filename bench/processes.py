"""An installation to measure as operators run it: server, drain and scheduler are processes of
their own, so that what each of them costs can be told apart, and from what measuring costs.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
from gantry.apps import process
from gantry.apps.demo import Client
from gantry.infra.embedded_postgres import EmbeddedPostgres

from tests.support.platform import Platform, Process
from tests.support.site import Site


@asynccontextmanager
async def installation(**settings: str) -> AsyncIterator[Site]:
    """Start everything but workers, on a database and a directory that go afterwards."""
    process.configure_logging("error")
    with tempfile.TemporaryDirectory(prefix="gantry-bench-") as root:
        place = Path(root)
        postgres = EmbeddedPostgres(place / "postgres")
        url = await postgres.start()
        platform = Platform(place / "house", url, GANTRY_LOG_LEVEL="error", **settings)
        try:
            yield Site(platform, platform.start())
        finally:
            platform.stop()
            await postgres.stop()


@asynccontextmanager
async def client_of(there: Site) -> AsyncIterator[Client]:
    """The administrator, asking many things at a time."""
    limits = httpx2.Limits(max_connections=16)  # as many as questions are asked at a time
    async with httpx2.AsyncClient(
        base_url=there.server.address, timeout=120, limits=limits
    ) as http:
        yield Client(http, str(there.api.token))


def part(there: Site, name: str) -> Process:
    """The process of that name: server, drain or scheduler."""
    return next(one for one in there.platform.processes if one.name.endswith(name))


class Memory:
    """How much a process grows at its most, from now on."""

    def __init__(self, pid: int) -> None:
        self._status = Path(f"/proc/{pid}/status")
        # 5: the kernel forgets the highest value so far (proc(5), clear_refs).
        Path(f"/proc/{pid}/clear_refs").write_text("5")
        self._before = self._read("VmRSS")

    def growth(self) -> float:
        """Megabytes between the memory at the beginning and the most since."""
        return (self._read("VmHWM") - self._before) / 1024

    def _read(self, name: str) -> int:
        return int(self._status.read_text().split(f"{name}:")[1].split()[0])


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    parents = {}
    for entry in Path("/proc").iterdir():
        try:
            status = (entry / "stat").read_text() if entry.name.isdecimal() else ""
        except OSError:
            continue
        if status:
            parents[int(entry.name)] = int(status.rpartition(")")[2].split()[1])
    everyone, found = [], {pid}
    while found:
        everyone += found
        found = {child for child, parent in parents.items() if parent in found}
    return everyone


def memory(pids: Iterable[int], *, measure: str = "Pss") -> int:
    """Bytes in memory of these processes; what several share counts once (Pss, the proportional set
    size), or as often as it is shared (Rss, the resident set size).

    Those that have ended meanwhile count nothing.
    """
    total = 0
    for pid in pids:
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        total += int(rollup.split(f"{measure}:")[1].split()[0]) * 1024
    return total


def processor(pids: Iterable[int]) -> float:
    """Seconds of processor time that these processes have used, with their children that ended."""
    ticks = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += sum(map(int, fields[11:15]))  # proc(5): utime, stime, cutime, cstime
    return ticks / os.sysconf("SC_CLK_TCK")


def is_postgres(pid: int) -> bool:
    """Whether the process is one of PostgreSQL's."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().startswith("postgres")
    except OSError:
        return False
