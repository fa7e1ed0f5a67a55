"""Terraform states: how long they travel, what they cost in memory, and what many writers at once
do to them. Spoken as Terraform's `http` backend speaks, with a run's own credential.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import http.client
import json
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from gantry_protocol.manifest import StateBackend
from gantry_protocol.words import Phase

from bench.hand import Hand, keep_alive
from bench.processes import Memory, installation, part
from bench.report import Figure, percentile
from tests.support.platform import Platform

MB = 1_000_000
ROUNDS = {1: 30, 10: 30, 100: 3}
"""Rounds by size in MB; one of warm-up comes before."""
WRITERS = 32
WRITES = 3
"""Writes of each writer that have to succeed."""
AIM = 0.3
"""Seconds for 10 MB there and back."""
MEMORY = {"server": 250.0, "drain": 500.0}
"""MB for a state of 100 MB. In the server: itself, and as much again on its way in or out. In the
drain: itself, what is found in it, and what was found in the one before."""
_RESOURCE = 4000
"""Bytes of a resource: a state of 100 MB has 25,000 of them."""


async def measure() -> list[Figure]:
    """Hold a run that may write, and write."""
    async with installation() as there:
        stack = there.stack('resource "terraform_data" "it" {}\n')
        there.task(stack, "true", skip_init=True)
        hand = Hand(there.pool)
        await hand.register()
        while (offer := await hand.take()) is None:
            await asyncio.sleep(0.05)
        backend = (await hand.manifest(offer)).backend
        if backend is None:
            raise RuntimeError("the run was given no state")
        await hand.report(offer, Phase.PREPARE)
        beating = asyncio.create_task(keep_alive(hand, offer, 5.0))
        try:
            figures, serial = [], 1
            for size, rounds in ROUNDS.items():
                trips = Trips(backend, serial, size * MB)
                growth = [Memory(part(there, name).pid) for name in ("server", "drain")]
                await asyncio.to_thread(trips.go, 1)
                trips.took.clear()
                await asyncio.to_thread(trips.go, rounds)
                serial = trips.serial
                figures += _of_trips(trips, size, rounds)
                if size == max(ROUNDS):
                    await _until_indexed(there.platform, stack)
                    figures += _of_memory(size, *(one.growth() for one in growth))
            figures += await asyncio.to_thread(_compete, backend, serial)
        finally:
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)
        await hand.report(offer, Phase.PERFORM)
        await hand.close()
    return figures


def _of_trips(trips: Trips, size: int, rounds: int) -> list[Figure]:
    name = f"state of {size} MB"
    about = f"lock, get, put, get, unlock; {rounds} rounds after one; local storage, one writer"
    both = [sum(one) for one in zip(trips.took["POST"], trips.took["GET"], strict=True)]
    aim = AIM if size == 10 else None
    return [
        Figure(name, "put p50", percentile(trips.took["POST"], 0.5), "s", None, about),
        Figure(name, "get p50", percentile(trips.took["GET"], 0.5), "s", None, about),
        Figure(name, "put and get p50", percentile(both, 0.5), "s", aim, about),
        Figure(name, "put and get p95", percentile(both, 0.95), "s", aim, about),
    ]


def _of_memory(size: int, server: float, drain: float) -> list[Figure]:
    name, about = f"state of {size} MB", "most resident memory while the rounds ran, minus before"
    indexing = f"{about}; it looks through the state for resources"
    return [
        Figure(name, "memory growth of the server", server, "MB", MEMORY["server"], about),
        Figure(name, "memory growth of the drain", drain, "MB", MEMORY["drain"], indexing),
    ]


async def _until_indexed(platform: Platform, stack: str) -> None:
    """Return when the drain has looked through the newest state."""
    query = (
        "select count(*) from procrastinate_jobs where task_name = 'tfstate.index'"
        " and status in ('todo', 'doing')"
    )
    while platform.rows(query)[0][0]:
        await asyncio.sleep(0.2)


class Caller:
    """One connection to the backend."""

    def __init__(self, backend: StateBackend) -> None:
        where = urlsplit(backend.address)
        self._path = where.path
        self._http = http.client.HTTPConnection(where.hostname or "", where.port, timeout=120)
        pair = base64.b64encode(f"{backend.username}:{backend.password}".encode()).decode()
        self._headers = {"authorization": f"Basic {pair}", "content-type": "application/json"}

    def call(self, method: str, body: bytes = b"", query: str = "", **more: str) -> Answer:
        """Ask, and read the whole answer."""
        headers = {**self._headers, **{name.replace("_", "-"): v for name, v in more.items()}}
        self._http.request(method, self._path + query, body=body or None, headers=headers)
        response = self._http.getresponse()
        return Answer(response.status, response.read(), response.headers.get("content-md5"))

    def put(self, body: bytes, lock: str) -> Answer:
        """Write a state under a lock."""
        return self.call("POST", body, f"?ID={lock}", content_md5=md5(body))


@dataclass(frozen=True)
class Answer:
    """What the backend said."""

    status: int
    body: bytes
    digest: str | None


class Trips:
    """States of one size on their way there and back, one after the other."""

    def __init__(self, backend: StateBackend, serial: int, size: int) -> None:
        self._caller, self.serial = Caller(backend), serial
        self._rest = _resources(size)
        self.took: dict[str, list[float]] = {}

    def go(self, rounds: int) -> None:
        """Take the rounds. Raises RuntimeError when something is refused, or comes back changed."""
        for _ in range(rounds):
            self.serial += 1
            body = _state(self.serial, {"n": self.serial}, self._rest)
            lock = {"ID": f"trip-{self.serial}", "Operation": "OperationTypeApply"}
            self._timed("LOCK", json.dumps(lock).encode())
            self._caller.call("GET")  # Terraform reads before it writes
            began = time.perf_counter()
            if (answer := self._caller.put(body, lock["ID"])).status != 200:
                raise RuntimeError(f"a state was refused: {answer.body[:200]!r}")
            self.took.setdefault("POST", []).append(time.perf_counter() - began)
            found = self._timed("GET")
            self._timed("UNLOCK", json.dumps(lock).encode())
            if found.body != body:
                raise RuntimeError("a state came back changed")

    def _timed(self, method: str, body: bytes = b"") -> Answer:
        began = time.perf_counter()
        answer = self._caller.call(method, body)
        self.took.setdefault(method, []).append(time.perf_counter() - began)
        if answer.status != 200:
            raise RuntimeError(f"{method} was answered {answer.status}")
        return answer


@dataclass
class Outcome:
    """What many writers saw, together."""

    torn: int = 0
    backwards: int = 0
    kept: int = 0
    waited: int = 0
    last_serial: int = 0
    guard: threading.Lock = field(default_factory=threading.Lock)


def _compete(backend: StateBackend, serial: int) -> list[Figure]:
    rest = _resources(50_000)
    caller, lock = Caller(backend), {"ID": "before"}
    caller.call("LOCK", json.dumps(lock).encode())
    caller.put(_state(serial + 1, {"count": 0, "digest": _digest(0)}, rest), "before")
    caller.call("UNLOCK", json.dumps(lock).encode())
    outcome, began = Outcome(last_serial=serial), time.perf_counter()
    with ThreadPoolExecutor(WRITERS) as hands:
        list(hands.map(lambda n: _writer(backend, n, rest, outcome), range(WRITERS)))
    took = time.perf_counter() - began
    # The first connection was idle for long, and is closed by now.
    final = json.loads(Caller(backend).call("GET").body)["outputs"]["count"]["value"]
    about = (
        f"{WRITERS} writers, {WRITES} writes each: lock until it is given, get, add one, put,"
        " unlock; 50 KB"
    )
    torn = f"reads that do not parse, or whose digests do not fit; {about}"
    lost = f"writes that were taken minus what the last state counts; {about}"
    name = f"state with {WRITERS} writers"
    return [
        Figure(name, "torn", float(outcome.torn), "", 0.0, torn),
        Figure(name, "lost", float(abs(outcome.kept - final)), "", 0.0, lost),
        Figure(name, "out of order", float(outcome.backwards), "", 0.0, f"serials; {about}"),
        Figure(name, "writes a second", outcome.kept / took, "", None, about),
    ]


def _writer(backend: StateBackend, number: int, rest: bytes, outcome: Outcome) -> None:
    caller, done = Caller(backend), 0
    while done < WRITES:
        lock = {"ID": f"writer-{number}-{done}", "Who": f"writer {number}"}
        if caller.call("LOCK", json.dumps(lock).encode()).status != 200:
            time.sleep(random.uniform(0.5, 1.5))  # Terraform asks again after a second
            continue
        read = caller.call("GET")
        found = _checked(read)
        with outcome.guard:
            outcome.torn += found is None
            outcome.backwards += found is not None and found["serial"] <= outcome.last_serial
            outcome.last_serial = found["serial"] if found else outcome.last_serial
        if found is None:
            caller.call("UNLOCK", json.dumps(lock).encode())
            done += 1
            continue
        count = found["outputs"]["count"]["value"] + 1
        body = _state(found["serial"] + 1, {"count": count, "digest": _digest(count)}, rest)
        taken = caller.put(body, lock["ID"]).status == 200
        caller.call("UNLOCK", json.dumps(lock).encode())
        with outcome.guard:
            outcome.kept += taken
        done += taken


def _checked(answer: Answer) -> dict[str, object] | None:
    if answer.status != 200 or answer.digest != md5(answer.body):
        return None
    try:
        state = json.loads(answer.body)
        outputs = state["outputs"]
        fits = outputs["digest"]["value"] == _digest(outputs["count"]["value"])
    except (ValueError, KeyError):
        return None
    return state if fits else None


def _state(serial: int, outputs: dict[str, object], resources: bytes) -> bytes:
    head = {
        "version": 4,
        "terraform_version": "1.11.4",
        "serial": serial,
        "lineage": "4e6d1c2e-9d1c-7b1f-3f0a-2f6f6d1f6a10",
        "outputs": {
            name: {"value": value, "type": "number" if isinstance(value, int) else "string"}
            for name, value in outputs.items()
        },
    }
    return json.dumps(head, indent=2).encode()[:-2] + b',\n  "resources": ' + resources + b"\n}\n"


def _resources(size: int) -> bytes:
    """Resources of so many bytes in all, as Terraform writes them."""
    words = random.Random(7)
    found: list[bytes] = []
    length = 0
    while length < size:
        attributes = {
            "id": f"{words.getrandbits(64):016x}",
            "tags": {f"tag-{n}": f"{words.getrandbits(48):012x}" for n in range(20)},
            "lines": [{"at": n, "text": "überall " + "x" * 60} for n in range(18)],
        }
        resource = {
            "mode": "managed",
            "type": "terraform_data",
            "name": f"r{len(found)}",
            "provider": 'provider["terraform.io/builtin/terraform"]',
            "instances": [{"schema_version": 0, "attributes": attributes}],
        }
        text = json.dumps(resource, indent=2, ensure_ascii=False).encode()
        text += b" " * max(0, _RESOURCE - len(text))
        found.append(text)
        length += len(text) + 2
    return b"[" + b",\n".join(found) + b"]"


def md5(body: bytes) -> str:
    """As the header has it."""
    return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()


def _digest(count: int) -> str:
    return hashlib.sha256(str(count).encode()).hexdigest()
