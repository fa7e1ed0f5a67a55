"""The binary that a run uses: found in the cache or on PATH, or downloaded and kept.

The cache holds `<tool>/<version>/<binary>`. Whoever can write there decides what every later run
executes: it must not be writable by the commands of a run.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog
from gantry_protocol.versions import best, parse, pinned, satisfies

from gantry_worker.tools.mirror import (
    COMMAND,
    Mirror,
    MirrorRefused,
    ToolName,
    fetch_binary,
    listed_versions,
    shown,
)
from gantry_worker.tools.terraform import automation_env, version_args, version_in

log = structlog.get_logger()

UNSIGNED = "UNSIGNED"
"""A file beside a binary that came without a checked signature."""

VERSION_SECONDS = 30
"""For `version -json`: a hundred megabytes from a cold disk, on a busy machine."""

LOCK_SECONDS = 900
"""For another run to install the same version: its download may take ten minutes."""

_Seen = tuple[str, int, int]
_versions_seen: dict[_Seen, str] = {}
"""What binaries said of themselves; a replaced one has another size or time of change."""


class NoSuchTool(Exception):
    """No binary of the wanted version; the message names every place tried and what it said."""


@dataclass(frozen=True, slots=True)
class Binary:
    """An executable and the version it is."""

    path: Path
    version: str


async def find(
    tool: ToolName, constraint: str | None, *, cache: Path, mirror: Mirror | None, path: str
) -> Binary:
    """The binary of `tool` whose version `constraint` allows.

    Looks in the cache, on `path` (as in $PATH; its relative entries are passed over), then at
    the mirror, whose newest allowed version is put into the cache. Without a constraint PATH
    comes first: whoever asks for nothing should not get a download for it.
    Raises BadConstraint (versions.py) and NoSuchTool.
    """
    best([], constraint)  # a constraint that cannot be read is refused before anything is tried
    unsigned_will_do = mirror is not None and mirror.allow_unsigned
    tried: list[str] = []
    for place in ("cache", "PATH") if constraint is not None else ("PATH", "cache"):
        if place == "cache":
            found = _in_cache(tool, constraint, cache, unsigned_will_do, tried)
        else:
            found = await _on_path(tool, constraint, path, tried)
        if found is not None:
            log.info("tool found", tool=tool, version=found.version, path=str(found.path))
            return found
    if mirror is None:
        tried.append("Mirror: none is configured.")
    else:
        try:
            return await _from_mirror(tool, constraint, cache, mirror)
        except (MirrorRefused, OSError) as cause:
            tried.append(f"Mirror {shown(mirror.base)}: {cause}.")
    wanted = f"that satisfies {constraint!r}" if constraint is not None else "of any version"
    raise NoSuchTool(f"There is no {tool} {wanted}. {' '.join(tried)}")


def _in_cache(
    tool: ToolName, constraint: str | None, cache: Path, unsigned_will_do: bool, tried: list[str]
) -> Binary | None:
    home = cache / tool
    try:
        entries = sorted(home.iterdir()) if home.is_dir() else []
    except OSError as cause:
        tried.append(f"Cache {home}: {cause.strerror}.")
        return None
    usable: list[str] = []
    unsigned: list[str] = []
    for entry in entries:
        if parse(entry.name) is None or not _executable(entry / COMMAND[tool]):
            continue
        trusted = unsigned_will_do or not (entry / UNSIGNED).exists()
        (usable if trusted else unsigned).append(entry.name)
    version = best(usable, constraint)
    if version is not None:
        return Binary(home / version / COMMAND[tool], version)
    has = f"has {', '.join(usable)}" if usable else "has none"
    if unsigned:
        has += f"; {', '.join(unsigned)} never had a signature checked and is not used"
    tried.append(f"Cache {home}: {has}.")
    return None


async def _on_path(
    tool: ToolName, constraint: str | None, path: str, tried: list[str]
) -> Binary | None:
    said = []
    for folder in dict.fromkeys(path.split(os.pathsep)):
        # An empty or relative entry means the working directory: the code of a run.
        candidate = Path(folder) / COMMAND[tool]
        if not candidate.is_absolute() or not _executable(candidate):
            continue
        version = await _version_of(candidate, path)
        if version is None:
            said.append(f"{candidate} does not tell its version")
        elif constraint is None or satisfies(version, constraint):
            return Binary(candidate, version)
        else:
            said.append(f"{candidate} is {version}")
    tried.append(f"PATH: {'; '.join(said) or f'has no {COMMAND[tool]!r}'}.")
    return None


async def _from_mirror(
    tool: ToolName, constraint: str | None, cache: Path, mirror: Mirror
) -> Binary:
    if mirror.refusal is not None:
        raise MirrorRefused(mirror.refusal)
    version = pinned(constraint)  # the index need not be asked, nor even exist
    if version is None:
        listed = await listed_versions(mirror)
        version = best(listed, constraint)
        if version is None:
            raise MirrorRefused(f"lists {len(listed)} versions, none of which will do")
    return await _install(tool, version, cache, mirror)


async def _install(tool: ToolName, version: str, cache: Path, mirror: Mirror) -> Binary:
    """Fetch a version into the cache, unless another run has just done so."""
    home = cache / tool
    final = home / version
    home.mkdir(parents=True, exist_ok=True)
    async with _alone(home / f".{version}.lock"):
        present = _in_cache(tool, f"= {version}", cache, mirror.allow_unsigned, [])
        if present is not None:
            return present
        incoming = home / f".incoming-{version}"
        await _remove(incoming)  # what a crash left; whoever holds the lock may
        incoming.mkdir()
        try:
            binary = await fetch_binary(mirror, tool, version, incoming)
            says = await _ask_version(binary, os.defpath)
            if says != version:
                claim = (
                    f"says it is {says}" if says else "does not tell its version on this machine"
                )
                raise MirrorRefused(f"what it has as {version} {claim}")
            if mirror.keyring is None:
                (incoming / UNSIGNED).touch()
            await _remove(final)  # an unusable earlier one; a rename replaces only empty folders
            incoming.rename(final)
        finally:
            await _remove(incoming)
    log.info("tool installed", tool=tool, version=version, signed=mirror.keyring is not None)
    return Binary(final / COMMAND[tool], version)


async def _remove(folder: Path) -> None:
    """Make the folder not exist; it need not have."""
    with contextlib.suppress(FileNotFoundError):
        await asyncio.to_thread(shutil.rmtree, folder)


@asynccontextmanager
async def _alone(lock: Path) -> AsyncIterator[None]:
    """Hold a file lock, which also keeps out other processes and ends with ours.

    Raises MirrorRefused when another holds it for LOCK_SECONDS. The file stays: removing it
    would let a third party lock a new file while a second waits for the old one.
    """
    handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            async with asyncio.timeout(LOCK_SECONDS):
                while not _locked(handle):  # noqa: ASYNC110 - a file lock sets no event
                    await asyncio.sleep(0.2)  # downloads take seconds; nobody minds a fifth
        except TimeoutError:
            raise MirrorRefused(
                f"another run has been installing this for {LOCK_SECONDS} seconds"
            ) from None
        yield
    finally:
        os.close(handle)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


async def _version_of(binary: Path, path: str) -> str | None:
    """What a binary says of itself, asked once for as long as it stays the same file."""
    key = _identity(binary)
    if key in _versions_seen:
        return _versions_seen[key]
    version = await _ask_version(binary, path)
    if version is not None:
        _versions_seen[key] = version
    return version


def _identity(binary: Path) -> _Seen:
    status = binary.stat()
    return str(binary), status.st_mtime_ns, status.st_size


def _executable(file: Path) -> bool:
    try:
        return file.is_file() and os.access(file, os.X_OK)
    except OSError:
        return False  # in a folder that is closed to us, for one: not executable for us


async def _ask_version(binary: Path, path: str) -> str | None:
    """Run `version -json` far from any project and without our environment; None if that fails."""
    with tempfile.TemporaryDirectory(prefix="gantry-version-") as nowhere:
        try:
            process = await _started(binary, path, nowhere)
        except OSError as cause:
            log.warning("tool does not start", path=str(binary), cause=cause.strerror)
            return None
        try:
            async with asyncio.timeout(VERSION_SECONDS):
                answer, _ = await process.communicate()
        except TimeoutError:
            log.warning("tool does not tell its version in time", path=str(binary))
            return None
        finally:
            if process.returncode is None:
                # Its whole group: what is on PATH may be a script that has started others.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
    version = version_in(answer)
    return version if version is not None and parse(version) is not None else None


async def _started(binary: Path, path: str, nowhere: str) -> asyncio.subprocess.Process:
    for wait in (0.1, 0.2, 0.4, 0.8, None):
        try:
            return await asyncio.create_subprocess_exec(
                str(binary),
                *version_args(),
                cwd=nowhere,
                env={"PATH": path, "HOME": nowhere, **automation_env()},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as cause:
            # A file just written is "busy" while a process forked meanwhile still holds it open,
            # which lasts until that process has started its own program.
            if cause.errno != errno.ETXTBSY or wait is None:
                raise
            await asyncio.sleep(wait)
    raise AssertionError("the last round returns or raises")
