"""What an installation costs that does nothing: everything embedded, one worker connected."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from bench.report import Figure
from bench.site import site

SETTLED = 10.0
"""Seconds until what starting leads to is over."""
WATCHED = 60.0
"""Seconds that are watched: every periodic job but the hourly ones comes at least once."""


async def measure() -> list[Figure]:
    """Start everything, leave it alone, and look."""
    async with site() as there:
        await asyncio.sleep(SETTLED)
        before, used = await _transactions(there.up.core.db.engine), _processor()
        began = time.monotonic()
        await asyncio.sleep(WATCHED)
        took = time.monotonic() - began
        after, used = await _transactions(there.up.core.db.engine), _processor() - used
        memory = _memory(os.getpid()) / 1024**2
    watched = f"{WATCHED:.0f} s without any request; server, drain, scheduler, worker, PostgreSQL"
    return [
        Figure("idle", "memory", memory, "MB", 350.0, f"proportional set size; {watched}"),
        Figure("idle", "transactions a second", (after - before) / took, "", 5.0, watched),
        Figure("idle", "processor", used / took, "of one core", None, watched),
    ]


async def _transactions(engine: AsyncEngine) -> int:
    async with engine.connect() as connection:
        free = await connection.execution_options(isolation_level="AUTOCOMMIT")
        found = await free.scalar(
            text(
                "select sum(xact_commit + xact_rollback) from pg_stat_database"
                " where datname is not null"
            )
        )
        return int(found or 0)


def _family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    parents = {}
    for entry in Path("/proc").iterdir():
        try:
            status = (entry / "stat").read_text() if entry.name.isdecimal() else ""
        except OSError:
            continue
        if status:
            parents[int(entry.name)] = int(status.rpartition(")")[2].split()[1])
    family, found = [], {pid}
    while found:
        family += found
        found = {child for child, parent in parents.items() if parent in found}
    return family


def _memory(pid: int) -> int:
    """Bytes in memory of a process and its descendants; what several share counts once."""
    total = 0
    for each in _family(pid):
        try:
            rollup = Path(f"/proc/{each}/smaps_rollup").read_text()
        except OSError:
            continue
        total += int(rollup.split("Pss:")[1].split()[0]) * 1024
    return total


def _processor() -> float:
    """Seconds of processor time that this process has used."""
    used = os.times()
    return used.user + used.system
