"""Which forward proxy leads to a host: HTTP_PROXY, HTTPS_PROXY and NO_PROXY, read in one way."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from urllib.parse import unquote, urlsplit

VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
"""The three, as the deployment contract spells them. Programs look for small letters as well."""

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Proxy:
    """A forward proxy. `encrypted` is whether it is itself spoken to over TLS."""

    host: str
    port: int
    encrypted: bool
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def shown(self) -> str:
        """For messages: without user and password."""
        scheme = "https" if self.encrypted else "http"
        return f"{scheme}://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


def parse_proxy(url: str) -> Proxy:
    """A proxy from its address, `http://[user:password@]host[:port]` or with https.

    Raises ValueError, which quotes nothing of a password.
    """
    wrong = "must be http://host:port or https://host:port; a user and a password may precede host"
    try:
        parts = urlsplit(url.strip())
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        raise ValueError(wrong) from None
    if parts.scheme not in _PORTS or not parts.hostname or port is None:
        raise ValueError(wrong)
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError(wrong)
    user, password = parts.username, parts.password
    return Proxy(
        host=parts.hostname,
        port=port,
        encrypted=parts.scheme == "https",
        user=None if user is None else unquote(user),
        password=None if password is None else unquote(password),
    )


@dataclass(frozen=True, slots=True)
class Proxies:
    """What the three variables say; None and "" where one is not set."""

    http: str | None = field(default=None, repr=False)
    https: str | None = field(default=None, repr=False)
    without: str = ""

    def to(self, host: str, *, encrypted: bool) -> Proxy | None:
        """The proxy on the way to a host, for an encrypted line or a plain one; None for none.

        This machine itself is never behind a proxy. NO_PROXY is a comma list of host names, each
        with all below it, and of addresses and networks; `*` is everything.
        """
        url = self.https if encrypted else self.http
        if not url or _is_here(host):
            return None
        if any(_is_in(host.lower(), entry) for entry in self.without.lower().split(",")):
            return None
        return parse_proxy(url)

    def variables(self) -> dict[str, str]:
        """As an environment has them, in capital and in small letters: curl reads `http_proxy`
        in small letters only.
        """
        given = {"HTTP_PROXY": self.http, "HTTPS_PROXY": self.https, "NO_PROXY": self.without}
        found = {name: value for name, value in given.items() if value}
        return found | {name.lower(): value for name, value in found.items()}

    def passwords(self) -> list[str]:
        """What of the variables must not be shown: passwords, as they are and as written."""
        found = set()
        for url in (self.http, self.https):
            if url and (written := urlsplit(url).password):
                found |= {written, unquote(written)}
        return sorted(found)


def _is_here(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _is_in(host: str, entry: str) -> bool:
    entry = entry.strip().removeprefix("*").removeprefix(".") if entry.strip() != "*" else "*"
    if not entry:
        return False
    if entry == "*" or host == entry or host.endswith(f".{entry}"):
        return True
    try:
        return ip_address(host) in ip_network(entry, strict=False)
    except ValueError:
        return False
