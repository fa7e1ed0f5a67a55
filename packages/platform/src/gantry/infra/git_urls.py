"""Decides which addresses, branches and SHAs may be put in front of Git.

Pure: no network, no files. An address is taken apart and every part held against a list of what
is allowed, because Git, ssh and curl each read the same text with rules of their own.
Messages never repeat the address: people paste passwords into them.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final, NoReturn

from gantry.ports.sources import BadRepository

DEFAULT_PORTS: Final = {"https": 443, "http": 80, "ssh": 22, "file": 0}

_MAX_URL = 2048  # characters: what browsers and proxies pass on; repositories' own are far shorter
_MAX_BRANCH = 255  # bytes: the longest file name, which is what a ref may become on disk
_MAX_HOST = 253  # characters: RFC 1035 section 2.3.4, written without the last dot

_URL = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://"
    r"(?:(?P<user>[^/@]*)@)?"
    r"(?P<host>\[[^\]/@]*\]|[^/:@\[\]]*)"
    r"(?::(?P<port>[^/@]*))?"
    r"(?P<path>/.*)?"
)
# The form of ssh that looks like scp: the path is relative to the user's home.
_SCP = re.compile(r"(?P<user>[^/@:]*)@(?P<host>[^/:@\[\]]*):(?P<path>.*)")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]*")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_PORT = re.compile(r"[1-9][0-9]{0,4}")
# RFC 3986 section 3.3, "pchar". `?`, `#`, quotes and backslashes have to be written as %XX.
_PATH = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})+")
_ENCODED_CONTROL = re.compile(r"%(?:[01][0-9A-Fa-f]|7[Ff])")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_NOT_IN_REFS = frozenset(" ~^:?*[\\")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a repository is; every part was checked."""

    scheme: str
    """`https`, `http`, `ssh` or `file`."""
    host: str
    """Lower case, IPv6 without brackets; empty for `file`."""
    port: int
    url: str
    """What Git is given."""
    shown: str
    """The same without the user, for messages."""


def parse(url: str, *, allow_file: bool, allow_private: bool) -> Address:
    """Take an address apart: https, ssh, or `user@host:path`.

    `file://` needs `allow_file`; `http://`, and addresses that are private by their own writing,
    need `allow_private`. Names are not looked up here. Raises BadRepository with the reason.
    """
    if not url:
        raise BadRepository("The repository's address is empty.")
    if len(url) > _MAX_URL:
        raise BadRepository(f"The repository's address is longer than {_MAX_URL} characters.")
    if not url.isascii() or not url.isprintable() or " " in url:
        raise BadRepository(
            "The repository's address contains a space, a control character or a letter outside"
            " ASCII; write those as %XX."
        )
    if "://" not in url:
        return _parse_scp(url, allow_private=allow_private)
    parts = _URL.fullmatch(url)
    if parts is None:
        _refuse_form()
    scheme = parts["scheme"].lower()
    if scheme not in DEFAULT_PORTS:
        _refuse_form()
    if scheme == "file" and not allow_file:
        raise BadRepository("file:// repositories are not allowed on this installation.")
    if scheme == "http" and not allow_private:
        raise BadRepository("Use https://: what travels over http:// can be read and changed.")
    user, path = parts["user"], parts["path"] or ""
    _check_path(path)
    if scheme == "file":
        if user is not None or parts["host"] or parts["port"] is not None:
            raise BadRepository("A file:// address has three slashes and an absolute path.")
        return Address("file", "", 0, f"file://{path}", f"file://{path}")
    _check_user(user)
    host = _check_host(parts["host"], allow_private=allow_private)
    port = _check_port(parts["port"], DEFAULT_PORTS[scheme])
    place = f"[{host}]" if ":" in host else host
    if port != DEFAULT_PORTS[scheme]:
        place += f":{port}"
    who = "" if user is None else f"{user}@"
    return Address(
        scheme, host, port, f"{scheme}://{who}{place}{path}", f"{scheme}://{place}{path}"
    )


def normalise(url: str) -> str:
    """The one way to write an address: no blanks around it, scheme and host in lower case,
    no default port, no slash at the end. Raises BadRepository for what no setting would allow.
    """
    return parse(url.strip().rstrip("/"), allow_file=True, allow_private=True).url


def check_branch(branch: str) -> None:
    """Raises BadRepository for what cannot be the name of a branch or tag.

    Source: git-check-ref-format(1); also refused are a leading dash, characters that do not show,
    and more than 255 bytes.
    """
    if not branch:
        raise BadRepository("The branch's name is empty.")
    if not branch.isprintable():  # also lone surrogates, which could not be encoded below
        raise BadRepository("The branch's name contains a character that does not show.")
    if len(branch.encode()) > _MAX_BRANCH:
        raise BadRepository(f"The branch's name is longer than {_MAX_BRANCH} bytes.")
    parts = branch.split("/")
    if (
        branch.startswith("-")
        or branch == "@"
        or branch.endswith(".")
        or ".." in branch
        or "@{" in branch
        or not _NOT_IN_REFS.isdisjoint(branch)
        or any(not part or part.startswith(".") or part.endswith(".lock") for part in parts)
    ):
        raise BadRepository(f"“{branch}” cannot be the name of a branch.")


def check_sha(sha: str) -> None:
    """Raises BadRepository unless this is a full SHA: 40 hex digits, or 64 for SHA-256."""
    if _SHA.fullmatch(sha) is None:
        raise BadRepository("A commit is named by its full SHA: 40 (or 64) digits 0-9 and a-f.")


# What is_global of Python 3.11 lets pass and must not be reached from a server.
_NOT_PUBLIC = tuple(
    ipaddress.ip_network(network)
    for network in (
        "192.0.0.0/24",  # IANA special-purpose registry; one cloud's metadata is at .192
        "192.88.99.0/24",  # RFC 7526: relays of 6to4, gone
        "168.63.129.16/32",  # Azure's host agent, a public number that leads into the machine
    )
)
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")  # RFC 4291 section 2.4: all that is routed
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 address in the last 32 bits


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the open internet.

    No for private, loopback, link-local, shared, multicast and reserved ranges, for clouds'
    metadata services, and for IPv6 addresses that carry such an IPv4 address inside.
    Raises ValueError for what is not an IP address.
    """
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv4Address):
        return (
            ip.is_global
            and not ip.is_multicast
            and not any(ip in network for network in _NOT_PUBLIC)
        )
    if ip.ipv4_mapped is not None:
        return is_public(str(ip.ipv4_mapped))
    if ip in _NAT64:
        return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
    # 6to4 and Teredo are refused whole: both tunnel to an IPv4 address and nobody serves Git there.
    tunnel = ip.sixtofour is not None or ip.teredo is not None
    return ip in _GLOBAL_UNICAST and ip.is_global and not tunnel


def private_refused() -> BadRepository:
    """The error for an address, or a name, behind which something private is."""
    return BadRepository(
        "The repository's address leads to a private network or to this machine, which this"
        " installation does not allow."
    )


def _refuse_form() -> NoReturn:
    raise BadRepository(
        "The repository's address has none of the forms https://host/path, ssh://user@host/path"
        " and user@host:path."
    )


def _parse_scp(url: str, *, allow_private: bool) -> Address:
    parts = _SCP.fullmatch(url)
    if parts is None:
        _refuse_form()
    user, path = parts["user"], parts["path"]
    if path.startswith((":", "-")):
        _refuse_form()
    _check_path(path)
    _check_user(user)
    host = _check_host(parts["host"], allow_private=allow_private)
    return Address("ssh", host, DEFAULT_PORTS["ssh"], f"{user}@{host}:{path}", f"{host}:{path}")


def _check_user(user: str | None) -> None:
    if user is None:
        return
    if ":" in user:
        raise BadRepository(
            "The repository's address contains a password. Addresses are shown to everybody who"
            " sees the stack: take it out, and replace the password, since it was sent here."
        )
    if _USER.fullmatch(user) is None:
        raise BadRepository("The user in the repository's address is not one Git can use.")


def _check_host(host: str, *, allow_private: bool) -> str:
    """The host in lower case, IPv6 without brackets."""
    host = host.lower()
    if host.startswith("["):
        try:
            literal = str(ipaddress.IPv6Address(host[1:-1]))
        except ValueError:
            raise BadRepository("The IPv6 address of the repository is malformed.") from None
        if "%" in literal:
            raise BadRepository("An IPv6 address with a zone belongs to one machine only.")
    else:
        labels = host.split(".")
        if len(host) > _MAX_HOST or any(_LABEL.fullmatch(label) is None for label in labels):
            raise BadRepository("The host in the repository's address is malformed.")
        if _NUMBER.fullmatch(labels[-1]) is None:
            if labels[-1] == "localhost" and not allow_private:
                raise private_refused()
            return host
        # Resolvers also read 2130706433, 0x7f.1 and 0177.0.0.1 as addresses; here nobody does.
        try:
            literal = str(ipaddress.IPv4Address(host))
        except ValueError:
            raise BadRepository(
                "Write the IP address in the repository's address as four decimal numbers."
            ) from None
    if not allow_private and not is_public(literal):
        raise private_refused()
    return literal


def _check_port(port: str | None, default: int) -> int:
    if port is None:
        return default
    if _PORT.fullmatch(port) is None or int(port) > 65535:
        raise BadRepository("The port in the repository's address is not one from 1 to 65535.")
    return int(port)


def _check_path(path: str) -> None:
    if not path.strip("/"):
        raise BadRepository("The repository's address names a host and no repository.")
    if _PATH.fullmatch(path) is None:
        raise BadRepository(
            "The path in the repository's address contains a character that has to be written"
            " as %XX."
        )
    if _ENCODED_CONTROL.search(path):
        raise BadRepository("The path in the repository's address contains a control character.")
