"""What a client asks of a forward proxy, read from the head of its request (RFC 9112)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from gantry_worker.runtimes.egress import plain

MAX_HEAD = 64 * 1024
"""Bytes of a request's head: what common servers take, cookies and tokens included."""

_CONNECT = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:\[\]]+):(\d{1,5})")
_OURS = (
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
)
"""Fields between a client and its proxy, which go no further."""


class BadRequest(ValueError):
    """Not a request that a forward proxy answers."""


@dataclass(frozen=True, slots=True)
class Request:
    """Where to, and what to say there first: nothing for a tunnel."""

    host: str
    port: int
    opening: bytes
    tunnel: bool


def understood(head: bytes) -> Request:
    """The request whose head this is, up to and with its empty line. Raises BadRequest."""
    try:
        first, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
        method, target, version = first.split(" ")
    except ValueError:
        raise BadRequest("no request of HTTP/1") from None
    if version not in ("HTTP/1.0", "HTTP/1.1"):
        raise BadRequest("no request of HTTP/1")
    if method == "CONNECT":
        found = _CONNECT.fullmatch(target)
        if found is None or not 0 < int(found[2]) < 65536:
            raise BadRequest("no host and port to connect to")
        return Request(plain(found[1]), int(found[2]), b"", tunnel=True)
    return _forwarded(method, target, lines)


def _forwarded(method: str, target: str, lines: list[str]) -> Request:
    try:
        parts = urlsplit(target)
        port = parts.port or 80
    except ValueError:
        raise BadRequest("no address that can be read") from None
    if parts.scheme.lower() != "http" or not parts.hostname:
        raise BadRequest("an address that does not begin with http://")
    path = target.partition("://")[2]
    path = path[len(parts.netloc) :] or "/"
    path = path if path.startswith("/") else f"/{path}"
    kept = [line for line in lines if _name(line) not in (*_OURS, "host")]
    # The host that was judged is the one that is asked for, whatever the client's field says.
    host = parts.netloc.rpartition("@")[2]
    words = [f"{method} {path} HTTP/1.1", f"Host: {host}", *kept, "Connection: close"]
    opening = "\r\n".join([*words, "", ""]).encode("latin-1")
    return Request(plain(parts.hostname), port, opening, tunnel=False)


def answer_of_one(head: bytes) -> bytes:
    """The head of an answer, changed to say that the connection ends with it.

    The next request of this client may be for another host.
    """
    first, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    kept = [line for line in lines if _name(line) not in _OURS]
    return "\r\n".join([first, *kept, "Connection: close", "", ""]).encode("latin-1")


def is_interim(head: bytes) -> bool:
    """Whether another head follows this one (100 Continue and the like)."""
    status = head.split(b" ", 2)[1:2]
    return bool(status) and status[0].startswith(b"1") and status[0] != b"101"


def _name(line: str) -> str:
    return line.partition(":")[0].strip().lower()
