"""Whether spaces that share a pool get what is theirs: somebody who asks for little is not kept
waiting by somebody who asks for much, and who asks for the same gets the same.

Workers are stand-ins that speak the real protocol and hold each run for a while: what is measured
is whose turn it is.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from gantry.apps.demo import Client
from gantry_protocol.words import Phase
from gantry_worker.keys import load_pool_key

from bench.hand import Hand
from bench.processes import client_of, installation
from bench.report import Figure
from tests.support.git_repository import Repository
from tests.support.site import TRIGGER, Site

FLOOD = 200
"""Previews that one space asks for."""
FLOODED_STACKS = 20
APPLIES = 10
"""Applies that the other space asks for, one now and then, while the flood lasts."""
FLOOD_WORKERS = 2
TENANTS = 10
WORK = 20
"""Previews that each tenant asks for."""
TENANT_WORKERS = 4
HOLD = 0.5
"""Seconds for which a run is held: much longer than leasing and reporting take."""
PAUSE = 4 * HOLD
"""Between two applies: who asks for one after the other asks for half of two workers, no less than
the flood gets, and has to take turns with it."""
ASKING = 0.02
"""Seconds between a stand-in's questions. Workers are woken by their doorbell instead."""
_SPACE = """
insert into space
    (id, name, description, parent_id, inherit_entities, labels, created_at, path, inherits)
values (%s, %s, '', 'root', true, '[]', now(), array['root', %s], array['root'])
"""


async def measure() -> list[Figure]:
    """A flood, then tenants."""
    async with installation() as there, client_of(there) as client:
        code = there.repository({"main.tf": 'resource "terraform_data" "it" {}\n'})
        return [*await _flood(there, client, code), await _tenants(there, client, code)]


@dataclass(frozen=True)
class Turn:
    """A run on a worker: monotonic seconds."""

    run: str
    leased: float
    ended: float


async def _flood(there: Site, client: Client, code: Repository) -> list[Figure]:
    flooded = [_stack(there, code, "flood", n) for n in range(FLOODED_STACKS)]
    quiet = _stack(there, code, "quiet", 0, autodeploy=True)
    async with _workers(there, FLOOD_WORKERS) as turns:
        await _ask_for(client, [flooded[n % FLOODED_STACKS] for n in range(FLOOD)], "PROPOSED")
        waits: list[float] = []
        spans: list[tuple[float, float]] = []
        while len(turns) < FLOOD and len(waits) < APPLIES:
            run = await _trigger(client, quiet, "TRACKED")
            asked = time.monotonic()
            while not (mine := [turn for turn in turns if turn.run == run]):
                await asyncio.sleep(0.01)
            waits.append(mine[0].leased - asked)
            spans.append((asked, mine[0].leased))
            await asyncio.sleep(PAUSE)
        during = len(turns)
        there.platform.change("update run set state = 'CANCELED' where state = 'READY'")
    if during >= FLOOD + len(waits) and len(waits) > 1:
        raise RuntimeError("the flood was over before the applies were")
    slots = sorted(turn.ended - turn.leased for turn in turns)
    slot = slots[len(slots) // 2]
    before = max(sum(asked < turn.leased < won for turn in turns) for asked, won in spans)
    about = (
        f"the longest of {len(waits)} waits of an apply, from the answer to runTrigger to a worker,"
        f" in durations of a run (p50, {slot:.2f} s); another space has {FLOOD} previews waiting;"
        f" {FLOOD_WORKERS} workers that hold each run for {HOLD:g} s"
    )
    let_in = (
        f"previews of the flood that got a worker after the apply was asked for and before it did,"
        f" at most, of {len(waits)} applies"
    )
    return [
        Figure("flood of another space", "wait", max(waits) / slot, "slots", 1.0, about),
        Figure("flood of another space", "let in before it", float(before), "runs", 0.0, let_in),
    ]


async def _tenants(there: Site, client: Client, code: Repository) -> Figure:
    stacks = {_stack(there, code, f"tenant-{n}", 0): n for n in range(TENANTS)}
    # One tenant's all before the next one's: who comes first must not be served first.
    asked = await _ask_for(client, [s for s in stacks for _ in range(WORK)], "PROPOSED")
    window = TENANTS * WORK // 2
    async with _workers(there, TENANT_WORKERS) as turns:
        while len(turns) < window:
            await asyncio.sleep(0.05)
        done = [0] * TENANTS
        for turn in sorted(turns, key=lambda turn: turn.ended)[:window]:
            done[stacks[asked[turn.run]]] += 1
        there.platform.change("update run set state = 'CANCELED' where state = 'READY'")
    about = (
        f"Jain's index, (Σx)²/(n·Σx²), of finished runs a tenant when half are done; {TENANTS}"
        f" spaces ask for {WORK} previews each, one after the other; {TENANT_WORKERS} workers"
    )
    jain = sum(done) ** 2 / (TENANTS * sum(one**2 for one in done))
    return Figure("equal tenants", "fairness", jain, "", 0.95, about, more_is_better=True)


def _stack(there: Site, code: Repository, space: str, number: int, **settings: object) -> str:
    if number == 0:
        # Behind the product's back, so that its id is its name.
        there.platform.change(_SPACE, space, space, space)
    return there.stack(code, name=f"{space} {number}", space=space, **settings)


async def _ask_for(client: Client, stacks: list[str], kind: str) -> dict[str, str]:
    """Trigger a run of each, in order, some at a time; stacks by run."""
    found: dict[str, str] = {}
    for start in range(0, len(stacks), 8):
        some = stacks[start : start + 8]
        runs = await asyncio.gather(*(_trigger(client, stack, kind) for stack in some))
        found.update(zip(runs, some, strict=True))
    return found


async def _trigger(client: Client, stack: str, kind: str) -> str:
    return str((await client.ask(TRIGGER, stack=stack, kind=kind))["runTrigger"]["id"])


@asynccontextmanager
async def _workers(there: Site, count: int) -> AsyncIterator[list[Turn]]:
    """Stand-ins at work on the site's pool, and what they have done so far."""
    turns: list[Turn] = []
    key = load_pool_key(there.pool.key)
    hands = [Hand(there.pool, key=key) for _ in range(count)]
    for hand in hands:
        await hand.register()
    work = [asyncio.create_task(_work(hand, turns)) for hand in hands]
    try:
        yield turns
    finally:
        for task in work:
            task.cancel()
        for ended in await asyncio.gather(*work, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended
        for hand in hands:
            await hand.close()


async def _work(hand: Hand, turns: list[Turn]) -> None:
    async def hold(phase: Phase) -> None:
        if phase is Phase.PLAN:
            await asyncio.sleep(HOLD)

    while True:
        offer = await hand.take()
        if offer is None:
            await asyncio.sleep(ASKING)
            continue
        leased = time.monotonic()
        await hand.perform(offer, before=hold)
        turns.append(Turn(offer.run_id, leased, time.monotonic()))
