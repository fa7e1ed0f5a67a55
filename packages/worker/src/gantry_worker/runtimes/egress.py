"""Where commands may connect to when the operator has listed it, as rules without any network.

A name is compared as the command wrote it, before anybody looks it up. What it leads to is
judged as well: only public addresses, unless the address itself is listed. So neither a name that
somebody else controls nor a lie of the DNS opens the operator's own network.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

VARIABLE = "GANTRY_WORKER_EGRESS"
WEB = (80, 443)
"""Ports of an entry that names none: what a forward proxy is for."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?:\.(?!-)[a-z0-9_-]{1,63})*")
_TRANSLATED = tuple(
    ipaddress.IPv6Network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16")
)
"""Addresses that carry one of version 4 in them, which may be any; RFC 6052, RFC 8215, RFC 3056."""


class BadEntry(ValueError):
    """An entry of the list that means nothing; the message quotes it."""


@dataclass(frozen=True, slots=True)
class Name:
    """A host, or with `suffix` every host below it. `port` None: the web's. Empty: every host."""

    host: str
    port: int | None
    suffix: bool = False

    def matches(self, host: str, port: int) -> bool:
        """Whether this entry means the host at that port."""
        if port not in ((self.port,) if self.port is not None else WEB):
            return False
        if self.suffix:
            return not self.host or host.endswith(f".{self.host}")
        return host == self.host


@dataclass(frozen=True, slots=True)
class Range:
    """Addresses. `port` None: the web's."""

    network: Network
    port: int | None

    def matches(self, address: Address, port: int) -> bool:
        """Whether this entry means the address at that port."""
        if port not in ((self.port,) if self.port is not None else WEB):
            return False
        return address.version == self.network.version and address in self.network


@dataclass(frozen=True, slots=True)
class AllowList:
    """What the operator has listed, and the installation's own server, which runs cannot do
    without: their state is there.
    """

    names: tuple[Name, ...] = ()
    ranges: tuple[Range, ...] = ()
    server: Name | None = None

    def knows(self, host: str, port: int) -> bool:
        """Whether a host may be looked up and asked for at all."""
        if self._is_server(host, port):
            return True
        literal = as_address(host)
        if literal is None:
            return any(name.matches(host, port) for name in self.names)
        everything = any(name.suffix and not name.host for name in self.names)
        return (everything and self.leads_to(host, port, literal)) or self._lists(literal, port)

    def leads_to(self, host: str, port: int, address: Address) -> bool:
        """Whether a host that is known may be at this address."""
        if self._is_server(host, port):
            return True
        return is_public(address) or self._lists(address, port)

    def local(self) -> list[tuple[str, int]]:
        """Listed ports of this machine itself, as addresses: programs ask no proxy for those."""
        found = [
            (str(r.network.network_address), r.port)
            for r in self.ranges
            if r.port is not None
            and r.network.num_addresses == 1
            and r.network.network_address.is_loopback
        ]
        if self.server is not None and self.server.port is not None:
            literal = as_address(self.server.host)
            if self.server.host == "localhost":
                found.append(("127.0.0.1", self.server.port))
            elif literal is not None and literal.is_loopback:
                found.append((str(literal), self.server.port))
        return sorted(set(found))

    def _is_server(self, host: str, port: int) -> bool:
        return self.server is not None and self.server.matches(host, port)

    def _lists(self, address: Address, port: int) -> bool:
        return any(range_.matches(address, port) for range_ in self.ranges)


def parse(entries: list[str], server: str | None = None) -> AllowList:
    """The list in `entries`; `server` is the address (URL) of the installation.

    Raises BadEntry.
    """
    names: list[Name] = []
    ranges: list[Range] = []
    for entry in entries:
        host, port = _split(entry)
        network = _as_network(host)
        if network is not None:
            ranges.append(Range(network, port))
        elif host == "*":
            names.append(Name("", port, suffix=True))
        elif host.startswith("*.") and _NAME.fullmatch(host[2:]):
            names.append(Name(host[2:], port, suffix=True))
        elif _NAME.fullmatch(host):
            names.append(Name(host, port))
        else:
            raise BadEntry(
                f"{entry[:100]!r} is no host name, *.suffix, address or network, with or without"
                " a port"
            )
    return AllowList(tuple(names), tuple(ranges), _server(server) if server else None)


def plain(host: str) -> str:
    """A host as it is compared: in small letters, without brackets and the dot at its end."""
    bare = host.strip("[]").lower()
    return bare if bare == "*." else bare.rstrip(".")  # `*.` is not `*`


def as_address(host: str) -> Address | None:
    """The address that a host is; None for a name. One of version 4 in version 6 is unwrapped."""
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return None
    return unwrapped(found)


def unwrapped(address: Address) -> Address:
    """`::ffff:10.0.0.1` is 10.0.0.1 by another name."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def is_public(address: Address) -> bool:
    """Whether an address is one of the internet's, for everybody and one machine."""
    if isinstance(address, ipaddress.IPv6Address) and any(address in net for net in _TRANSLATED):
        return False
    return address.is_global and not address.is_multicast


def _split(entry: str) -> tuple[str, int | None]:
    """An entry's host and port; a bare address of version 6 has colons but no port."""
    text = entry.strip().lower()
    if _as_network(text.strip("[]")) is not None:
        return text.strip("[]"), None
    host, colon, port = text.rpartition(":")
    if not colon:
        return plain(text), None
    if not (port.isascii() and port.isdecimal() and 0 < int(port) < 65536):
        raise BadEntry(f"{entry[:100]!r} ends in something that is no port")
    return plain(host), int(port)


def _as_network(host: str) -> Network | None:
    try:
        return ipaddress.ip_network(host)
    except ValueError:
        return None


def _server(url: str) -> Name:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return Name(plain(parts.hostname or ""), port)
