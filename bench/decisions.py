"""What is confirmed by fifty people at once, and delivered ten times over, is applied once.

Whole runs of Terraform would take hours. So the installation is real, people ask over HTTP, and
the workers are stand-ins that speak the workers' protocol and note each apply in a file: what is
counted is what a worker was told to do.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from gantry.apps.demo import Client, DemoFailed
from gantry.domains.pools import repo as pools
from gantry.kernel.tx import SYSTEM
from gantry_protocol.calls import (
    AUDIENCE,
    Applied,
    Delta,
    Held,
    Offer,
    PhaseDone,
    Planned,
    Register,
)
from gantry_protocol.words import Phase
from gantry_worker.control_plane import ControlPlane
from gantry_worker.keys import load_pool_key
from sqlalchemy import text
from ulid import ULID

from bench.report import Figure, percentile
from bench.site import Site, site

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


@dataclass
class Worker:
    """Takes runs, and changes nothing but a file."""

    server: ControlPlane
    applied: Path

    async def take(self) -> Offer | None:
        """A run, if there is one."""
        await self.server.beat([])
        return (await self.server.ask([])).offer

    async def perform(self, offer: Offer) -> None:
        """Take it as far as the server says."""
        lease = Held(run_id=offer.run_id, fence=offer.fence)
        verdict = await self.server.report(lease, PhaseDone(phase=Phase.PREPARE))
        if verdict.accepted and verdict.phase is Phase.INIT:
            await self.server.report(lease, PhaseDone(phase=Phase.INIT))
            await self.server.report(lease, _plan(offer.run_id))
        elif verdict.accepted and verdict.phase is Phase.APPLY:
            with self.applied.open("a") as file:
                file.write(f"{offer.run_id}\n")
            await self.server.report(lease, Applied(phase=Phase.APPLY, wrapped_up=True))


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
        workers = [await _worker(there, applied) for _ in range(WORKERS)]
        runs, heard, took = [], [], []
        for _ in range(rounds):
            runs.append(run := await there.trigger(stack))
            await _deliver_again(there, stack)
            await _one_of(workers, there, stack, run, "UNCONFIRMED")
            began = time.perf_counter()
            heard.append(await _confirm_at_once(there.client, stack, run))
            took.append(time.perf_counter() - began)
            await _one_of(workers, there, stack, run, "FINISHED")
        counts = Counter(applied.read_text().split())
        wrong = sum(counts[run] != 1 for run in runs) + len(counts.keys() - set(runs))
        for worker in workers:
            await worker.server.close()
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


async def _worker(there: Site, applied: Path) -> Worker:
    """A worker of the public pool, known to the server."""
    async with there.up.core.db.read(SYSTEM) as tx:
        pool = await pools.public(tx)
    assert pool is not None
    key, worker_id = load_pool_key(there.up.installation.pool_key), str(ULID())
    server = ControlPlane(
        there.up.url,
        pool.id,
        lambda: key.proof(worker_id=worker_id, audience=AUDIENCE, pool_id=pool.id),
    )
    await server.register(Register(version="bench", metadata={}, concurrency=1))
    return Worker(server, applied)


async def _deliver_again(there: Site, stack: str) -> None:
    async with there.up.core.db.engine.begin() as connection:
        await connection.execute(_AGAIN, {"stack": stack, "times": DELIVERIES})


async def _one_of(workers: list[Worker], there: Site, stack: str, run: str, state: str) -> None:
    """Let all workers ask at once, and those that are given something perform it."""

    async def work(worker: Worker) -> None:
        if (offer := await worker.take()) is not None:
            await worker.perform(offer)

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
