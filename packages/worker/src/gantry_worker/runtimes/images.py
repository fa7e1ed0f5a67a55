"""Runner images: which there are, and getting one with the registry's credentials."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import structlog

from gantry_worker.runtimes.engine import Engine, EngineAway, EngineError

log = structlog.get_logger()

Pull = Literal["always", "if-missing", "never"]

STALLED = timedelta(minutes=3)
"""Without a word of progress from the engine: it reports every second of a transfer."""
HUB = "https://index.docker.io/v1/"
"""What configurations call the registry of images that name none."""
HELPER_LIMIT = timedelta(seconds=30)  # a credential program asks its cloud for a token
MISSING = 404
LONGEST = 255  # characters of a name, as registries have it
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]*(?:/[A-Za-z0-9][A-Za-z0-9._:@-]*)*")

Say = Callable[[str], Awaitable[None]]


class NoImage(Exception):
    """The image cannot be had; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Image:
    """An image that the engine has: its id, and the variables that it sets."""

    name: str
    id: str
    variables: dict[str, str]


async def get(engine: Engine, name: str, *, pull: Pull, config_dir: Path | None, say: Say) -> Image:
    """The image of that name, pulled when the policy wants it. Raises NoImage.

    Cancelling ends a pull that is under way.
    """
    if len(name) > LONGEST or not _NAME.fullmatch(name):
        # It becomes part of an address of the engine's, and comes from whoever has a stack.
        raise NoImage(f'"{name[:LONGEST]}" is not the name of a container image.')
    try:
        found = None if pull == "always" else await _look(engine, name)
        if found is not None:
            return found
        if pull == "never":
            raise NoImage(
                f"The image {name} is not on this worker, which pulls none"
                " (GANTRY_WORKER_DOCKER_PULL)."
            )
        await say(f"Pulling the image {name}")
        await _pull(engine, name, await _credentials(name, config_dir))
        found = await _look(engine, name)
    except TimeoutError:
        seconds = STALLED.total_seconds()
        raise NoImage(f"The image {name} cannot be pulled: no progress in {seconds:g} s.") from None
    except (EngineAway, EngineError) as cause:
        raise NoImage(f"The image {name} cannot be pulled: {cause}") from None
    if found is None:
        raise NoImage(f"The image {name} cannot be pulled: the engine does not have it afterwards.")
    return found


async def _look(engine: Engine, name: str) -> Image | None:
    try:
        said = await engine.call("GET", f"/images/{name}/json")
    except EngineError as cause:
        if cause.status == MISSING:
            return None
        raise
    listed = (said.get("Config") or {}).get("Env") or []
    variables = dict(entry.partition("=")[::2] for entry in listed)
    return Image(name, said["Id"], variables)


async def _pull(engine: Engine, name: str, credentials: str | None) -> None:
    headers = {} if credentials is None else {"X-Registry-Auth": credentials}
    reference = name if "@" in name or ":" in name.rpartition("/")[2] else f"{name}:latest"
    lines = engine.lines("POST", "/images/create", query={"fromImage": reference}, headers=headers)
    while True:
        async with asyncio.timeout(STALLED.total_seconds()):
            line = await anext(lines, None)
        if line is None:
            return
        if "error" in line:
            raise EngineError(200, str(line["error"]))


def registry_of(name: str) -> str:
    """The registry that an image comes from, by the name that configurations have for it."""
    first, slash, _ = name.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost"):
        return HUB
    return HUB if first in ("docker.io", "index.docker.io") else first


async def _credentials(name: str, config_dir: Path | None) -> str | None:
    """What the configuration has for the image's registry, as the engine wants to have it.

    Raises NoImage when the configuration cannot be used: without what it promises, the
    registry's answer would mislead.
    """
    if config_dir is None:
        return None
    file, registry = config_dir / "config.json", registry_of(name)
    try:
        config = json.loads(await asyncio.to_thread(file.read_bytes))
        helper = (config.get("credHelpers") or {}).get(registry) or config.get("credsStore")
        entry = _entry(config.get("auths") or {}, registry)
        found = await _ask_helper(helper, registry) if helper else _plain(entry)
    except (OSError, ValueError, AttributeError) as cause:
        raise NoImage(
            f"The image {name} cannot be pulled: the credentials in {file} (see"
            f" SPACELIFT_DOCKER_CONFIG_DIR) cannot be used: {cause}"
        ) from None
    if found is None:
        return None
    words = json.dumps({**found, "serveraddress": registry}).encode()
    return base64.urlsafe_b64encode(words).decode()


def _entry(auths: dict[str, Any], registry: str) -> dict[str, Any]:
    for key, entry in auths.items():
        host = key.removeprefix("https://").removeprefix("http://").partition("/")[0]
        if key == registry or (registry != HUB and host == registry):
            return dict(entry)
    return {}


def _plain(entry: dict[str, Any]) -> dict[str, str] | None:
    if token := entry.get("identitytoken"):
        return {"identitytoken": token}
    if not entry.get("auth"):
        return None
    user, _, password = base64.b64decode(entry["auth"]).decode().partition(":")
    return {"username": user, "password": password}


async def _ask_helper(helper: str, registry: str) -> dict[str, str] | None:
    """Ask the program `docker-credential-<helper>`, as Docker's own command does.

    Raises OSError, ValueError.
    """
    if "/" in helper:
        raise ValueError(f"{helper!r} is not the name of a credential program")
    process = await asyncio.create_subprocess_exec(
        f"docker-credential-{helper}",
        "get",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(HELPER_LIMIT.total_seconds()):
            said, _ = await process.communicate(registry.encode())
    except TimeoutError:
        raise OSError(f"docker-credential-{helper} did not answer") from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode != 0:
        # It has none for this registry; images that are for everybody are pulled without.
        log.info("no credentials for a registry", registry=registry, helper=helper)
        return None
    answer = json.loads(said)
    if answer.get("Username") == "<token>":
        return {"identitytoken": answer["Secret"]}
    return {"username": answer["Username"], "password": answer["Secret"]}
