"""Where tools are downloaded from, and how what comes from there is checked.

A mirror is believed only as far as the publisher's signature reaches: the signature covers the
list of checksums, the list names the archive by version and platform, and the archive must
match. Nothing is unpacked before that.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import platform
import re
import shutil
import stat
import zipfile
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Literal

import httpx2
import structlog
from gantry_protocol.versions import parse

from gantry_worker.tools.signatures import BadSignature, check_signature
from gantry_worker.trust import Trust

log = structlog.get_logger()

ToolName = Literal["terraform", "opentofu"]

COMMAND: dict[ToolName, str] = {"terraform": "terraform", "opentofu": "tofu"}
"""What a tool's binary, its archives and its lists are called."""

MAX_INDEX = 32 * 1024 * 1024  # Terraform's list of every build of every version is some 2 MB
MAX_SUMS = 1024 * 1024  # a few dozen lines
MAX_SIGNATURE = 64 * 1024  # one signature has less than 1 kB
MAX_ARCHIVE = 300 * 1024 * 1024  # archives have some 30 MB today: room for ten times that
MAX_BINARY = 1024 * 1024 * 1024  # binaries have some 100 MB today: likewise

FETCH_SECONDS = 600
"""For everything about one version: 30 MB over a line of half a megabit."""

_SUM_LINE = re.compile(r"(?P<sum>[0-9a-fA-F]{64}) [ *](?P<name>\S+)")
_USERINFO = re.compile(r"//[^/?#]*@")
_ARCHES = {"x86_64": "amd64", "aarch64": "arm64", "i686": "386", "i386": "386", "armv7l": "arm"}


class MirrorRefused(Exception):
    """A mirror does not have something, or what it has is not believed; the message says why."""


@dataclass(frozen=True, slots=True)
class Mirror:
    """A place that has one tool's releases, laid out as its publisher does.

    `index` lists the versions. `keyring` is a file of the publisher's public keys; without it
    nothing is taken, unless `allow_unsigned` says that checksums alone will do.
    """

    base: str
    index: str
    keyring: Path | None = None
    allow_unsigned: bool = False
    trust: Trust = field(default=Trust(), repr=False)

    @property
    def refusal(self) -> str | None:
        """Why nothing may be taken from here; None when it may."""
        if self.keyring is None and not self.allow_unsigned:
            return (
                "not asked, because no public key is configured to check its signatures with; "
                "configure the publisher's key, or allow unsigned downloads explicitly"
            )
        return None


def mirror_for(
    tool: ToolName,
    *,
    base: str | None = None,
    index: str | None = None,
    keyring: Path | None = None,
    allow_unsigned: bool = False,
    trust: Trust | None = None,
) -> Mirror:
    """The publisher's own site, or a mirror of it at `base` with an `index.json` at its root."""
    if base is not None:
        base = base.rstrip("/")
        index = index or f"{base}/index.json"
    elif tool == "terraform":
        base = "https://releases.hashicorp.com/terraform"
        index = index or f"{base}/index.json"
    else:
        base = "https://github.com/opentofu/opentofu/releases/download"
        index = index or "https://get.opentofu.org/tofu/api.json"
    return Mirror(base, index, keyring, allow_unsigned, trust or Trust())


async def listed_versions(mirror: Mirror) -> list[str]:
    """Every version that the mirror's index names, without a leading `v`. Raises MirrorRefused.

    Both publishers' forms are read: `{"versions": {"1.5.7": …}}` and
    `{"versions": [{"id": "1.8.0"}, …]}`.
    """
    async with await _client(mirror) as client:
        data = await _read(client, mirror.index, MAX_INDEX)
    try:
        versions: Any = json.loads(data)["versions"]
        names = versions if isinstance(versions, dict) else [entry["id"] for entry in versions]
        return [str(name).removeprefix("v") for name in names]
    except (ValueError, RecursionError, LookupError, TypeError):
        raise MirrorRefused(f"{shown(mirror.index)} is not a list of versions") from None


async def fetch_binary(mirror: Mirror, tool: ToolName, version: str, into: Path) -> Path:
    """Download, check and unpack one version; the answer is the binary's path in `into`.

    `into` is an empty directory; what a failure leaves there is the caller's to remove.
    Raises MirrorRefused; OSError when `into` cannot be written.
    """
    if mirror.refusal is not None:
        raise MirrorRefused(mirror.refusal)
    if parse(version) is None:
        raise MirrorRefused(f"{version[:64]!r} is not a version")
    command = COMMAND[tool]
    place = f"{mirror.base}/{version if tool == 'terraform' else f'v{version}'}"
    stem = f"{place}/{command}_{version}"
    wanted = f"{command}_{version}_{_system()}.zip"
    async with await _client(mirror) as client:
        sums = await _read(client, f"{stem}_SHA256SUMS", MAX_SUMS)
        if mirror.keyring is None:
            log.warning(
                "downloading a tool without checking its signature", tool=tool, url=shown(place)
            )
        else:
            ending = "sig" if tool == "terraform" else "gpgsig"
            signature = await _read(client, f"{stem}_SHA256SUMS.{ending}", MAX_SIGNATURE)
            await _vouched(sums, signature, mirror.keyring, f"{stem}_SHA256SUMS")
        expected = _checksum(sums, wanted)
        if expected is None:
            raise MirrorRefused(f"{version} exists, but not for {_system()}")
        archive = into / wanted
        actual = await _download(client, f"{place}/{wanted}", archive, MAX_ARCHIVE)
    if actual != expected:
        raise MirrorRefused(
            f"{shown(place)}/{wanted} is not what the list of checksums names: "
            f"its SHA-256 is {actual}, not {expected}"
        )
    binary = await asyncio.to_thread(unpack, archive, command, into)
    archive.unlink()
    return binary


def unpack(archive: Path, command: str, into: Path) -> Path:
    """Write the one file called `command` at the archive's root to `into`, executable.

    Nothing else in the archive is looked at. Raises MirrorRefused.
    """
    target = into / command
    try:
        with zipfile.ZipFile(archive) as zipped:
            members = [info for info in zipped.infolist() if info.filename == command]
            if len(members) != 1:
                raise MirrorRefused(f"the archive has {len(members)} files called {command!r}")
            mode = members[0].external_attr >> 16  # Unix permissions and type, per APPNOTE.TXT
            if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
                raise MirrorRefused(f"{command!r} in the archive is not a plain file")
            if members[0].file_size > MAX_BINARY:
                raise MirrorRefused(f"{command!r} in the archive is larger than {MAX_BINARY} bytes")
            # zipfile stops at the declared size, so that the limit above holds.
            with zipped.open(members[0]) as packed, target.open("xb") as plain:
                shutil.copyfileobj(packed, plain, 1024 * 1024)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as cause:
        raise MirrorRefused(f"the archive cannot be unpacked: {cause}") from None
    target.chmod(0o755)
    return target


async def _vouched(sums: bytes, signature: bytes, keyring: Path, url: str) -> None:
    try:
        fingerprint = await check_signature(sums, signature, keyring)
    except BadSignature as cause:
        raise MirrorRefused(f"{shown(url)} is not believed: {cause}") from None
    log.info("the list of checksums is signed", url=shown(url), fingerprint=fingerprint)


def shown(url: str) -> str:
    """`url` for a message: without the user and password that a mirror's address may carry."""
    return _USERINFO.sub("//", url)


def _checksum(sums: bytes, name: str) -> str | None:
    for line in sums.decode("utf-8", "replace").splitlines():
        match = _SUM_LINE.fullmatch(line.strip())
        if match is not None and match["name"] == name:
            return match["sum"].lower()
    return None


def _system() -> str:
    """The platform as both publishers spell it, e.g. `linux_amd64`."""
    machine = platform.machine().lower()
    return f"{platform.system().lower()}_{_ARCHES.get(machine, machine)}"


async def _client(mirror: Mirror) -> httpx2.AsyncClient:
    verify = await asyncio.to_thread(mirror.trust.context)
    # 30 seconds without a byte is a dead line; releases on GitHub are behind one redirect.
    return httpx2.AsyncClient(timeout=30, follow_redirects=True, max_redirects=5, verify=verify)


async def _read(client: httpx2.AsyncClient, url: str, limit: int) -> bytes:
    content = b""
    async with _body(client, url, limit) as chunks:
        async for chunk in chunks:
            content += chunk
    return content


async def _download(client: httpx2.AsyncClient, url: str, path: Path, limit: int) -> str:
    """Write what is at `url` to `path`, and give its SHA-256 in hex."""
    digest = hashlib.sha256()
    file: BinaryIO = await asyncio.to_thread(path.open, "xb")
    with file:
        async with _body(client, url, limit) as chunks:
            async for chunk in chunks:
                digest.update(chunk)
                await asyncio.to_thread(file.write, chunk)
    return digest.hexdigest()


@asynccontextmanager
async def _body(
    client: httpx2.AsyncClient, url: str, limit: int
) -> AsyncIterator[AsyncIterator[bytes]]:
    try:
        async with asyncio.timeout(FETCH_SECONDS), client.stream("GET", url) as response:
            if response.status_code != 200:
                raise MirrorRefused(f"{shown(url)} answers {response.status_code}")
            yield _limited(response, url, limit)
    except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError) as cause:
        why = f"{type(cause).__name__} {cause}".strip()
        raise MirrorRefused(f"{shown(url)} cannot be read: {why}") from None


async def _limited(response: httpx2.Response, url: str, limit: int) -> AsyncIterator[bytes]:
    seen = 0
    async for chunk in response.aiter_bytes(256 * 1024):
        seen += len(chunk)
        if seen > limit:
            raise MirrorRefused(f"{shown(url)} is larger than {limit} bytes")
        yield chunk
