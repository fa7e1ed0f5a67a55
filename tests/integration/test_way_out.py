"""What goes out: through the proxy if there is one, to hosts that the operator's authority vouches
for. The names end in .test: nobody but the proxy finds them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import structlog
from gantry.infra.git import GitSources
from gantry.infra.object_stores import s3_stores
from gantry.infra.objects import RemoteObjects
from gantry.infra.tls import KeptCertificate, Trust, server_context
from gantry.kernel.ids import new_id
from gantry.ports.objects import Bucket, StorageDown
from gantry.ports.sources import BadRepository, RepositoryUnreachable
from gantry_protocol.proxies import Proxies
from gantry_worker import trust as workers
from gantry_worker.control_plane import ControlPlane, ServerAway
from gantry_worker.doorbell import Doorbell
from gantry_worker.tools.mirror import MirrorRefused, listed_versions, mirror_for

from tests.support.certificates import Authority
from tests.support.doorbell import eventually, running
from tests.support.forward_proxy import PASSWORD, ForwardProxy
from tests.support.git_repository import Repository
from tests.support.git_server import GitServer
from tests.support.object_stores import KEY_ID, SECRET, moto_server
from tests.support.platform import free_port

LOGS = Bucket.RUN_LOGS
STORE = "storehouse"  # moto takes a name with a dot for one that begins with a bucket's


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def proxy() -> Iterator[ForwardProxy]:
    with ForwardProxy() as proxy:
        yield proxy


@pytest.fixture
def way_out(proxy: ForwardProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of a process in such a network."""
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,.near.test")


# ---------------------------------------------------------------- object storage


@pytest.fixture(scope="module")
async def s3(authority: Authority) -> AsyncIterator[int]:
    """S3 behind TLS; its port."""
    context = server_context(*authority.issue(STORE, "127.0.0.1", file="s3"))
    with moto_server() as url:
        port = int(url.rpartition(":")[2])

        async def front(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            behind_reader, behind = await asyncio.open_connection("127.0.0.1", port)
            with contextlib.suppress(asyncio.CancelledError):  # asyncio would report it
                await asyncio.gather(pump(reader, behind), pump(behind_reader, writer))

        server = await asyncio.start_server(front, "127.0.0.1", 0, ssl=context)
        async with server:
            yield server.sockets[0].getsockname()[1]


async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await source.read(64 * 1024):
            target.write(piece)
            await target.drain()
    target.close()


def objects(host: str, port: int, authorities: str | None) -> RemoteObjects:
    return RemoteObjects(
        s3_stores(
            {bucket: f"gantry-{bucket}" for bucket in Bucket},
            region="us-east-1",
            endpoint=f"https://{host}:{port}",
            access_key_id=KEY_ID,
            secret_access_key=SECRET,
            allow_http=False,
            allow_invalid_certificates=False,
            authorities=authorities,
        )
    )


async def test_storage_is_believed_by_the_operators_own_authority(s3: int, authority: Authority):
    store, key = objects("127.0.0.1", s3, authority.pem), new_id()

    await store.put(LOGS, key, b"said")

    assert await store.get(LOGS, key) == b"said"
    with pytest.raises(StorageDown) as refused:
        await objects("127.0.0.1", s3, None).get(LOGS, key)
    assert "UnknownIssuer" in refused.value.detail


@pytest.mark.usefixtures("way_out")
async def test_storage_is_reached_through_the_proxy_unless_it_is_near(
    s3: int, authority: Authority, proxy: ForwardProxy
):
    key = new_id()
    await objects(STORE, s3, authority.pem).put(LOGS, key, b"said")
    assert set(proxy.asked) == {f"{STORE}:{s3}"}
    proxy.refusing = True
    with pytest.raises(StorageDown) as refused:
        await objects(STORE, s3, authority.pem).get(LOGS, key)
    assert "TunnelUnsuccessful" in refused.value.detail
    assert PASSWORD not in refused.value.detail
    proxy.asked.clear()

    assert await objects("127.0.0.1", s3, authority.pem).get(LOGS, key) == b"said"
    assert proxy.asked == []


# ---------------------------------------------------------------- Git


@pytest.fixture(scope="module")
def code(authority: Authority, tmp_path_factory) -> Iterator[GitServer]:
    place = tmp_path_factory.mktemp("code")
    Repository(place / "infra").commit({"main.tf": "1"})
    server = GitServer(place)
    context = server_context(*authority.issue("git.test", "127.0.0.1", file="git"))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with server:
        yield server


def sources(place: Path, trust: Trust, proxies: Proxies, *, private: bool = False) -> GitSources:
    return GitSources(
        allow_file=False,
        allow_private=private,
        scratch=place / "scratch",
        timeout=timedelta(seconds=60),
        trust=trust,
        proxies=proxies,
    )


async def test_git_believes_the_operators_own_authority(code, authority, tmp_path):
    url = f"https://127.0.0.1:{code.port}/smart/infra/.git"

    sha = await sources(tmp_path, Trust(authority.pem), Proxies(), private=True).head(url, "main")

    assert len(sha) == 40
    with pytest.raises(RepositoryUnreachable, match="cannot be reached"):
        await sources(tmp_path, Trust(), Proxies(), private=True).head(url, "main")


async def test_git_goes_through_the_proxy_and_tells_of_one_that_refuses(
    code, authority, proxy, tmp_path
):
    url, trust = f"https://git.test:{code.port}/smart/infra/.git", Trust(authority.pem)
    through = sources(tmp_path, trust, Proxies(https=proxy.url))
    assert len(await through.head(url, "main")) == 40
    assert proxy.hosts() == {"git.test"}

    proxy.refusing = True
    with pytest.raises(RepositoryUnreachable) as refused:
        await through.head(url, "main")
    assert f"the proxy http://127.0.0.1:{proxy.port} does not let us through" in str(refused.value)
    assert PASSWORD not in f"{refused.value} {refused.value.detail}"

    gone = sources(tmp_path, trust, Proxies(https=f"http://u:{PASSWORD}@127.0.0.1:{free_port()}"))
    with pytest.raises(
        RepositoryUnreachable, match=r"the proxy http://127\.0\.0\.1:\d+ does not answer"
    ):
        await gone.head(url, "main")


async def test_git_asks_no_proxy_for_private_addresses_and_none_for_hosts_that_are_excepted(
    code, authority, proxy, tmp_path
):
    trust = Trust(authority.pem)
    everywhere = sources(tmp_path, trust, Proxies(https=proxy.url))
    with pytest.raises(BadRepository, match="private"):
        await everywhere.head("https://10.0.0.1/infra.git", "main")
    excepted = sources(tmp_path, trust, Proxies(https=proxy.url, without=".test, 10.0.0.0/8"))
    with pytest.raises(RepositoryUnreachable, match=r"no host called git\.test"):
        await excepted.head(f"https://git.test:{code.port}/smart/infra/.git", "main")

    assert proxy.asked == []


# ---------------------------------------------------------------- workers


class _Versions(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps({"versions": {"1.5.7": {}}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def mirror(authority: Authority) -> Iterator[int]:
    """A mirror of tools, which is as good as any server with an object; its port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Versions)
    context = server_context(*authority.issue("tools.test", file="tools"))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.usefixtures("way_out")
async def test_a_worker_downloads_tools_and_objects_through_the_proxy(
    mirror: int, authority: Authority, proxy: ForwardProxy, tmp_path
):
    trust = workers.Trust(authority.file)
    known = mirror_for("terraform", base=f"https://tools.test:{mirror}", trust=trust)
    assert await listed_versions(known) == ["1.5.7"]
    server = ControlPlane("https://gantry.test", "POOL", lambda: "proof", trust=trust)
    await server.download(f"https://tools.test:{mirror}/x", tmp_path / "x", limit=1000)
    await server.close()

    assert json.loads((tmp_path / "x").read_text()) == {"versions": {"1.5.7": {}}}
    assert proxy.asked == [f"tools.test:{mirror}"] * 2
    stranger = mirror_for("terraform", base=f"https://tools.test:{mirror}")
    with pytest.raises(MirrorRefused, match="certificate"):
        await listed_versions(stranger)


@pytest.mark.usefixtures("way_out")
async def test_a_worker_says_which_proxy_keeps_it_from_the_server(authority, proxy):
    proxy.refusing = True
    server = ControlPlane(
        "https://gantry.test",
        "POOL",
        lambda: "proof",
        trust=workers.Trust(authority.file),
        proxies=Proxies(https=proxy.url),
    )
    with pytest.raises(ServerAway) as away:
        await server.ask([])
    await server.close()

    name = f"the proxy http://127.0.0.1:{proxy.port}"
    assert str(away.value) == f"{name} does not let us through: 403 Forbidden"


@contextlib.asynccontextmanager
async def a_bell(endpoint: str, proxies: Proxies, trust: workers.Trust) -> AsyncIterator[list]:
    woken: list[bytes | None] = []

    async def wake(message: bytes | None) -> None:
        woken.append(message)

    doorbell = Doorbell(
        endpoint=endpoint,
        namespace="gantry",
        pool_id="red",
        worker_id="ada",
        password=lambda: "proof of ada",
        tls=trust.context,
        proxies=proxies,
        proxy_tls=trust.context,
    )
    running = asyncio.create_task(doorbell.run(wake))
    try:
        yield woken
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
def bell_certificate(authority: Authority) -> KeptCertificate:
    return KeptCertificate(*authority.issue("mqtt.test", file="mqtt"))


async def test_a_bell_rings_through_the_proxy(bell_certificate, authority, proxy):
    proxies, trust = Proxies(https=proxy.url), workers.Trust(authority.file)
    async with running(tls=bell_certificate.context) as house:
        async with a_bell(f"tls://mqtt.test:{house.broker.port}", proxies, trust) as woken:
            await eventually(lambda: woken == [None])
            await house.broker.ring("red", "ada", b"one")
            await eventually(lambda: woken == [None, b"one"])
        assert proxy.asked == [f"mqtt.test:{house.broker.port}"]


async def test_a_bell_rings_through_a_proxy_that_speaks_tls_itself(bell_certificate, authority):
    trust = workers.Trust(authority.file)
    own = server_context(*authority.issue("127.0.0.1", file="proxy"))
    with ForwardProxy(own) as proxy:
        proxies = Proxies(https=proxy.url)
        async with running(tls=bell_certificate.context) as house:
            async with a_bell(f"tls://mqtt.test:{house.broker.port}", proxies, trust) as woken:
                await eventually(lambda: woken == [None])
            assert proxy.asked == [f"mqtt.test:{house.broker.port}"]


async def test_a_bell_that_is_dialled_plainly_takes_the_other_proxy(proxy):
    proxies = Proxies(http=proxy.url, https="http://127.0.0.1:1")
    async with (
        running() as house,
        a_bell(f"tcp://mqtt.test:{house.broker.port}", proxies, workers.Trust()) as woken,
    ):
        await eventually(lambda: woken == [None])


async def test_a_proxy_that_refuses_is_named_without_its_password(proxy):
    proxy.refusing = True
    with structlog.testing.capture_logs() as said:
        async with a_bell("tls://mqtt.test:8883", Proxies(https=proxy.url), workers.Trust()):
            await eventually(lambda: said)

    proxy_name = f"the proxy http://127.0.0.1:{proxy.port}"
    assert said[0]["reason"] == f"{proxy_name} does not let us through: 403 Forbidden"
    assert PASSWORD not in json.dumps(said)


async def test_a_proxy_that_is_not_there_or_hangs_up_is_named_as_well():
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    cases = {
        free_port(): "cannot be reached",
        server.sockets[0].getsockname()[1]: "closed the connection",
    }
    async with server:
        for port, words in cases.items():
            proxies = Proxies(https=f"http://u:{PASSWORD}@127.0.0.1:{port}")
            with structlog.testing.capture_logs() as said:
                async with a_bell("tls://mqtt.test:8883", proxies, workers.Trust()):
                    await eventually(lambda said=said: said)
            assert f"the proxy http://127.0.0.1:{port} {words}" in said[0]["reason"]
            assert PASSWORD not in json.dumps(said)
