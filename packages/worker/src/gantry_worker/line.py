"""The way to the broker: through a proxy if there is one, encrypted, and known to be there.

The MQTT library makes connections of its own, but knows no proxy that the standard library could
not do better, and does not notice a line that is cut before the broker has answered. So the line
is made here, and the library is given a socket of this machine that leads to it.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from gantry_protocol.proxies import Proxy

CONNECT_SECONDS = 5.0
"""For the broker, or the proxy before it, to take a connection and to agree on encryption."""
PIECE = 64 * 1024


class NoLine(ConnectionError):
    """There is no way to the broker, or it was cut; the message says where and why."""


@dataclass(frozen=True)
class Target:
    """Where the line leads. `tls` is None for a plain line; `proxy_tls` is for a proxy that is
    itself spoken to over TLS.
    """

    host: str
    port: int
    tls: ssl.SSLContext | None
    proxy: Proxy | None = None
    proxy_tls: ssl.SSLContext | None = None


@dataclass
class Local:
    """The near end of a line: a socket's path, for one connection, and the line's fate."""

    path: str
    cut: asyncio.Future[None] = field(repr=False)
    """Done, with NoLine, when the far side has ended the line."""


@contextlib.asynccontextmanager
async def line(target: Target) -> AsyncIterator[Local]:
    """A line to the target while the body runs. Raises NoLine when there is none."""
    reader, writer = await _dial(target)
    cut: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    pumps: set[asyncio.Task[None]] = set()

    def cut_off(cause: BaseException | None) -> None:
        if not cut.done():
            cut.set_exception(NoLine(_why(cause) if cause else "the connection was closed"))
            cut.exception()  # looked at: nobody need wait for it

    async def forth(near: asyncio.StreamReader) -> None:
        with contextlib.suppress(OSError):  # the far side's end is told of by `back`
            while piece := await near.read(PIECE):
                writer.write(piece)
                await writer.drain()

    async def back(near: asyncio.StreamWriter) -> None:
        cause: BaseException | None = None
        try:
            while piece := await reader.read(PIECE):
                near.write(piece)
                await near.drain()
        except OSError as error:
            cause = error
        cut_off(cause)
        near.close()

    def serve(near_reader: asyncio.StreamReader, near_writer: asyncio.StreamWriter) -> None:
        pumps.add(asyncio.ensure_future(forth(near_reader)))
        pumps.add(asyncio.ensure_future(back(near_writer)))

    # A directory for this user alone: whoever may connect would speak with the broker.
    with tempfile.TemporaryDirectory(prefix="gantry-") as place:
        path = str(Path(place) / "line")
        server = await asyncio.start_unix_server(serve, path)
        try:
            yield Local(path, cut)
        finally:
            server.close()
            for task in pumps:
                task.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            writer.transport.abort()


async def _dial(target: Target) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            if target.proxy is not None:
                return await _through(target.proxy, target)
            name = target.host if target.tls else None
            return await asyncio.open_connection(
                target.host, target.port, ssl=target.tls, server_hostname=name
            )
    except TimeoutError:
        raise NoLine(f"no answer within {CONNECT_SECONDS:g} seconds") from None
    except OSError as error:
        if isinstance(error, NoLine):
            raise
        raise NoLine(_why(error)) from None


async def _through(
    proxy: Proxy, target: Target
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection that the proxy makes: RFC 9110, section 9.3.6."""
    own = target.proxy_tls if proxy.encrypted else None
    try:
        reader, writer = await asyncio.open_connection(proxy.host, proxy.port, ssl=own)
    except OSError as error:
        raise NoLine(f"the proxy {proxy.shown} cannot be reached: {_why(error)}") from None
    try:
        await _connect(proxy, target, reader, writer)
        if target.tls is not None:
            await writer.start_tls(target.tls, server_hostname=target.host)
    except BaseException:
        writer.transport.abort()
        raise
    return reader, writer


async def _connect(
    proxy: Proxy, target: Target, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    host = f"[{target.host}]" if ":" in target.host else target.host
    words = [f"CONNECT {host}:{target.port} HTTP/1.1", f"Host: {host}:{target.port}"]
    if proxy.user is not None:
        pair = base64.b64encode(f"{proxy.user}:{proxy.password or ''}".encode()).decode()
        words.append(f"Proxy-Authorization: Basic {pair}")
    writer.write("\r\n".join([*words, "", ""]).encode())
    try:
        answer = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
        raise NoLine(f"the proxy {proxy.shown} closed the connection") from None
    status = answer.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)[1:]
    if not status or not status[0].startswith("2"):
        said = "".join(c for c in " ".join(status) if c.isprintable())[:100]
        raise NoLine(f"the proxy {proxy.shown} does not let us through: {said or 'no status'}")


def _why(error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the broker's certificate is not believed: {error.verify_message.rstrip('.')}"
    if isinstance(error, ssl.SSLError) and error.reason is not None:
        said = error.reason.lower().replace("_", " ")
        return f"the broker refuses our certificate: {said}" if "alert" in said else said
    return str(error) or type(error).__name__
