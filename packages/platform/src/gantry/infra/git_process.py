"""Runs one Git command shut off from the machine it runs on, and ends it with all it started.

Whatever Git could pick up from its surroundings is replaced: environment, configuration, home,
prompts, hooks. What it prints is text from strangers and only kept in bounded amounts.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from gantry.ports.sources import BadRepository

# Git's "global" configuration, the only one it reads. A file rather than `-c`, because Git takes
# `-c` away from the process that serves a file:// repository.
_CONFIG = """\
[core]
    hooksPath = /dev/null
    attributesFile = /dev/null
    # Everything is thrown away after the archive is made.
    fsync = none
    # Larger files pass through in pieces; smaller ones are held in memory whole.
    bigFileThreshold = 16m
[credential]
    helper =
[http]
    # The address was checked, the one it redirects to was not. This also turns off alternates.
    followRedirects = false
    # Bytes per second, seconds: a server that trickles is given up before the time limit.
    lowSpeedLimit = 1000
    lowSpeedTime = 30
[fetch]
    # One pack, however few objects: its size on disk is what was received.
    unpackLimit = 1
    recurseSubmodules = false
[transfer]
    bundleURI = false
[gc]
    auto = 0
[maintenance]
    auto = false
[safe]
    # file:// repositories belong to whoever develops; allowing them is a setting of its own.
    directory = *
[init]
    defaultBranch = main
[log]
    showSignature = false
[tar]
    umask = 0022
"""

_MAX_OUTPUT = 1024 * 1024  # bytes: what we ask for is a few lines; the rest is a commit's message
_MAX_ERRORS = 16 * 1024  # bytes, the last ones: the reason for a failure is in the last lines
_CHUNK = 64 * 1024  # bytes: what a pipe holds
_LOOK_EVERY = 0.1  # seconds: at 1 Gbit/s the disk gets 12 MB above the limit meanwhile


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended and what it said."""

    code: int
    output: bytes
    errors: str


def settle(
    place: Path, *, authorities: str | None = None, proxies: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Prepare an empty directory as the whole world of Git commands; their environment.

    `authorities` (PEM) are believed instead of the system's; `proxies` are variables by which
    curl finds the way out.
    """
    config = place / "gitconfig"
    config.write_text(_CONFIG)
    more = dict(proxies or {})
    if authorities is not None:
        bundle = place / "authorities.pem"
        bundle.write_text(authorities)
        more["GIT_SSL_CAINFO"] = str(bundle)
    return {
        **more,
        "PATH": os.pathsep.join(os.get_exec_path()),
        "HOME": str(place),
        "TMPDIR": str(place),
        "LC_ALL": "C",  # failures are told apart by Git's words
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": str(config),
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_CEILING_DIRECTORIES": str(place.parent),  # no repository above is ours
        "GIT_ALLOW_PROTOCOL": "",  # none, until a command names the one it needs
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "false",
        "SSH_ASKPASS": "false",
        "SSH_ASKPASS_REQUIRE": "never",
    }


async def run_git(
    *arguments: str,
    place: Path,
    env: Mapping[str, str],
    eat: Callable[[bytes], None] | None = None,
    watch: Callable[[], Awaitable[None]] | None = None,
) -> Ended:
    """Run Git in `place` and wait for its end.

    `eat` is given the output as it comes; without it the output is returned, up to 1 MiB, and
    BadRepository raised beyond. `watch` is awaited every tenth of a second and at the end. When
    either raises, or the caller is cancelled, the whole process group is killed.
    """
    process = await asyncio.create_subprocess_exec(
        "git",
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=place,
        env=env,
        start_new_session=True,
    )
    assert process.stdout is not None  # noqa: S101 - both are pipes
    assert process.stderr is not None  # noqa: S101
    output = bytearray()

    def keep(chunk: bytes) -> None:
        output.extend(chunk)
        if len(output) > _MAX_OUTPUT:
            raise BadRepository("The repository says more about this commit than can be kept.")

    saying = asyncio.create_task(_feed(process.stdout, eat or keep))
    complaining = asyncio.create_task(_last_of(process.stderr, _MAX_ERRORS))
    reading: set[asyncio.Task[None] | asyncio.Task[bytes]] = {saying, complaining}
    ended = False
    try:
        while reading:
            done, reading = await asyncio.wait(reading, timeout=_LOOK_EVERY)
            for task in done:
                task.result()
            if watch is not None:
                await watch()
        errors = complaining.result().decode(errors="replace")
        code = await process.wait()
        ended = True
        return Ended(code, bytes(output), errors)
    finally:
        if not ended:
            # Not only Git: its helpers hold the connection. They share its group, whose number
            # cannot go to another as long as one of them lives.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            saying.cancel()
            complaining.cancel()
            await asyncio.gather(saying, complaining, return_exceptions=True)
            await process.communicate()  # until the last of them has let go of the pipes


async def _feed(stream: asyncio.StreamReader, eat: Callable[[bytes], None]) -> None:
    while chunk := await stream.read(_CHUNK):
        eat(chunk)


async def _last_of(stream: asyncio.StreamReader, size: int) -> bytes:
    kept = b""
    while chunk := await stream.read(_CHUNK):
        kept = (kept + chunk)[-size:]
    return kept
