"""News from Postgres: what is heard, by whom, and what happens when the line breaks."""

from __future__ import annotations

import asyncio
import json
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest
from gantry.infra.bus import RESYNC, WAITING_LIMIT, Bus, Notice, Subscription, read

BIN = Path("/usr/lib/postgresql/15/bin")

pytestmark = pytest.mark.skipif(not BIN.exists(), reason="PostgreSQL 15 is not installed")


class Server:
    """A Postgres of our own, in a directory that goes away."""

    def __init__(self, home: Path, port: int) -> None:
        self.home = home
        self.conninfo = f"host=127.0.0.1 port={port} user=postgres dbname=postgres"
        self._data = home / "data"
        self._settings = (
            f"-p {port} -k {home} -c listen_addresses=127.0.0.1 -c fsync=off"
            " -c shared_buffers=16MB -c max_connections=20"
        )

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            ["runuser", "-u", "postgres", "--", str(BIN / program), *arguments],
            check=True,
            cwd=self.home,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def create(self) -> None:
        self._run("initdb", "-D", str(self._data), "-A", "trust", "-E", "UTF8", "--no-sync")

    def start(self) -> None:
        log = str(self.home / "log")
        self._run("pg_ctl", "-D", str(self._data), "-w", "-l", log, "-o", self._settings, "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self._data), "-w", "-m", "immediate", "stop")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    home = Path(tempfile.mkdtemp(prefix="bus-", dir="/tmp"))  # short: it holds a Unix socket
    owner = pwd.getpwnam("postgres")
    shutil.chown(home, owner.pw_uid, owner.pw_gid)
    server = Server(home, free_port())
    server.create()
    server.start()
    yield server
    server.stop()
    shutil.rmtree(home)


@pytest.fixture
async def bus(server: Server) -> AsyncIterator[Bus]:
    bus = Bus(server.conninfo)
    # Subscribed before the bus listens, so told to start anew as soon as it does.
    async with bus.subscribe(()) as first:
        running = asyncio.create_task(bus.run())
        assert await soon(first) is RESYNC
    yield bus
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def soon(subscription: Subscription) -> object:
    async with asyncio.timeout(15):
        return await anext(subscription)


async def collect(subscription: Subscription) -> list[object]:
    async with asyncio.timeout(15):
        return [item async for item in subscription]


async def say(server: Server, *notices: Notice | str, channel: str = "gantry") -> None:
    async with await psycopg.AsyncConnection.connect(server.conninfo) as connection:
        for notice in notices:
            text = notice if isinstance(notice, str) else spelled(notice)
            await connection.execute("select pg_notify(%s, %s)", (channel, text))


def spelled(notice: Notice) -> str:
    return json.dumps({"topic": notice.topic, "id": notice.id, "payload": notice.payload})


async def cut_the_line(server: Server) -> None:
    async with await psycopg.AsyncConnection.connect(
        server.conninfo, autocommit=True
    ) as connection:
        cursor = await connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen %'"
        )
        assert await cursor.fetchall() == [(True,)]


async def test_a_notice_reaches_those_who_want_its_topic(server: Server, bus: Bus):
    runs = bus.subscribe({"run:1", "run:2"})
    pools = bus.subscribe(lambda topic: topic.startswith("pool:"))
    one = Notice("run:1", 1, {"state": "ready"})
    two = Notice("pool:9", 2, {})
    three = Notice("run:3", 3, {})
    four = Notice("run:2", 4, {"name": "Grüße 'n' \\ more"})

    await say(server, one, two, three, four)

    assert [await soon(runs), await soon(runs)] == [one, four]
    assert await soon(pools) == two
    await say(server, one, two)
    assert (await soon(runs), await soon(pools)) == (one, two)


async def test_a_notice_of_a_transaction_that_failed_is_never_heard(server: Server, bus: Bus):
    everything = bus.subscribe(lambda topic: True)
    async with await psycopg.AsyncConnection.connect(server.conninfo) as connection:
        await connection.execute(
            "select pg_notify('gantry', %s)", (spelled(Notice("run:1", 1, {})),)
        )
        await connection.rollback()
    await say(server, Notice("run:2", 2, {}))

    assert await soon(everything) == Notice("run:2", 2, {})


async def test_another_channel_is_not_heard(server: Server, bus: Bus):
    everything = bus.subscribe(lambda topic: True)
    await say(server, Notice("run:1", 1, {}), channel="other")
    await say(server, Notice("run:2", 2, {}))

    assert await soon(everything) == Notice("run:2", 2, {})


async def test_a_subscriber_hears_what_follows_its_subscription_and_not_what_came_before(
    server: Server, bus: Bus
):
    witness = bus.subscribe({"run:1"})
    await say(server, Notice("run:1", 1, {}))
    assert await soon(witness) == Notice("run:1", 1, {})

    late = bus.subscribe({"run:1"})
    await say(server, Notice("run:1", 2, {}))
    assert await soon(late) == Notice("run:1", 2, {})


async def test_when_the_connection_is_killed_everyone_is_told_to_start_anew(
    server: Server, bus: Bus
):
    runs, pools = bus.subscribe({"run:1"}), bus.subscribe(lambda topic: topic == "pool:1")
    await say(server, Notice("run:1", 1, {}))
    assert await soon(runs) == Notice("run:1", 1, {})

    await cut_the_line(server)

    assert await soon(runs) is RESYNC
    assert await soon(pools) is RESYNC
    await say(server, Notice("run:1", 2, {}), Notice("pool:1", 3, {}))
    assert await soon(runs) == Notice("run:1", 2, {})
    assert await soon(pools) == Notice("pool:1", 3, {})


async def test_a_notice_that_waits_when_the_line_breaks_is_covered_by_starting_anew(
    server: Server, bus: Bus
):
    reader, witness = bus.subscribe({"run:1"}), bus.subscribe({"run:1"})
    await say(server, Notice("run:1", 1, {}))
    assert await soon(witness) == Notice("run:1", 1, {})
    await cut_the_line(server)
    assert await soon(witness) is RESYNC

    await say(server, Notice("run:1", 2, {}), Notice("run:1", 3, {}))
    assert [await soon(witness), await soon(witness)] == [
        Notice("run:1", 2, {}),
        Notice("run:1", 3, {}),
    ]
    assert await soon(reader) is RESYNC
    await say(server, Notice("run:1", 4, {}))
    assert await soon(reader) == Notice("run:1", 4, {})


async def test_the_bus_returns_after_the_database_was_restarted(server: Server, bus: Bus):
    runs = bus.subscribe({"run:1"})
    await asyncio.to_thread(server.stop)
    await asyncio.to_thread(server.start)

    assert await soon(runs) is RESYNC
    await say(server, Notice("run:1", 1, {}))
    assert await soon(runs) == Notice("run:1", 1, {})


async def test_a_slow_subscriber_is_told_once_to_start_anew_and_others_miss_nothing(
    server: Server, bus: Bus
):
    slow, quick = bus.subscribe({"run:1"}), bus.subscribe({"run:1"})
    notices = [Notice("run:1", number, {}) for number in range(2 * WAITING_LIMIT + 10)]
    heard: list[object] = []

    async def listen() -> None:
        while len(heard) < len(notices):
            heard.append(await soon(quick))

    listening = asyncio.create_task(listen())
    for start in range(0, len(notices), 50):
        await say(server, *notices[start : start + 50])
    await listening

    assert heard == notices
    assert await soon(slow) is RESYNC
    await say(server, Notice("run:1", 9999, {}))
    assert await soon(slow) == Notice("run:1", 9999, {})


async def test_a_subscriber_may_fall_behind_by_the_limit_without_losing_anything(
    server: Server, bus: Bus
):
    slow, quick = bus.subscribe({"run:1"}), bus.subscribe({"run:1", "end"})
    notices = [Notice("run:1", number, {}) for number in range(WAITING_LIMIT)]
    await say(server, *notices[:100])
    await say(server, *notices[100:])
    for notice in notices:
        assert await soon(quick) == notice

    assert [await soon(slow) for _ in notices] == notices


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "[]",
        '{"topic": "run:1"}',
        '{"topic": 1, "id": 1, "payload": {}}',
        '{"id": "1"}',
    ],
)
async def test_something_that_cannot_be_read_makes_everyone_start_anew(
    server: Server, bus: Bus, text: str
):
    runs = bus.subscribe({"run:1"})
    await say(server, text)

    assert await soon(runs) is RESYNC
    await say(server, Notice("run:1", 1, {}))
    assert await soon(runs) == Notice("run:1", 1, {})


async def test_a_closed_subscription_ends_and_the_bus_forgets_it(server: Server, bus: Bus):
    witness = bus.subscribe({"run:1"})
    closed = bus.subscribe({"run:1"})
    waiting = asyncio.create_task(collect(closed))
    await asyncio.sleep(0)

    closed.close()
    assert await waiting == []
    await say(server, Notice("run:1", 1, {}))
    assert await soon(witness) == Notice("run:1", 1, {})
    assert await collect(closed) == []


async def test_cancelling_the_bus_gives_its_connection_back(server: Server):
    bus = Bus(server.conninfo)
    runs = bus.subscribe({"run:1"})
    running = asyncio.create_task(bus.run())
    assert await soon(runs) is RESYNC

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    async with await psycopg.AsyncConnection.connect(server.conninfo) as connection:
        async with asyncio.timeout(10):
            while True:
                cursor = await connection.execute(
                    "select count(*) from pg_stat_activity where query like 'listen %'"
                )
                if await cursor.fetchone() == (0,):
                    break


async def test_a_bus_waits_for_a_database_that_is_not_there_yet(server: Server):
    await asyncio.to_thread(server.stop)
    bus = Bus(server.conninfo)
    runs = bus.subscribe({"run:1"})
    running = asyncio.create_task(bus.run())
    await asyncio.to_thread(server.start)

    assert await soon(runs) is RESYNC
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def test_a_notice_is_read_as_it_was_written():
    notice = Notice("worker:red/ada", 7, {"why": ["a", 1, None]})
    assert read(spelled(notice)) == notice
