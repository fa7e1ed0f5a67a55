"""The worker's end of the doorbell: it wakes, returns, and trusts nobody it should not."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from gantry.infra.broker import Admission
from gantry.infra.tls import server_context
from gantry_protocol import topics
from gantry_worker.doorbell import Doorbell, parse_endpoint
from gantry_worker.trust import Trust

from tests.support.certificates import Authority
from tests.support.doorbell import (
    House,
    build,
    eventually,
    running,
)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with running() as house:
        yield house


@dataclass
class Bell:
    """A worker's doorbell and what it was woken with."""

    doorbell: Doorbell
    woken: list[bytes | None]
    proofs: list[str]


@contextlib.asynccontextmanager
async def a_doorbell(port: int, scheme: str = "", **options: object) -> AsyncIterator[Bell]:
    proofs: list[str] = []
    woken: list[bytes | None] = []

    def proof() -> str:
        proofs.append(f"proof of ada, number {len(proofs)}")
        return proofs[-1]

    async def wake(message: bytes | None) -> None:
        woken.append(message)

    doorbell = Doorbell(
        endpoint=f"{scheme}127.0.0.1:{port}",
        namespace="gantry",
        pool_id="red",
        worker_id="ada",
        password=proof,
        **({"tls": Trust().context} | options),
    )
    running = asyncio.create_task(doorbell.run(wake))
    try:
        yield Bell(doorbell, woken, proofs)
    finally:
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running


async def test_a_doorbell_wakes_the_worker_when_it_connects_and_at_each_ring(house: House):
    async with a_doorbell(house.broker.port, "tcp://") as bell:
        await eventually(lambda: bell.woken == [None])
        await house.broker.ring("red", "ada", b"one")
        await house.broker.ring("red", "ada", b"two")
        await eventually(lambda: bell.woken == [None, b"one", b"two"])

        await bell.doorbell.say(b"busy")
        assert house.heard == [(Admission("red", "ada"), b"busy")]
    await eventually(lambda: not house.broker.connected)


async def test_a_doorbell_returns_with_a_fresh_proof_after_the_server_was_restarted():
    first = build()
    await first.broker.start()
    port = first.broker.port
    async with a_doorbell(port) as bell:
        await eventually(lambda: bell.woken == [None])
        await first.broker.stop()
        await bell.doorbell.say(b"nobody hears this")

        second = build(port=port)
        await second.broker.start()
        try:
            await eventually(lambda: bell.woken == [None, None])
            await second.broker.ring("red", "ada", b"welcome back")
            await eventually(lambda: bell.woken == [None, None, b"welcome back"])
        finally:
            await second.broker.stop()
    assert len(second.asked) == 1
    assert second.asked[0] not in first.asked
    assert first.heard == second.heard == []


async def test_a_doorbell_that_is_refused_keeps_trying_until_it_is_let_in(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    async def nobody(username: str, password: str) -> None:
        house.asked.append(password)

    with monkeypatch.context() as patch:
        patch.setattr(house, "admit", nobody)
        async with a_doorbell(house.broker.port) as bell:
            await eventually(lambda: len(house.asked) >= 2)
            assert bell.woken == []
            patch.undo()
            await eventually(lambda: bell.woken == [None])
            assert len(bell.proofs) == len(set(bell.proofs))


async def test_a_doorbell_that_is_overrun_asks_for_everything_once(house: House):
    slow = asyncio.Event()
    woken: list[bytes | None] = []

    async def wake(message: bytes | None) -> None:
        woken.append(message)
        await slow.wait()

    doorbell = Doorbell(
        endpoint=f"127.0.0.1:{house.broker.port}",
        namespace="gantry",
        pool_id="red",
        worker_id="ada",
        password=lambda: "proof of ada",
        tls=Trust().context,
    )
    running = asyncio.create_task(doorbell.run(wake))
    await eventually(lambda: woken == [None])
    for burst in range(15):
        for number in range(10):
            await house.broker.ring("red", "ada", b"%d.%d" % (burst, number))
        await asyncio.sleep(0.02)
    slow.set()
    await eventually(lambda: woken[1:] == [None])
    await house.broker.ring("red", "ada", b"afterwards")
    await eventually(lambda: woken[1:] == [None, b"afterwards"])

    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_what_the_worker_raises_when_woken_ends_its_doorbell(house: House):
    async def wake(message: bytes | None) -> None:
        raise LookupError("no such worker")

    doorbell = Doorbell(
        endpoint=f"127.0.0.1:{house.broker.port}",
        namespace="gantry",
        pool_id="red",
        worker_id="ada",
        password=lambda: "proof of ada",
        tls=Trust().context,
    )
    with pytest.raises(LookupError):
        await doorbell.run(wake)
    await eventually(lambda: not house.broker.connected)


async def test_a_doorbell_speaks_tls_with_a_server_whose_authority_it_was_given(tmp_path: Path):
    authority = Authority(tmp_path)
    context = server_context(*authority.issue("127.0.0.1"))
    large = b"x" * topics.MESSAGE_LIMIT
    async with (
        running(tls=context) as house,
        a_doorbell(house.broker.port, "tls://", tls=Trust(authority.file).context) as bell,
    ):
        await eventually(lambda: bell.woken == [None])
        await house.broker.ring("red", "ada", large)
        await eventually(lambda: bell.woken == [None, large])
        await bell.doorbell.say(large)
        assert house.heard == [(Admission("red", "ada"), large)]


async def test_a_doorbell_gives_no_proof_to_a_server_it_cannot_trust(tmp_path: Path):
    context = server_context(*Authority(tmp_path).issue("127.0.0.1"))
    attempts: list[None] = []

    def tls() -> ssl.SSLContext:
        attempts.append(None)
        return Trust().context()

    async with (
        running(tls=context) as house,
        a_doorbell(house.broker.port, "tls://", tls=tls) as bell,
    ):
        await eventually(lambda: len(attempts) >= 3)
        assert bell.woken == []
        assert bell.proofs == []
        assert house.asked == []


async def test_a_doorbell_does_not_wait_for_an_answer_from_somebody_who_hung_up(
    monkeypatch: pytest.MonkeyPatch,
):
    """A load balancer without a server behind it takes connections and closes them."""
    monkeypatch.setattr("gantry_worker.doorbell.ANSWER_SECONDS", 3600.0)
    calls: list[None] = []

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        calls.append(None)
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server, a_doorbell(server.sockets[0].getsockname()[1]) as bell:
        await eventually(lambda: len(calls) >= 3)
        assert bell.woken == []


@pytest.mark.parametrize(
    ("endpoint", "meaning"),
    [
        ("tls://gantry.example:1984", ("gantry.example", 1984, True)),
        ("tcp://10.0.0.1:1984", ("10.0.0.1", 1984, False)),
        ("gantry.example:1984", ("gantry.example", 1984, False)),
        ("tls://[::1]:1984", ("::1", 1984, True)),
    ],
)
def test_an_endpoint_says_where_and_whether_encrypted(endpoint: str, meaning: tuple):
    assert parse_endpoint(endpoint) == meaning


@pytest.mark.parametrize(
    "endpoint", ["", "gantry.example", "tls://:1984", "https://gantry.example:1984", "a:99999"]
)
def test_an_endpoint_of_another_form_is_refused(endpoint: str):
    with pytest.raises(ValueError):
        parse_endpoint(endpoint)
