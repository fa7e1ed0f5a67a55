"""What an operator opens besides the internet. Settings read it, so it loads no library."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from gantry.infra.git_urls import is_public


@dataclass(frozen=True, slots=True)
class Allowed:
    """What an operator opened besides the internet: host names, and networks."""

    names: frozenset[str] = frozenset()
    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()

    def name(self, host: str) -> bool:
        """Whether the host may be reached whatever its address: it, or one above it with a dot."""
        return host in self.names or any(
            name.startswith(".") and host.endswith(name) for name in self.names
        )

    def address(self, address: str) -> bool:
        """Whether the address may be reached: a public one, or one that was opened."""
        if is_public(address):
            return True
        ip: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(address)
        if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        return any(ip in network for network in self.networks)


def parse_allowed(entries: Iterable[str]) -> Allowed:
    """Host names (`hooks.corp`, or `.corp` for all below it), addresses and networks in CIDR.

    Raises ValueError.
    """
    names, networks = set(), []
    for entry in entries:
        try:
            networks.append(ipaddress.ip_network(entry, strict=True))
        except ValueError:
            plain = entry.removeprefix(".").replace("-", "").replace("_", "").replace(".", "")
            if not plain.isascii() or not plain.isalnum() or plain.isdecimal() or "/" in entry:
                raise ValueError(
                    "give host names, addresses, and networks such as 10.1.0.0/16"
                ) from None
            names.add(entry.lower())
    return Allowed(frozenset(names), tuple(networks))
