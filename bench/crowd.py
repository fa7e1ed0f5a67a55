"""A thousand workers on one server: what they cost while nothing happens, and how soon one of them
is woken when something does.

Each holds an MQTT line, and speaks over HTTP as often as an idle worker does, on a connection of
its own each time, as it is idle for longer than connections are kept.
"""

from __future__ import annotations

import asyncio
import random
import resource
import time
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from gantry.apps.demo import Client
from gantry_protocol import topics
from gantry_protocol.calls import (
    AUDIENCE,
    Ask,
    Asked,
    Beat,
    Beaten,
    Failed,
    Offer,
    Register,
    Registered,
    Reported,
    Verdict,
)
from gantry_protocol.token import PoolToken, decode_pool_token
from gantry_protocol.words import Phase
from gantry_worker.agent import APART
from gantry_worker.keys import PoolKey, load_pool_key
from pydantic import BaseModel
from ulid import ULID

from bench.bell import hang
from bench.processes import client_of, installation, part, processor
from bench.report import Figure, percentile
from tests.support.site import TRIGGER

A = TypeVar("A", bound=BaseModel)

WORKERS = 1000
AT_ONCE = 20
"""Workers that arrive at the same time."""
ARRIVE_SECONDS = 30.0
"""For one to be connected; whoever is not let in would be waited for in vain."""
WATCHED = 40.0
"""Seconds of doing nothing: every worker has asked and beaten at least once."""
ROUNDS = 100
BETWEEN = 0.3
"""Seconds between two runs, at most: the server is seldom idle when one is triggered."""
LATE = 2.0
"""Seconds in which a bell may still come for a run that was found without one: it would be taken
for the next run's.
"""
AIM = 0.25


async def measure() -> list[Figure]:
    """Look at the server alone, then with the crowd, then wake."""
    # Each worker has a line, and the server the other end of it.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 65_536), most))
    async with installation() as there, client_of(there) as client, AsyncExitStack() as ends:
        pid = part(there, "server").pid
        stack = there.stack('resource "terraform_data" "it" {}\n')
        await asyncio.sleep(5)
        memory, alone = _memory(pid), await _busy(pid, 15)
        crowd = Crowd(decode_pool_token(there.pool.config), load_pool_key(there.pool.key))
        ends.push_async_callback(crowd.leave)
        began = time.perf_counter()
        await crowd.arrive(WORKERS)
        arrived = time.perf_counter() - began
        await asyncio.sleep(10)
        busy, grown = await _busy(pid, WATCHED), _memory(pid) - memory
        wakes = await _wake(client, crowd, stack)
    each = f"{WORKERS} idle workers: MQTT line, heartbeats and questions; one server process"
    runs = f"each of {ROUNDS} runs, one at a time; {each}, which go on asking all the while"
    waking = (
        f"runTrigger sent until a worker knows of the run: the bell at it, or the offer; {runs}"
    )
    won = f"runTrigger sent until the lease is at the worker; {runs}"
    chance = f"runs that a worker found which asked just then, before any bell was heard; {runs}"
    name = f"{WORKERS} workers"
    return [
        Figure(name, "memory growth of the server", grown, "MB", None, each),
        Figure(name, "processor of the server", busy, "of one core", None, each),
        Figure(name, "processor without them", alone, "of one core", None, "nobody is connected"),
        Figure(name, "time to arrive", arrived, "s", None, f"{AT_ONCE} at a time; {each}"),
        Figure(name, "calls not answered", float(crowd.unanswered), "", 0.0, each),
        Figure(name, "wake latency p50", percentile(wakes.woken, 0.5), "s", None, waking),
        Figure(name, "wake latency p95", percentile(wakes.woken, 0.95), "s", AIM, waking),
        Figure(name, "trigger to lease p95", percentile(wakes.leased, 0.95), "s", None, won),
        Figure(name, "wakes by a question", float(wakes.asked), "runs", None, chance),
    ]


@dataclass
class Wakes:
    """What became of each run that was triggered: seconds, and by what the first worker knew."""

    woken: list[float]
    leased: list[float]
    asked: int = 0
    """How many of them a worker found that asked just then, before any bell was heard."""


async def _wake(client: Client, crowd: Crowd, stack: str) -> Wakes:
    """One run after the other; each of them counts."""
    wakes = Wakes([], [])
    for _ in range(ROUNDS):
        await asyncio.sleep(random.uniform(0.05, BETWEEN))
        crowd.listen()
        sent = time.perf_counter()
        await client.ask(TRIGGER, stack=stack, kind="PROPOSED")
        async with asyncio.timeout(30):
            one = await crowd.taken()
        wakes.woken.append(one.known - sent)
        wakes.leased.append(one.won - sent)
        wakes.asked += not one.rung
        if not one.rung:
            await crowd.bell(LATE)
    return wakes


class Unanswered(Exception):
    """The server said something else than what was asked."""


@dataclass(frozen=True)
class Taken:
    """A run that a worker came by: when one first knew of it, whether it was rung, the lease."""

    known: float
    rung: bool
    won: float


class Crowd:
    """Workers of one pool, all in this process."""

    def __init__(self, token: PoolToken, key: PoolKey) -> None:
        self._token, self._key = token, key
        self.unanswered = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._connected = asyncio.Semaphore(0)
        self._known: tuple[float, bool] | None = None
        self._taken: asyncio.Future[Taken] | None = None
        self._bell = asyncio.Event()
        self._looking: set[asyncio.Task[None]] = set()
        where = urlsplit(token.api)
        self._host, self._port = where.hostname or "", where.port or 80

    async def arrive(self, count: int) -> None:
        """Register and connect so many; returns when all are connected."""
        for start in range(0, count, AT_ONCE):
            some = [str(ULID()) for _ in range(start, min(start + AT_ONCE, count))]
            rhythms = await asyncio.gather(*(self._register(worker_id) for worker_id in some))
            for worker_id, rhythm in zip(some, rhythms, strict=True):
                self._start(worker_id, rhythm)
            for _ in some:
                async with asyncio.timeout(ARRIVE_SECONDS):
                    await self._connected.acquire()

    def listen(self) -> None:
        """From now on, whoever first knows of a run counts, and who wins it."""
        self._known, self._taken = None, asyncio.get_running_loop().create_future()
        self._bell.clear()

    async def bell(self, seconds: float) -> None:
        """Return once a worker was rung since, or when so many seconds have passed."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._bell.wait()

    async def taken(self) -> Taken:
        """How the run was come by, once it is over."""
        if self._taken is None:
            raise RuntimeError("nobody listens")
        return await self._taken

    def _rang(self, worker_id: str) -> None:
        """A worker is rung, and looks: as many at a time as are rung."""
        self._knows(rung=True)
        self._bell.set()
        look = asyncio.create_task(self._look(worker_id))
        self._looking.add(look)
        look.add_done_callback(self._looking.discard)

    def _knows(self, *, rung: bool) -> None:
        if self._known is None:
            self._known = (time.perf_counter(), rung)

    async def _look(self, worker_id: str) -> None:
        """Ask for a run. Whoever is given one gives it up, and says how it was come by."""
        try:
            offer = (await self._call(worker_id, "next", Ask(), Asked)).offer
            if offer is None:
                return
            won = time.perf_counter()
            self._knows(rung=False)
            await self._fail(worker_id, offer)
        except (Unanswered, OSError):
            self.unanswered += 1
            return
        if self._taken is not None and not self._taken.done() and self._known is not None:
            self._taken.set_result(Taken(*self._known, won))

    async def _fail(self, worker_id: str, offer: Offer) -> None:
        said = Failed(phase=Phase.PREPARE, reason="It was only taken to see how soon.")
        report = Reported(fence=offer.fence, report=said)
        path = f"runs/{offer.run_id}/report"
        # Refused when this worker, rung while it asked, was offered the run twice.
        await self._call(worker_id, path, report, Verdict)

    async def leave(self) -> None:
        """End every line. Raises what ended one of them before."""
        for task in self._tasks:
            task.cancel()
        for ended in await asyncio.gather(*self._tasks, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended

    async def _register(self, worker_id: str) -> Registered:
        return await self._call(worker_id, "register", Register(version="bench"), Registered)

    def _start(self, worker_id: str, rhythm: Registered) -> None:
        bell = hang(
            rhythm.broker or self._token.broker,
            name=worker_id,
            user=worker_id,
            password=f"{self._token.pool_id}:{self._proof(worker_id)}",
            topic=topics.readonly(self._token.namespace, self._token.pool_id, worker_id),
            hung=self._connected.release,
            rung=lambda: self._rang(worker_id),
        )
        work = [bell, self._ask(worker_id, rhythm.poll_seconds)]
        if rhythm.quiet_seconds < rhythm.poll_seconds:
            work.append(self._beat(worker_id, rhythm.heartbeat_seconds))
        self._tasks += [asyncio.create_task(one) for one in work]

    async def _beat(self, worker_id: str, every: float) -> None:
        await asyncio.sleep(random.uniform(0, every))
        while True:
            try:
                await self._call(worker_id, "heartbeat", Beat(), Beaten)
            except (Unanswered, OSError):
                self.unanswered += 1
            await asyncio.sleep(every)

    async def _ask(self, worker_id: str, every: float) -> None:
        """Questions as an idle worker has them, whatever else goes on (gantry_worker.agent)."""
        await asyncio.sleep(random.uniform(0, every))
        while True:
            await self._look(worker_id)
            await asyncio.sleep(every * random.uniform(*APART))

    def _proof(self, worker_id: str) -> str:
        return self._key.proof(worker_id=worker_id, audience=AUDIENCE, pool_id=self._token.pool_id)

    async def _call(self, worker_id: str, path: str, said: BaseModel, kind: type[A]) -> A:
        body = said.model_dump_json(by_alias=True).encode()
        head = (
            f"POST /worker/v1/{path} HTTP/1.1\r\nhost: {self._host}\r\nconnection: close\r\n"
            f"authorization: Bearer {self._proof(worker_id)}\r\n"
            f"gantry-pool: {self._token.pool_id}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        reader, writer = await asyncio.open_connection(self._host, self._port)
        try:
            writer.write(head.encode() + body)
            answer = await reader.read()
        finally:
            writer.close()
        start, _, rest = answer.partition(b"\r\n\r\n")
        if not start.startswith(b"HTTP/1.1 200 "):
            raise Unanswered(f"{path} was answered {answer[:200]!r}")
        return kind.model_validate_json(rest)


def _memory(pid: int) -> float:
    """Megabytes in memory."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


async def _busy(pid: int, seconds: float) -> float:
    """Share of a core that a process uses in the next seconds."""
    before, began = processor([pid]), time.monotonic()
    await asyncio.sleep(seconds)
    return (processor([pid]) - before) / (time.monotonic() - began)
