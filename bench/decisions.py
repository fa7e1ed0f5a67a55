"""What is confirmed by fifty people at once, and delivered ten times over, is applied once.

Whole runs of Terraform would take hours. So the installation is real, people ask over HTTP, and
the workers are stand-ins that speak the workers' protocol and note each apply in a file: what is
counted is what a worker was told to do.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from pathlib import Path

from gantry.apps.demo import Client, DemoFailed
from gantry.domains.pools import repo as pools
from gantry.kernel.tx import SYSTEM
from gantry_protocol.calls import Delta, Offer, Planned
from gantry_protocol.words import Phase
from sqlalchemy import text

from bench.hand import Hand, held
from bench.report import Figure, percentile
from bench.site import Site, site
from tests.support.platform import Pool

ROUNDS = 1000
PEOPLE = 50
DELIVERIES = 10
WORKERS = 4

_CONFIRM = "mutation ($s: ID!, $r: ID!) { runConfirm(stack: $s, run: $r) { id } }"
_AGAIN = text(
    "insert into procrastinate_jobs (queue_name, task_name, args)"
    " select 'async', 'runs.promote', jsonb_build_object('stack_id', cast(:stack as text))"
    " from generate_series(1, :times)"
)


async def _perform(worker: Hand, offer: Offer, applied: Path) -> None:
    """Take a run as far as the server says; nothing is changed but a file."""
    verdict = await worker.report(offer, Phase.PREPARE)
    if verdict.phase is Phase.INIT:
        await worker.report(offer, Phase.INIT)
        await worker.server.report(held(offer), _plan(offer.run_id))
    elif verdict.phase is Phase.APPLY:
        with applied.open("a") as file:
            file.write(f"{offer.run_id}\n")
        await worker.report(offer, Phase.APPLY)


def _plan(run: str) -> Planned:
    return Planned(
        changed=True,
        delta=Delta(add=1, resources=1),
        plan_sha256="5" * 64,
        workspace_key=f"{run}/workspace",
        wrapped_up=True,
    )


async def measure(rounds: int = ROUNDS) -> list[Figure]:
    """Let people confirm, again and again."""
    async with site(worker=False) as there:
        stack = await there.stack(autodeploy=False)
        applied = there.place / "applied"
        applied.touch()
        workers = [await _worker(there) for _ in range(WORKERS)]
        runs, heard, took = [], [], []
        for _ in range(rounds):
            runs.append(run := await there.trigger(stack))
            await _deliver_again(there, stack)
            await _one_of(workers, applied, there, stack, run, "UNCONFIRMED")
            began = time.perf_counter()
            heard.append(await _confirm_at_once(there.client, stack, run))
            took.append(time.perf_counter() - began)
            await _one_of(workers, applied, there, stack, run, "FINISHED")
        counts = Counter(applied.read_text().split())
        wrong = sum(counts[run] != 1 for run in runs) + len(counts.keys() - set(runs))
        for worker in workers:
            await worker.close()
    name = f"{PEOPLE} confirmations at once"
    about = (
        f"{rounds} runs: each starts by a job delivered {DELIVERIES} times more, is confirmed by"
        f" {PEOPLE} people at once over HTTP, and asked for by {WORKERS} stand-in workers at once,"
        " which note each apply in a file"
    )
    return [
        Figure(name, "runs not applied exactly once", wrong, "", 0.0, about),
        Figure(name, "runs not confirmed exactly once", sum(n != 1 for n in heard), "", 0.0, about),
        Figure(name, "all answered, p95", percentile(took, 0.95), "s", None, about),
    ]


async def _worker(there: Site) -> Hand:
    """A worker of the public pool, known to the server."""
    async with there.up.core.db.read(SYSTEM) as tx:
        found = await pools.public(tx)
    assert found is not None
    worker = Hand(Pool(found.id, found.config, there.up.installation.pool_key))
    await worker.register()
    return worker


async def _deliver_again(there: Site, stack: str) -> None:
    async with there.up.core.db.engine.begin() as connection:
        await connection.execute(_AGAIN, {"stack": stack, "times": DELIVERIES})


async def _one_of(
    workers: list[Hand], applied: Path, there: Site, stack: str, run: str, state: str
) -> None:
    """Let all workers ask at once, and those that are given something perform it."""

    async def work(worker: Hand) -> None:
        await worker.server.beat([])  # it is there, however long it was given nothing
        if (offer := await worker.take()) is not None:
            await _perform(worker, offer, applied)

    while (now := await there.run(stack, run))["state"] != state:
        if now["failureReason"]:
            raise RuntimeError(now["failureReason"])
        await asyncio.gather(*(work(worker) for worker in workers))


async def _confirm_at_once(client: Client, stack: str, run: str) -> int:
    """How many were told that they did."""

    async def confirm() -> bool:
        try:
            await client.ask(_CONFIRM, s=stack, r=run)
        except DemoFailed:
            return False
        return True

    return sum(await asyncio.gather(*(confirm() for _ in range(PEOPLE))))
