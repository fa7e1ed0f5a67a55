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
        memory = _memory()
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
            memory["Pss"] / MEGABYTE,
            "MB",
            350.0,
            f"proportional set size: what several share counts once; {parts}",
        ),
        Figure(
            "idle",
            "resident memory, summed",
            memory["Rss"] / MEGABYTE,
            "MB",
            350.0,
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


def _family() -> list[int]:
    """This process and all that descend from it."""
    parents = {}
    for entry in Path("/proc").iterdir():
        try:
            status = (entry / "stat").read_text() if entry.name.isdecimal() else ""
        except OSError:
            continue
        if status:
            parents[int(entry.name)] = int(status.rpartition(")")[2].split()[1])
    family, found = [], {os.getpid()}
    while found:
        family += found
        found = {child for child, parent in parents.items() if parent in found}
    return family


def _memory() -> Counter[str]:
    """Bytes in memory of the family: what several share once (Pss), or as often (Rss)."""
    total: Counter[str] = Counter()
    for each in _family():
        try:
            rollup = Path(f"/proc/{each}/smaps_rollup").read_text()
        except OSError:
            continue
        for measure in ("Pss", "Rss"):
            total[measure] += int(rollup.split(f"\n{measure}:")[1].split()[0]) * 1024
    return total


def _processor() -> float:
    """Seconds of processor time of the family, those among it that have ended since included."""
    ticks = 0
    for each in _family():
        try:
            status = Path(f"/proc/{each}/stat").read_text()
        except OSError:
            continue
        # utime, stime, and of children that were waited for cutime, cstime (proc(5)).
        ticks += sum(int(word) for word in status.rpartition(")")[2].split()[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")
