"""What an installation costs that does nothing: everything embedded, one worker connected."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections import Counter
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from bench.processes import family, memory, processor
from bench.report import Figure
from bench.site import Site, site

SETTLED = 10.0
"""Seconds until what starting leads to is over."""
WATCHED = 120.0
"""Seconds that are watched: every periodic job but the rarer ones comes at least once."""
STATEMENT = re.compile(rb"LOG:  (?:statement|execute [^:]*|fastpath function call): (.*)")
"""As PostgreSQL logs each of them: of either protocol, BEGIN and COMMIT among them."""
SHOWN = 12
"""Kinds of statements that are printed, the most frequent first."""
MEGABYTE = 1024**2


async def measure() -> list[Figure]:
    """Start everything, leave it alone, and look."""
    async with site() as there:
        await asyncio.sleep(SETTLED)
        engine, log = there.up.core.db.engine, _log_of(there)
        await _every_statement_logged(engine, to="all")
        size, used, began = log.stat().st_size, _processor(), time.monotonic()
        await asyncio.sleep(WATCHED)
        took, used = time.monotonic() - began, _processor() - used
        said = log.read_bytes()[size:]
        await _every_statement_logged(engine, to="none")
        everyone = family(os.getpid())
        own, resident = memory(everyone), memory(everyone, measure="Rss")
    # What goes on in another line is indented.
    said = said.replace(b"\n\t", b" ")
    kinds = Counter(_kind(statement) for statement in STATEMENT.findall(said))
    for kind, count in kinds.most_common(SHOWN):
        print(f"    {count / took:6.2f}/s  {kind}")
    ends = sum(count for kind, count in kinds.items() if kind in ("BEGIN", "COMMIT", "ROLLBACK"))
    parts = "server, drain, scheduler, worker, PostgreSQL with all its processes"
    watched = f"{WATCHED:.0f} s without any request; {parts}"
    counted = f"as PostgreSQL logs them, BEGIN and COMMIT among them; {watched}"
    sums = "; processes of one program share much of it"
    return [
        Figure(
            "idle",
            "memory",
            own / MEGABYTE,
            "MB",
            350.0,
            f"proportional set size: what several share counts once; {parts}",
        ),
        Figure(
            "idle",
            "resident memory, summed",
            resident / MEGABYTE,
            "MB",
            None,
            f"resident set size of each process, added up{sums}, which counts as often; {parts}",
        ),
        Figure("idle", "statements a second", kinds.total() / took, "", 5.0, counted),
        Figure(
            "idle",
            "statements a second that ask or change",
            (kinds.total() - ends) / took,
            "",
            None,
            f"without BEGIN, COMMIT and ROLLBACK; {watched}",
        ),
        Figure("idle", "processor", used / took, "of one core", None, watched),
    ]


def _log_of(there: Site) -> Path:
    (found,) = there.place.glob("data/postgres/**/postgres.log")
    return found


async def _every_statement_logged(engine: AsyncEngine, *, to: str) -> None:
    async with engine.connect() as connection:
        free = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await free.execute(text(f"alter system set log_statement = '{to}'"))
        await free.execute(text("select pg_reload_conf()"))
    await asyncio.sleep(1)  # for every process of the database to have heard


def _kind(statement: bytes) -> str:
    """A statement without what it names: enough to know where it comes from."""
    words = statement.decode(errors="replace").strip().rstrip(";").split()
    if words[:1] == ["SELECT"] and "procrastinate" not in " ".join(words):
        tables = re.findall(r"FROM (\w+)", " ".join(words)) or words[1:2]
        return f"SELECT … FROM {', '.join(dict.fromkeys(tables))}"
    return " ".join(words[:4])


def _processor() -> float:
    return processor(family(os.getpid()))
