"""What an installation costs that does nothing: everything embedded, one worker connected."""

from __future__ import annotations

import asyncio
import os
import time

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from bench.processes import family, memory, processor
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
        before, busy = await _transactions(there.up.core.db.engine), _processor()
        began = time.monotonic()
        await asyncio.sleep(WATCHED)
        took = time.monotonic() - began
        after, busy = await _transactions(there.up.core.db.engine), _processor() - busy
        kept = memory(family(os.getpid())) / 1024**2
    watched = f"{WATCHED:.0f} s without any request; server, drain, scheduler, worker, PostgreSQL"
    return [
        Figure("idle", "memory", kept, "MB", 350.0, f"proportional set size; {watched}"),
        Figure("idle", "transactions a second", (after - before) / took, "", 5.0, watched),
        Figure("idle", "processor", busy / took, "of one core", None, watched),
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


def _processor() -> float:
    return processor(family(os.getpid()))
