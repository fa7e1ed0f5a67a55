"""The doorbell on Mosquitto, configured as docs/external-broker.md shows."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import re
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path

import aiomqtt
import pytest
import structlog
from gantry.infra.external_broker import ExternalBroker, Login
from gantry.infra.pki import PoolAuthority, new_ca
from gantry.infra.pool_keys import new_pool_key
from gantry.infra.tls import Trust, present, server_context
from gantry.kernel.ids import new_id
from gantry_protocol import topics
from gantry_protocol.token import PoolToken
from gantry_worker import trust as workers
from gantry_worker.agent import Agent
from gantry_worker.doorbell import Doorbell
from gantry_worker.keys import PoolKey
from gantry_worker.runtimes import process
from gantry_worker.runtimes.choice import Choice
from gantry_worker.settings import load_settings

from tests.integration.worker.stand_in import standing_in
from tests.support.certificates import Authority
from tests.support.doorbell import eventually
from tests.support.mosquitto import Mosquitto, mosquitto
from tests.support.platform import free_port

RED, BLUE = new_id(), new_id()
ADA, BOB = new_id(), new_id()
"""A worker of the red pool, and one of the blue."""


class Site:
    """A broker, whom it believes, and whom those believe who come to it."""

    def __init__(self, place: Path) -> None:
        self.pools = PoolAuthority(*new_ca("Gantry test pools"))
        self.web = Authority(place / "web")
        self.mosquitto = Mosquitto(
            place / "mosquitto",
            free_port(),
            clients=self.pools.certificate,
            server=self.web.issue("127.0.0.1"),
        )
        self.endpoint = f"tls://127.0.0.1:{self.mosquitto.port}"
        self._keys = {pool: self._pool(pool) for pool in (RED, BLUE)}

    def _pool(self, pool: str) -> tuple[PoolKey, str]:
        key, request = new_pool_key(None)
        assert key is not None
        certificate = self.pools.issue(request, pool_id=pool).certificate_pem
        return PoolKey(base64.b64decode(key).decode()), certificate

    def shown_by(self, pool: str) -> ssl.SSLContext:
        """What a worker of the pool connects with."""
        context = workers.Trust(self.web.file).context()
        key, certificate = self._keys[pool]
        key.present(context, certificate)
        return context

    def agent(self, pool: str, api: str, place: Path) -> Agent:
        """A launcher of the pool, whose token knows nothing of a broker."""
        key, certificate = self._keys[pool]
        settings = load_settings({"SPACELIFT_TOKEN": "t", "SPACELIFT_POOL_PRIVATE_KEY": "k"})
        return Agent(
            settings.model_copy(update={"work_dir": place, "ca_bundle": self.web.file}),
            PoolToken(
                api=api,
                broker="tcp://127.0.0.1:1",
                namespace="spacelift",
                pool_id=pool,
                certificate=certificate,
            ),
            key,
            Choice("process", False, process.for_run),
            {},
            "test",
        )

    def shown_by_server(self) -> ssl.SSLContext:
        """What a server connects with."""
        context = Trust(self.web.pem).context()
        present(context, *self.pools.client("gantry-server", lasts=timedelta(hours=1)))
        return context


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    mosquitto()
    site = Site(tmp_path_factory.mktemp("external"))
    site.mosquitto.start()
    yield site
    site.mosquitto.stop()


class Server:
    """A server's end, and how often it was told that rings may have been missed."""

    def __init__(self, site: Site, context: Callable[[], ssl.SSLContext]) -> None:
        self.missed = 0
        self.standing: list[bool] = []
        self.broker = ExternalBroker(
            endpoint=site.endpoint,
            namespace="spacelift",
            login=Login(context),
            missed=self._missed,
            standing=self.standing.append,
        )

    async def _missed(self) -> None:
        self.missed += 1


@contextlib.asynccontextmanager
async def a_server(
    site: Site, context: Callable[[], ssl.SSLContext] | None = None
) -> AsyncIterator[Server]:
    server = Server(site, context or site.shown_by_server)
    running = asyncio.create_task(server.broker.run())
    try:
        yield server
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@contextlib.asynccontextmanager
async def a_worker(
    site: Site, worker: str, pool: str, tls: Callable[[], ssl.SSLContext] | None = None
) -> AsyncIterator[list[bytes | None]]:
    woken: list[bytes | None] = []

    async def wake(message: bytes | None) -> None:
        woken.append(message)

    doorbell = Doorbell(
        endpoint=site.endpoint,
        namespace="spacelift",
        pool_id=pool,
        worker_id=worker,
        password=None,
        tls=tls or (lambda: site.shown_by(pool)),
    )
    running = asyncio.create_task(doorbell.run(wake))
    try:
        yield woken
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_ring_reaches_the_worker_it_is_for_and_nobody_else(site: Site):
    async with (
        a_server(site) as server,
        a_worker(site, ADA, RED) as ada,
        a_worker(site, BOB, BLUE) as bob,
    ):
        await eventually(lambda: ada == bob == [None] and server.broker.up)
        await server.broker.ring(RED, ADA, b"for ada")
        await server.broker.ring(BLUE, BOB, b"for bob")

        await eventually(lambda: len(ada) == len(bob) == 2)
        assert (ada[1], bob[1]) == (b"for ada", b"for bob")


async def test_a_worker_cannot_listen_on_another_pools_topic(site: Site):
    async with a_server(site) as server, a_worker(site, ADA, RED) as ada:
        await eventually(lambda: ada == [None] and server.broker.up)
        spy = aiomqtt.Client(
            "127.0.0.1",
            site.mosquitto.port,
            identifier=BOB,
            tls_context=site.shown_by(BLUE),
            timeout=10,
        )
        async with spy:
            wanted = [topics.readonly("spacelift", RED, ADA), "spacelift/readonly/#", "#"]
            for topic in wanted:
                await spy.subscribe(topic, qos=1)
            await spy.subscribe(topics.readonly("spacelift", BLUE, BOB), qos=1)
            await server.broker.ring(RED, ADA, b"for ada alone")
            await eventually(lambda: ada[1:] == [b"for ada alone"])

            # Mosquitto grants the first three, and lets nothing through.
            await server.broker.ring(BLUE, BOB, b"for bob")
            assert bytes((await anext(spy.messages)).payload) == b"for bob"
            assert len(spy.messages) == 0


async def test_a_worker_cannot_ring(site: Site):
    async with a_server(site) as server, a_worker(site, ADA, RED) as ada:
        await eventually(lambda: ada == [None] and server.broker.up)
        other = aiomqtt.Client(
            "127.0.0.1", site.mosquitto.port, identifier=BOB, tls_context=site.shown_by(RED)
        )
        async with other:
            await other.publish(topics.readonly("spacelift", RED, ADA), b"false", qos=1)
        await server.broker.ring(RED, ADA, b"true")

        await eventually(lambda: ada[1:] == [b"true"])


async def test_a_worker_shows_an_external_broker_its_certificate_and_no_proof(
    site: Site, tmp_path: Path
):
    said = bytearray()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said.extend(await reader.read(4096))
        writer.close()

    context = server_context(*site.web.issue("127.0.0.1", file="listener"))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=site.pools.certificate)
    server = await asyncio.start_server(listen, "127.0.0.1", 0, ssl=context)
    registered = {
        "worker_id": ADA,
        "heartbeat_seconds": 60,
        "lease_seconds": 90,
        "poll_seconds": 60,
        "broker": f"tls://127.0.0.1:{server.sockets[0].getsockname()[1]}",
        "broker_login": "certificate",
    }
    async with server, standing_in() as there:
        there.answers["register"] = [(200, registered)]
        there.answers["goodbye"] = [(204, b"")]
        agent = site.agent(RED, there.url, tmp_path)
        running = asyncio.create_task(agent.run())
        await eventually(lambda: said)
        agent.leave()
        await running

    assert b"MQTT" in said
    assert {RED.encode(), agent.id.encode()} <= set(re.findall(rb"[0-9A-Z]{26}", said))
    assert b"eyJ" not in said  # how every JWT begins


async def test_both_sides_come_back_when_the_broker_was_restarted(site: Site):
    async with a_server(site) as server, a_worker(site, ADA, RED) as ada:
        await eventually(lambda: ada == [None] and server.broker.up)
        site.mosquitto.stop()
        await eventually(lambda: not server.broker.up)
        await server.broker.ring(RED, ADA, b"nobody hears this")
        site.mosquitto.start()

        await eventually(lambda: ada == [None, None] and server.missed == 2)
        await server.broker.ring(RED, ADA, b"welcome back")
        await eventually(lambda: ada[2:] == [b"welcome back"])
        assert server.standing[:2] == [True, False]
        assert server.standing[-1]


async def test_a_server_that_the_broker_does_not_know_is_told_why(site: Site):
    def stranger() -> ssl.SSLContext:
        context = Trust(site.web.pem).context()
        others = PoolAuthority(*new_ca("Somebody else's pools"))
        present(context, *others.client("gantry-server", lasts=timedelta(hours=1)))
        return context

    with structlog.testing.capture_logs() as said:
        async with a_server(site, stranger) as server:
            await eventually(lambda: said)
            assert not server.broker.up
            await server.broker.ring(RED, ADA, b"nothing happens")

    reason = next(line["reason"] for line in said if line["event"] == "broker away")
    assert reason.startswith("it refuses our certificate: ")


async def test_a_server_does_not_believe_a_broker_of_an_unknown_authority(site: Site):
    server = Server(site, Trust().context)

    with pytest.raises((aiomqtt.MqttError, OSError)) as refused:
        await server.broker.try_out()
    reason = await server.broker.reason(refused.value)
    assert reason.startswith("its certificate is not believed: ")


async def test_a_worker_with_a_certificate_of_another_authority_is_told_why(site: Site):
    def stranger() -> ssl.SSLContext:
        context = workers.Trust(site.web.file).context()
        others = PoolAuthority(*new_ca("Somebody else's pools"))
        present(context, *others.client("stranger", lasts=timedelta(hours=1)))
        return context

    with structlog.testing.capture_logs() as said:
        async with a_worker(site, ADA, RED, stranger) as ada:
            await eventually(lambda: said)
            assert ada == []

    assert said[0]["event"] == "doorbell not connected"
    assert said[0]["reason"].startswith("the broker refuses our certificate: ")
