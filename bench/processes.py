"""An installation to measure as operators run it: server, drain and scheduler are processes of
their own, so that what each of them costs can be told apart, and from what measuring costs.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
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
