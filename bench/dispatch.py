"""Many stacks at once on few workers: how much of the workers' time goes into the runs.

Real workers, real Terraform. A run mostly waits, as runs do for clouds: its resource takes some
seconds to make. So the machine's cores, fewer than the workers, are not what is measured; with the
shorter of the two lengths they are, for the most part, as each run has half a second of
Terraform's own work.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise

from gantry.apps.demo import Client

from bench.overhead import bare_run
from bench.processes import client_of, installation
from bench.report import Figure, percentile
from tests.support.site import TRIGGER, Site

STACKS = 100
SECONDS = (2, 5)
"""For a resource to be made: few clouds make one in less."""
WORKERS = (2, 4)
BARE_ROUNDS = 5
TREE = """
resource "terraform_data" "one" {
  input = uuid()
  provisioner "local-exec" { command = "sleep SECONDS" }
  triggers_replace = [timestamp()]
}
"""
EFFICIENCY = 0.85
STRAGGLING = 1.5
"""Times the usual duration that the longest run may take."""
_MOVES = """
select run_id, after, extract(epoch from at), worker_id from run_transition
where run_id = any(%s) order by run_id, version
"""


async def measure() -> list[Figure]:
    """The same stacks, first on few workers, then on more; short runs, then longer ones."""
    figures: list[Figure] = []
    for seconds in SECONDS:
        figures += await _runs_of(seconds)
    return figures


async def _runs_of(seconds: int) -> list[Figure]:
    tree = TREE.replace("SECONDS", str(seconds))
    async with installation() as there, client_of(there) as client:
        place = there.platform.place / "bare"
        bare = [await asyncio.to_thread(bare_run, place, tree) for _ in range(BARE_ROUNDS + 1)]
        usual = percentile(bare[1:], 0.5)
        code = there.repository({"main.tf": tree})
        stacks = [
            there.stack(code, name=f"one of many {n}", autodeploy=True) for n in range(STACKS)
        ]
        name = f"bare terraform, {seconds} s"
        figures, started = [Figure(name, "p50", usual, "s", None, _BARE)], 0
        for count in WORKERS:
            there.start_workers(count - started)
            started = count
            works = await _all_at_once(there, client, stacks)
            figures += _figures(works, count, usual, seconds)
    return figures


_BARE = f"init, plan and apply by hand, one after the other; {BARE_ROUNDS} rounds"


@dataclass(frozen=True)
class Work:
    """A run on a worker. Seconds since the epoch, by the server's clock."""

    worker: str
    asked: float
    leased: float
    ended: float


async def _all_at_once(there: Site, client: Client, stacks: list[str]) -> list[Work]:
    asked = await asyncio.gather(
        *(client.ask(TRIGGER, stack=stack, kind="TRACKED") for stack in stacks)
    )
    runs = [str(answer["runTrigger"]["id"]) for answer in asked]
    left = "select count(*) from run where id = any(%s) and finished_at is null"
    while await asyncio.to_thread(lambda: there.platform.rows(left, runs)[0][0]):
        await asyncio.sleep(0.5)
    return _works(await asyncio.to_thread(there.platform.rows, _MOVES, runs))


def _works(rows: list[tuple[object, ...]]) -> list[Work]:
    moves = defaultdict(list)
    for run, state, at, worker in rows:
        moves[run].append((str(state), float(str(at)), worker))
    works = []
    for run, those in moves.items():
        leased = next(((at, who) for state, at, who in those if state == "PREPARING"), None)
        if leased is None or those[-1][0] != "FINISHED" or "APPLYING" not in {m[0] for m in those}:
            raise RuntimeError(f"run {run} ended as {those[-1][0]}")
        works.append(Work(str(leased[1]), those[0][1], leased[0], those[-1][1]))
    return works


def _figures(works: list[Work], workers: int, bare: float, seconds: int) -> list[Figure]:
    makespan = max(work.ended for work in works) - min(work.asked for work in works)
    took = [work.ended - work.leased for work in works]
    between = _between(works)
    name = f"{STACKS} stacks at once, {workers} workers, {seconds} s"
    about = f"{STACKS} autodeployed runs of one resource that takes {seconds} s, triggered at once"
    efficiency = f"N·bare/(W·makespan), first trigger to last end; {about}"
    straggling = f"longest run from lease to end, in usual ones (p50); {about}"
    idle = f"from a run's end to the same worker's next lease, while runs wait; {about}"
    usual = percentile(took, 0.5)
    return [
        Figure(
            name,
            "efficiency",
            len(works) * bare / (workers * makespan),
            "",
            EFFICIENCY,
            efficiency,
            more_is_better=True,
        ),
        Figure(name, "makespan", makespan, "s", None, about),
        Figure(name, "run p50", usual, "s", None, f"lease to end; {about}"),
        Figure(name, "longest run", max(took) / usual, "", STRAGGLING, straggling),
        Figure(name, "worker idle p95", percentile(between, 0.95), "s", None, idle),
        Figure(name, "worker idle at most", max(between), "s", usual, f"{idle}; aim: one run"),
    ]


def _between(works: list[Work]) -> list[float]:
    """How long each worker had nothing between two runs."""
    of_worker: dict[str, list[Work]] = defaultdict(list)
    for work in sorted(works, key=lambda work: work.leased):
        of_worker[work.worker].append(work)
    return [
        after.leased - before.ended
        for those in of_worker.values()
        for before, after in pairwise(those)
    ]
