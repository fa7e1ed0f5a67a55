"""Our own ports speak TLS, and take up a renewed certificate without a restart."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import ssl
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
import uvicorn
from cryptography import x509
from gantry.apps.listening import Listener
from gantry.infra.tls import BadCertificate, KeptCertificate, Trust, shake_hands, why_not
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from tests.support.certificates import Authority
from tests.support.doorbell import eventually, running

HOST = "127.0.0.1"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority")


@pytest.fixture
def kept(authority: Authority, tmp_path: Path) -> KeptCertificate:
    return KeptCertificate(*mounted(tmp_path, authority.issue(HOST, file="first")))


def mounted(place: Path, pair: tuple[Path, Path]) -> tuple[Path, Path]:
    """As Kubernetes mounts a secret: files behind a link, which is exchanged as a whole."""
    number = len(list(place.glob("..data-*")))
    data, link = place / f"..data-{number}", place / "..data"
    data.mkdir()
    for source, name in zip(pair, ("tls.crt", "tls.key"), strict=True):
        shutil.copy(source, data / name)
    (place / "new").symlink_to(data)
    (place / "new").rename(link)
    for name in ("tls.crt", "tls.key"):
        if not (place / name).is_symlink():
            (place / name).symlink_to(link / name)
    return place / "tls.crt", place / "tls.key"


def serial(file: Path) -> int:
    return x509.load_pem_x509_certificate(file.read_bytes()).serial_number


async def shown(port: int, authority: Authority) -> int:
    """The serial number of the certificate that a port shows."""
    context = Trust(authority.pem).context()
    _, writer = await asyncio.open_connection(HOST, port, ssl=context)
    der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    return x509.load_der_x509_certificate(der).serial_number


@contextlib.asynccontextmanager
async def serving(kept: KeptCertificate) -> AsyncIterator[tuple[int, Listener, asyncio.Task[None]]]:
    """An HTTP server with that certificate: its port, itself, and its life."""
    app = Starlette(routes=[Route("/", lambda request: PlainTextResponse("hello"))])
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        config = uvicorn.Config(
            app,
            log_level="error",
            lifespan="off",
            ssl_context_factory=lambda config, default: kept.context,
        )
        server = Listener(config, None)
        life = asyncio.create_task(server.serve(sockets=[sock]))
        await eventually(lambda: server.started)
        yield sock.getsockname()[1], server, life
        server.should_exit = True
        await life


@pytest.fixture
async def web(kept: KeptCertificate) -> AsyncIterator[int]:
    """The port of an HTTP server with that certificate."""
    async with serving(kept) as (port, _, _):
        yield port


async def test_a_renewed_certificate_is_shown_to_whoever_comes_next(
    web: int, kept: KeptCertificate, authority: Authority, tmp_path: Path
):
    keeping = asyncio.create_task(kept.keep(every=0.01))
    first = serial(tmp_path / "tls.crt")
    async with httpx2.AsyncClient(verify=Trust(authority.pem).context()) as http:
        assert (await http.get(f"https://{HOST}:{web}/")).text == "hello"
        assert await shown(web, authority) == first

        mounted(tmp_path, authority.issue(HOST, file="second"))
        second = serial(tmp_path / "tls.crt")
        async with asyncio.timeout(10):
            while await shown(web, authority) != second:
                await asyncio.sleep(0.01)

        # The connection from before goes on.
        assert (await http.get(f"https://{HOST}:{web}/")).text == "hello"
    assert first != second
    keeping.cancel()


async def test_the_built_in_broker_shows_a_renewed_certificate_too(
    kept: KeptCertificate, authority: Authority, tmp_path: Path
):
    async with running(tls=kept.context) as house:
        first = await shown(house.broker.port, authority)
        mounted(tmp_path, authority.issue(HOST, file="second"))

        assert kept.renew()
        assert await shown(house.broker.port, authority) == serial(tmp_path / "tls.crt") != first
        assert not kept.renew()


async def test_files_that_do_not_fit_together_change_nothing_until_they_do(
    web: int, kept: KeptCertificate, authority: Authority, tmp_path: Path
):
    first = serial(tmp_path / "tls.crt")
    certificate, key = authority.issue(HOST, file="second")
    for broken in (certificate.read_bytes(), b"", b"no certificate"):
        (tmp_path / "tls.crt").write_bytes(broken)
        assert not kept.renew()
        assert await shown(web, authority) == first
    (tmp_path / "tls.crt").unlink()
    assert not kept.renew()
    assert await shown(web, authority) == first

    shutil.copy(certificate, tmp_path / "tls.crt")
    shutil.copy(key, tmp_path / "tls.key")
    assert kept.renew()
    assert await shown(web, authority) == serial(certificate)


async def test_a_client_that_keeps_its_connection_does_not_keep_the_server_from_ending(
    kept: KeptCertificate, authority: Authority
):
    async with (
        serving(kept) as (port, server, life),
        httpx2.AsyncClient(verify=Trust(authority.pem).context()) as http,
    ):
        assert (await http.get(f"https://{HOST}:{port}/")).text == "hello"
        server.should_exit = True

        await eventually(life.done)  # asyncio itself would give the client thirty seconds


async def test_nothing_older_than_tls_1_2_is_spoken(web: int, authority: Authority):
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        context = Trust(authority.pem).context()
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = version
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.open_connection(HOST, web, ssl=context)

    context = Trust(authority.pem).context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    _, writer = await asyncio.open_connection(HOST, web, ssl=context)
    assert writer.get_extra_info("ssl_object").version() == "TLSv1.2"
    writer.close()


def encrypted(key: Path) -> Path:
    from cryptography.hazmat.primitives import serialization

    loaded = serialization.load_pem_private_key(key.read_bytes(), password=None)
    key.write_bytes(
        loaded.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"a password"),
        )
    )
    return key


def test_a_pair_that_cannot_be_used_is_refused_with_the_reason(authority: Authority, tmp_path):
    certificate, key = authority.issue(HOST, file="one")
    _, other = authority.issue(HOST, file="two")
    nowhere = tmp_path / "nowhere.pem"
    for pair, words in (
        ((certificate, other), "is not that of"),
        ((key, key), "not a certificate and its key"),
        ((certificate, encrypted(key)), "not encrypted"),
        ((nowhere, key), "No such file"),
    ):
        with pytest.raises(BadCertificate, match=words):
            KeptCertificate(*pair)


@pytest.mark.parametrize(
    ("names", "lasts", "believed", "words"),
    [
        (["elsewhere.test"], timedelta(days=9), True, "not believed: IP address mismatch"),
        ([HOST], timedelta(hours=-1), True, "not believed: certificate has expired"),
        ([HOST], timedelta(days=9), False, "not believed: unable to get local issuer"),
    ],
)
async def test_what_is_wrong_with_a_certificate_is_said_in_words(
    authority: Authority, names, lasts, believed, words
):
    kept = KeptCertificate(*authority.issue(*names, lasts=lasts))
    context = Trust(authority.pem if believed else None).context()
    async with running(tls=kept.context) as house:
        with pytest.raises(OSError) as refused:
            await shake_hands(HOST, house.broker.port, context)

    assert words in why_not(refused.value)


async def test_a_port_that_speaks_no_tls_is_told_apart():
    async with running() as house:
        with pytest.raises(OSError) as refused:
            await shake_hands(HOST, house.broker.port, Trust().context())

    assert why_not(refused.value)
