"""How Git gets to a server and in, and what it means when it does not.

Each visit looks the host up, checks every address found, and holds Git to those: a name that
leads elsewhere a moment later has no effect.
"""

from __future__ import annotations

import asyncio
import base64
import re
import shlex
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gantry_protocol.proxies import Proxies, Proxy

from gantry.infra.git_urls import DEFAULT_PORTS, Address, is_public, private_refused
from gantry.kernel.secret import Secret
from gantry.ports.sources import RepositoryUnreachable

_MAX_DETAIL = 300  # characters: a line of a log


@dataclass(frozen=True, slots=True)
class Password:
    """Lets into https repositories."""

    user: str
    secret: Secret


@dataclass(frozen=True, slots=True)
class SshKey:
    """Lets into ssh repositories. Both are files the operator keeps; hosts must be known."""

    private_key: Path
    known_hosts: Path


Credentials = Callable[[str], Password | SshKey | None]
"""What lets into the repository at an address, if anything does."""

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The IP addresses of a host, for a port: one at least. Raises OSError when there are none."""


async def resolve_host(host: str, port: int) -> Sequence[str]:
    """What the operating system says, best first."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def proxy_to(address: Address, proxies: Proxies) -> Proxy | None:
    """The proxy that http and https repositories are reached through, if there is one."""
    if address.scheme not in ("https", "http"):
        return None
    return proxies.to(address.host, encrypted=address.scheme == "https")


async def look_up(
    address: Address, resolve: Resolve, *, allow_private: bool, proxy: Proxy | None = None
) -> Sequence[str]:
    """The host's IP addresses; none for file://, and for names that only the proxy knows.

    Raises RepositoryUnreachable when there are none, and BadRepository when one of them, any one,
    is private and that is not allowed.
    """
    if address.scheme == "file":
        return ()
    try:
        found = await resolve(address.host, address.port)
    except OSError as error:
        if proxy is not None:
            return ()
        raise RepositoryUnreachable(
            f"There is no host called {address.host}.", detail=str(error)
        ) from None
    if not allow_private and not all(is_public(ip) for ip in found):
        raise private_refused()
    return found


def pinned(address: Address, found: Sequence[str]) -> tuple[str, ...]:
    """Options that keep curl from looking the host up again."""
    by_name = ":" not in address.host and address.host not in found
    if address.scheme not in ("https", "http") or not by_name:
        return ()
    return ("-c", f"http.curloptResolve={address.host}:{address.port}:{','.join(found)}")


def access(
    address: Address, found: Sequence[str], login: Password | SshKey | None
) -> dict[str, str]:
    """Environment with which Git gets into the server.

    A password stays out of arguments, which other processes can see. It is never sent over http.
    """
    if address.scheme == "ssh":
        return _ssh(address, found[0], login if isinstance(login, SshKey) else None)
    if address.scheme != "https" or not isinstance(login, Password):
        return {}
    pair = base64.b64encode(f"{login.user}:{login.secret.reveal()}".encode()).decode()
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "http.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {pair}",
    }


def _ssh(address: Address, ip: str, key: SshKey | None) -> dict[str, str]:
    """How Git calls ssh: with nothing from the account that the server runs under."""
    alias = address.host
    if address.port != DEFAULT_PORTS["ssh"]:
        alias = f"[{alias}]:{address.port}"  # as ssh itself writes it among the known hosts
    options = {
        "BatchMode": "yes",
        "StrictHostKeyChecking": "yes",
        # The connection goes to a number; the key of the host is looked up by its name.
        "HostName": ip,
        "HostKeyAlias": alias,
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "IdentityFile": f'"{key.private_key.absolute()}"' if key else "none",
        "UserKnownHostsFile": f'"{key.known_hosts.absolute()}"' if key else "none",
    }
    # A file that is given also replaces /etc/ssh/ssh_config.
    command = ["ssh", "-F", "/dev/null"]
    for name, value in options.items():
        command += ["-o", f"{name}={value}"]
    # Git has a shell take this apart; every word in it is quoted.
    return {"GIT_SSH_COMMAND": shlex.join(command), "GIT_SSH_VARIANT": "ssh"}


_REASONS: Final = (
    (
        r"returned error: 3\d\d|unable to update url base",
        "{} redirects. Use the address it leads to; often that is the same with .git at its end.",
    ),
    (
        r"Host key verification failed",
        "The host key of {} is not among the known ones.",
    ),
    (
        r"Authentication failed|could not read (Username|Password)|returned error: 40[13]"
        r"|Permission denied",
        "{} does not let us in: it is private, or does not exist.",
    ),
    (
        r"returned error: 404|repository '.*' not found|Repository not found"
        r"|does not appear to be a git repository",
        "There is no repository at {}, or it is private.",
    ),
    (
        r"Could not resolve|onnection (refused|timed out|reset|closed)|ailed to connect"
        r"|ould(n't| not) connect|unreachable|No route to host|SSL|certificate"
        r"|returned error: 5\d\d|Operation too slow|from proxy after CONNECT|tunnel failed",
        "{} cannot be reached.",
    ),
)


_PROXY: Final = (
    (r"from proxy after CONNECT|CONNECT tunnel failed", "does not let us through"),
    (r"resolve proxy|ailed to connect|ould(n't| not) connect|onnection refused", "does not answer"),
)
"""Curl's words when it is the proxy that fails; beyond it curl connects to nobody."""


def is_known_failure(errors: str) -> bool:
    """Whether Git's words mean that the server cannot be reached or does not let us in."""
    return any(re.search(pattern, errors) for pattern, _ in _REASONS)


def unreachable(address: Address, errors: str, proxy: Proxy | None = None) -> RepositoryUnreachable:
    """The error that Git's words amount to. Its line for the log has no user or password."""
    if proxy is not None and (why := next((w for p, w in _PROXY if re.search(p, errors)), None)):
        return RepositoryUnreachable(
            f"{address.shown} cannot be reached, because the proxy {proxy.shown} {why}.",
            detail=last_words(errors),
        )
    say = next((say for pattern, say in _REASONS if re.search(pattern, errors)), None)
    message = (say or "Git could not read {}.").format(address.shown)
    return RepositoryUnreachable(message, detail=last_words(errors))


# What Git adds to every failure of ssh and file://, below the line that tells them apart.
_BOILERPLATE: Final = (
    "fatal: Could not read from remote repository.",
    "Please make sure you have the correct access rights",
    "and the repository exists.",
)


def last_words(errors: str) -> str:
    """The line in which Git says what went wrong, fit for a log."""
    lines = [line for line in errors.splitlines() if line.strip() and line not in _BOILERPLATE]
    line = re.sub(r"//[^/@\s]*@", "//", lines[-1] if lines else "")
    return "".join(c for c in line if c.isprintable())[:_MAX_DETAIL]
