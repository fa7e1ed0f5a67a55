"""HTTP to addresses that people configured, which reaches nothing that only this machine may.

Names are looked up here and nowhere else: the library that speaks HTTP and TLS is handed a
connection to an address that was looked at, and the name to prove.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import httpcore2
from gantry_protocol.proxies import Proxies, Proxy

from gantry.infra.outward_allowed import Allowed
from gantry.infra.tls import Trust, why_not
from gantry.ports.outward import AddressRefused, Answer, BadAddress, Unreached

MAX_URL = 2048  # characters: what browsers and proxies pass on
MAX_REDIRECTS = 3  # http to https, a new home, and the slash at its end
_MAX_PROXY_HEAD = 16 * 1024  # bytes of a proxy's answer to CONNECT
_PORTS = {"http": 80, "https": 443}
_FOLLOWED = {"GET": frozenset({301, 302, 303, 307, 308}), "POST": frozenset({307, 308})}
_KEPT = "!#$%&'()*+,/:;=?@[]~"  # RFC 3986 section 2.2, and what is written as %XX already

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host name. Raises OSError."""


@dataclass(frozen=True, slots=True)
class _Place:
    """An address taken apart; every part was checked."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def origin(self) -> tuple[str, str, int]:
        return (self.scheme, self.host, self.port)

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def parse(url: str) -> _Place:
    """Take an address of http or https apart. Raises BadAddress, which repeats nothing of it."""
    if not url or len(url) > MAX_URL:
        raise BadAddress(f"The address is empty or longer than {MAX_URL} characters.")
    if not url.isprintable() or any(sign in url for sign in ' \\"<>^`{|}'):
        raise BadAddress("The address contains a character that has to be written as %XX.")
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname or ""
        host = host if host.isascii() else host.encode("idna").decode()
    except ValueError:  # UnicodeError as well
        raise BadAddress("The host or the port in the address is malformed.") from None
    if parts.scheme not in _PORTS or not host or host.startswith(".") or "%" in host:
        raise BadAddress("The address has not the form https://host/path.")
    if "@" in parts.netloc:
        raise BadAddress("The address contains a user or a password: put it into a header.")
    if port == 0:
        raise BadAddress("The port in the address is not one from 1 to 65535.")
    target = quote(parts.path or "/", safe=_KEPT)
    target += f"?{quote(parts.query, safe=_KEPT)}" if parts.query else ""
    return _Place(parts.scheme, host.rstrip("."), port or _PORTS[parts.scheme], target)


class OutwardHttp:
    """The port `Outward`. `resolve` is how names are looked up; the system's way if left out."""

    def __init__(
        self, *, allowed: Allowed, trust: Trust, proxies: Proxies, resolve: Resolve | None = None
    ) -> None:
        self._allowed, self._trust, self._proxies = allowed, trust, proxies
        self._resolve = resolve or _by_the_system
        self._context: ssl.SSLContext | None = None

    def check(self, url: str) -> None:
        """See the port."""
        host = parse(url).host
        if self._allowed.name(host):
            return
        if host == "localhost" or host.endswith(".localhost"):
            raise AddressRefused
        with contextlib.suppress(ValueError):
            ipaddress.ip_address(host)
            if not self._allowed.address(host):
                raise AddressRefused

    async def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str],
        private: Mapping[str, str] | None = None,
        limit: int,
        timeout: timedelta,
    ) -> Answer:
        """See the port."""
        return await self._timed("GET", url, headers, private or {}, None, limit, timeout)

    async def post(
        self,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes,
        private: Mapping[str, str] | None = None,
        limit: int,
        timeout: timedelta,
        stay: bool = False,
    ) -> Answer:
        """See the port."""
        return await self._timed(
            "POST", url, headers, private or {}, body, limit, timeout, stay=stay
        )

    async def _timed(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        private: Mapping[str, str],
        body: bytes | None,
        limit: int,
        timeout: timedelta,
        *,
        stay: bool = False,
    ) -> Answer:
        first = place = parse(url)
        try:
            async with asyncio.timeout(timeout.total_seconds()):
                for _ in range(MAX_REDIRECTS + 1):
                    sent = {**headers, **private} if place.origin == first.origin else headers
                    answer = await self._exchange(method, place, sent, body, limit)
                    onward = answer.header("location")
                    if answer.status not in _FOLLOWED[method] or not onward:
                        return answer
                    before, place = place, parse(_onward(place, onward))
                    if stay and place.origin != first.origin:
                        return answer
                    if before.scheme == "https" and place.scheme == "http":
                        raise Unreached(f"{before.host} redirects to an address without TLS.")
        except TimeoutError:
            raise Unreached(
                f"{place.host} did not answer within {timeout.total_seconds():g} seconds."
            ) from None
        raise Unreached(f"{first.host} redirects more than {MAX_REDIRECTS} times.")

    async def _exchange(
        self, method: str, place: _Place, headers: Mapping[str, str], body: bytes | None, limit: int
    ) -> Answer:
        if self._context is None:
            self._context = await asyncio.to_thread(self._trust.context)
        url = httpcore2.URL(
            scheme=place.scheme.encode(),
            host=place.host.encode(),
            port=place.port,
            target=place.target.encode(),
        )
        # Not compressed: a small answer must not become a large one, and bytes are kept as sent.
        sent = {**headers, "Host": place.authority, "Accept-Encoding": "identity"}
        way = _Way(self._allowed, self._proxies, self._resolve, self._context, place.scheme)
        try:
            async with (
                # A connection of its own: the next call looks the name up again.
                httpcore2.AsyncConnectionPool(
                    ssl_context=self._context, network_backend=way, max_keepalive_connections=0
                ) as pool,
                pool.stream(method, url, headers=_encoded(sent), content=body) as response,
            ):
                taken, cut = await _up_to(limit, response)
                named = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in response.headers]
                return Answer(response.status, [(k.lower(), v) for k, v in named], taken, cut=cut)
        except (httpcore2.NetworkError, httpcore2.TimeoutException) as error:
            cause = error.__cause__ or error.__context__
            reason = why_not(cause if isinstance(cause, OSError) else error)
            raise Unreached(f"{place.host} cannot be reached: {reason}.") from None
        except (httpcore2.ProtocolError, httpcore2.UnsupportedProtocol, ssl.SSLError) as error:
            raise Unreached(
                f"{place.host} does not speak HTTP as it should.", detail=str(error)
            ) from None


def _url(place: _Place) -> str:
    return f"{place.scheme}://{place.authority}{place.target}"


def _onward(place: _Place, location: str) -> str:
    """Where a redirect leads. Raises BadAddress."""
    try:
        return urljoin(_url(place), location)
    except ValueError:
        raise BadAddress(f"{place.host} redirects to a malformed address.") from None


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("ascii"), value.encode()) for name, value in headers.items()]


async def _up_to(limit: int, response: httpcore2.Response) -> tuple[bytes, bool]:
    taken = bytearray()
    async for piece in response.aiter_stream():
        taken += piece
        if len(taken) > limit:
            return bytes(taken[:limit]), True
    return bytes(taken), False


async def _by_the_system(host: str, port: int) -> Sequence[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class _Way(httpcore2.AsyncNetworkBackend):
    """Makes the connections of one exchange: looks names up, and goes where that leads or nowhere.

    A proxy is asked for the address that was looked at and not for the name, so that it cannot
    find another one. Only a name that the operator allows is left to it.
    """

    def __init__(
        self,
        allowed: Allowed,
        proxies: Proxies,
        resolve: Resolve,
        context: ssl.SSLContext,
        scheme: str,
    ) -> None:
        self._allowed, self._proxies, self._resolve = allowed, proxies, resolve
        self._context, self._encrypted = context, scheme == "https"
        self._lines = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """A connection for what is called `host`. Raises AddressRefused, Unreached, and the
        library's ConnectError.
        """
        proxy = self._proxies.to(host, encrypted=self._encrypted)
        if proxy is not None and self._allowed.name(host):
            return await self._through(proxy, host, port)
        refusal: httpcore2.ConnectError | None = None
        for address in await self._looked_at(host, port):
            try:
                if proxy is not None:
                    return await self._through(proxy, address, port)
                return await self._lines.connect_tcp(address, port)
            except httpcore2.ConnectError as error:
                refusal = error
        raise refusal or Unreached(f"{host} has no address.")

    async def _looked_at(self, host: str, port: int) -> Sequence[str]:
        try:
            addresses = await self._resolve(host, port)
        except (OSError, UnicodeError):
            raise Unreached(f"The name {host} is not known.") from None
        if not self._allowed.name(host):
            for address in addresses:
                # One is enough: which of them is taken would be the other side's choice.
                if not self._allowed.address(address):
                    raise AddressRefused(detail=f"host={host} address={address}")
        return addresses

    async def _through(self, proxy: Proxy, host: str, port: int) -> httpcore2.AsyncNetworkStream:
        line = await self._lines.connect_tcp(proxy.host, proxy.port)
        try:
            if proxy.encrypted:
                line = await line.start_tls(self._context, proxy.host)
            await line.write(_connect(proxy, host, port))
            head = b""
            while b"\r\n\r\n" not in head and len(head) < _MAX_PROXY_HEAD:
                piece = await line.read(1024)
                if not piece:
                    break
                head += piece
            if head.split(b" ", 2)[1:2] != [b"200"] or not head.endswith(b"\r\n\r\n"):
                raise Unreached(f"The proxy {proxy.shown} does not lead there.")
        except BaseException:
            await line.aclose()
            raise
        return line


def _connect(proxy: Proxy, host: str, port: int) -> bytes:
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    lines = [f"CONNECT {place} HTTP/1.1", f"Host: {place}"]
    if proxy.user is not None:
        pair = base64.b64encode(f"{proxy.user}:{proxy.password or ''}".encode()).decode()
        lines.append(f"Proxy-Authorization: Basic {pair}")
    return "\r\n".join([*lines, "", ""]).encode()
