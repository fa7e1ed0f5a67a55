"""Sealing 100,000 secrets anew while people go on: whether they notice.

Everything is one process, which is the hardest case: the drain that seals anew shares its loop, its
core and its connections with the server that answers.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable

from gantry.apps.demo import Client
from gantry.domains.keys import service
from gantry.domains.keys.kinds import ENDS, Phase
from gantry.infra.data_keys import new_data_key
from gantry.kernel.tx import SYSTEM
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from bench.report import Figure, percentile
from bench.site import Site, site

SECRETS = int(os.environ.get("GANTRY_BENCH_SECRETS", "100000"))
OWNERS = 1_000
PEOPLE = 4
PAUSE = 0.05
"""Seconds between two requests of a person: together they ask some fifty times a second."""
QUIET = 30.0
"""Seconds for which it is measured how long requests take otherwise."""
SLOWER = 25.0
"""Percent by which the slowest twentieth may take longer."""
AT_ONCE = 5_000

_CREATE = """mutation ($i: ContextInput!) { contextCreateV2(input: $i) { id } }"""
_READ = """query ($c: ID!) { context(id: $c) { id name config { id value writeOnly } } }"""
_WRITE = """mutation ($c: ID!, $v: ConfigInput!) {
  contextConfigAdd(context: $c, config: $v) { id } }"""
_INSERT = text(
    "insert into config_element (owner_kind, owner_id, type, id, value_sealed, checksum,"
    " write_only, created_at) values ('CONTEXT', :owner, 'ENVIRONMENT_VARIABLE', :id, :sealed, '',"
    " true, now())"
)


async def measure() -> list[Figure]:
    """Ask for a while, re-key, and ask meanwhile."""
    async with site(worker=False) as there:
        context = await _furnish(there)
        before, _ = await _ask(there.client, context, _for(QUIET))
        began, finished = time.perf_counter(), asyncio.Event()
        during, phase = await asyncio.gather(
            _ask(there.client, context, lambda: not finished.is_set()), _rekey(there, finished)
        )
        took = time.perf_counter() - began
    quiet, busy = percentile(before, 0.95), percentile(during[0], 0.95)
    about = (
        f"{SECRETS:,} secrets are sealed with another data key, by the same process that answers;"
        f" {PEOPLE} people read and write a context's variables all the time"
    )
    name = "re-key"
    return [
        Figure(name, "p95 of requests before", quiet * 1000, "ms", None, about),
        Figure(name, "p95 of requests meanwhile", busy * 1000, "ms", None, about),
        Figure(name, "slower by", (busy / quiet - 1) * 100, "%", SLOWER, about),
        Figure(
            name, "values a second", SECRETS / took, "/s", None, f"{about}; {phase} in {took:.0f} s"
        ),
        Figure(name, "requests that failed", during[1], "", 0.0, about),
    ]


def _for(seconds: float) -> Callable[[], bool]:
    end = time.perf_counter() + seconds
    return lambda: time.perf_counter() < end


async def _furnish(there: Site) -> str:
    made = await there.client.ask(_CREATE, i={"name": "bench", "space": "root"})
    context = str(made["contextCreateV2"]["id"])
    vault, engine = there.up.core.vault, there.up.core.db.engine
    rows = []
    for number in range(SECRETS):
        owner, name = f"bench-{number % OWNERS}", f"SECRET_{number}"
        identity = f"config:CONTEXT:{owner}:ENVIRONMENT_VARIABLE:{name}"
        sealed = vault.seal(f"value {number}".encode(), identity=identity)
        rows.append({"owner": owner, "id": name, "sealed": sealed})
        if len(rows) == AT_ONCE:
            await _insert(engine, rows)
            rows = []
    await _insert(engine, rows)
    return context


async def _insert(engine: AsyncEngine, rows: list[dict[str, object]]) -> None:
    if rows:
        async with engine.begin() as connection:
            await connection.execute(_INSERT, rows)


async def _ask(client: Client, context: str, go_on: Callable[[], bool]) -> tuple[list[float], int]:
    """How long requests take, and how many fail."""
    took: list[float] = []
    failed = 0

    async def person(number: int) -> None:
        nonlocal failed
        turn = 0
        while go_on():
            turn += 1
            value = {
                "id": f"V{number}_{turn % 5}",
                "type": "ENVIRONMENT_VARIABLE",
                "value": str(turn),
                "writeOnly": False,
            }
            began = time.perf_counter()
            try:
                if turn % 4:
                    await client.ask(_READ, c=context)
                else:
                    await client.ask(_WRITE, c=context, v=value)
            except Exception:
                failed += 1
            took.append(time.perf_counter() - began)
            await asyncio.sleep(PAUSE)

    await asyncio.gather(*(person(number) for number in range(PEOPLE)))
    return took, failed


async def _rekey(there: Site, finished: asyncio.Event) -> Phase:
    core = there.up.core
    wrapped = await core.keeper.ring.wrap(new_data_key())
    try:
        async with core.db.write(SYSTEM) as tx:
            await service.start(tx, wrapped)
        while True:
            async with core.db.read(SYSTEM) as tx:
                standing = await service.standing(tx)
            if standing is not None and standing.rekey.phase in ENDS:
                return standing.rekey.phase
            await asyncio.sleep(1)
    finally:
        finished.set()
