"""Archives that strangers made: looked through first, then unpacked where they can do no harm.

Python's own "data" filter can be led out of its directory in versions that are in use
(CVE-2025-4517: names longer than a path may be), and others that are in use have none. So `tar`
unpacks, as a command of the run: where the runtime isolates, in a sandbox that sees nothing but
the archive and the workspace.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import posixpath
import tarfile
import zlib
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

from gantry_worker.endings import StepStopped
from gantry_worker.environment import SYSTEM_PATH
from gantry_worker.runtimes.base import Command, CouldNotStart
from gantry_worker.runtimes.choice import Choice
from gantry_worker.sparse import Sparse
from gantry_worker.workspace import BadWorkspace, Workspace

APART = ".gantry"
"""In a stored workspace, the directory of what is the worker's own: first of all, and nobody
else's."""
MAX_UNPACKED = 8 * 1024**3
"""Bytes a tree may unpack to: providers of a large stack take one or two."""
MAX_MEMBERS = 500_000
MAX_NAME = 4096  # bytes of a path: PATH_MAX on Linux
MAX_COMPONENT = 255  # bytes of a name: NAME_MAX on Linux
MAX_HEADER = 1024 * 1024
"""Bytes of one extended header; it names two paths and a few attributes."""
MAX_STREAM = MAX_UNPACKED + MAX_MEMBERS * 2048
"""Bytes of an archive, uncompressed: the files, and for each a header, padding and long names."""
UNPACK_LIMIT = timedelta(minutes=30)  # the largest tree on a slow network disk
COMPLAINT = 500  # characters of tar's own words that a person gets to see
_CHUNK = 64 * 1024
_PLAIN = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE, tarfile.DIRTYPE)


async def unpack(
    archive: Path,
    target: Path,
    workspace: Workspace,
    choice: Choice,
    stop: asyncio.Event,
    *,
    checked: bool,
    part: Sparse | None = None,
) -> None:
    """Unpack a tar, gzipped or not, that lies in `workspace.incoming` into `target`.

    `checked` says that a stranger made it and its members must be looked through; otherwise it
    is of this pool's own making and its links may lead where they like. Of a checked one only a
    `part` may be unpacked.
    Raises BadWorkspace, and StepStopped once `stop` is set.
    """
    if checked:
        await asyncio.to_thread(check, archive, part)
    box = choice.for_run(workspace.root, read_only=[workspace.incoming])
    into = ("-C", box.inside(target), "--no-same-owner")
    argv: tuple[str, ...] = ("tar", "-xf", box.inside(archive), *into)
    if checked:
        argv = ("tar", "-xzf", *argv[2:])
        if part is not None:
            if not part.names:
                raise BadWorkspace("The tree has none of the paths of the sparse checkout.")
            argv = (*argv, "--no-wildcards", "--no-unquote", "--", *part.names)
    else:
        # What is the worker's own has been taken out already, and stays out of commands' sight.
        argv = (*argv, "--anchored", f"--exclude={APART}")
    command = Command(argv, target, {"PATH": SYSTEM_PATH, "LANG": "C.UTF-8"})
    said = bytearray()

    async def listen(data: bytes) -> None:
        said.extend(data)
        del said[: -4 * COMPLAINT]

    try:
        ended = await box.run(
            command, output=listen, stop=stop, timeout=UNPACK_LIMIT, silence=UNPACK_LIMIT
        )
    except CouldNotStart as error:
        raise BadWorkspace(f"The tree cannot be unpacked: {error}.") from None
    if ended.reason == "stopped":
        raise StepStopped
    if ended.code != 0:
        words = said.decode("utf-8", "replace").strip()[-COMPLAINT:]
        raise BadWorkspace(f"The tree cannot be unpacked: {words or ended.reason}")


def check(archive: Path, part: Sparse | None = None) -> None:
    """Look through a gzipped tar without unpacking it. Raises BadWorkspace. Blocking.

    Refused: names that are absolute, lead out or are too long for the system; links that lead
    out, or whose target goes up again after it went down (what that means depends on other
    links); members behind a link or in place of one; devices and FIFOs; too much of anything.
    `part` is shown each member, so that it knows which to unpack.
    """
    try:
        with archive.open("rb") as raw, gzip.GzipFile(fileobj=raw) as stream:
            bounded = _Bounded(stream)
            with tarfile.open(fileobj=bounded, mode="r:") as tar:  # type: ignore[call-overload]
                _check_members(tar, part)
            bounded.expect_only_zeros()
    except (tarfile.TarError, EOFError, OSError, zlib.error, ValueError) as error:
        raise BadWorkspace(f"The tree cannot be unpacked: {error}.") from None


def _check_members(tar: tarfile.TarFile, part: Sparse | None) -> None:
    total = members = 0
    seen: set[str] = set()
    links: set[str] = set()
    while (member := tar.next()) is not None:
        tar.members.clear()  # type: ignore[attr-defined]  # or it would hold all of them
        members += 1
        if member.size < 0 or member.issparse():
            raise BadWorkspace("The tree has a member of a kind that is not taken.")
        total += member.size
        if total > MAX_UNPACKED or members > MAX_MEMBERS:
            raise BadWorkspace("The tree is too large to unpack.")
        name = _checked_name(member.name)
        if member.issym():
            if name in seen:
                raise _leads_out(member.name)
            _check_link(name, member.linkname)
        elif member.islnk():
            if _below_link(_checked_name(member.linkname), links):
                raise _leads_out(member.name)
        elif member.type not in _PLAIN:
            raise BadWorkspace(f"The tree holds a device or FIFO: {_short(member.name)}.")
        if _below_link(name, links):
            raise _leads_out(member.name)
        if part is not None:
            link = member.linkname if member.islnk() else None
            part.look(member.name, directory=member.isdir(), link=link)
        seen.add(name)
        if member.issym():
            links.add(name)


def _checked_name(name: str) -> str:
    steps = name.split("/")
    if name.startswith("/") or ".." in steps or "\0" in name:
        raise _leads_out(name)
    encoded = os.fsencode(name)
    if len(encoded) > MAX_NAME or max(map(len, encoded.split(b"/"))) > MAX_COMPONENT:
        raise BadWorkspace(f"The tree holds a name that is too long: {_short(name)}.")
    return posixpath.normpath(name)


def _check_link(name: str, target: str) -> None:
    steps = [step for step in target.split("/") if step not in ("", ".")]
    up = 0
    while up < len(steps) and steps[up] == "..":
        up += 1
    depth = name.count("/")  # directories between the link and the root of the tree
    if target.startswith("/") or "\0" in target or up > depth or ".." in steps[up:]:
        raise _leads_out(name)
    if len(os.fsencode(target)) > MAX_NAME:
        raise BadWorkspace(f"The tree holds a name that is too long: {_short(name)}.")


def _below_link(name: str, links: set[str]) -> bool:
    """Whether the name is that of a link or goes through one."""
    if not links:
        return False
    steps = name.split("/")
    return any("/".join(steps[: count + 1]) in links for count in range(len(steps)))


def _leads_out(name: str) -> BadWorkspace:
    return BadWorkspace(f"The tree holds something that leads out of it: {_short(name)}.")


def _short(name: str) -> str:
    return ascii(name if len(name) <= 100 else f"{name[:100]}…")  # 100: a line of a log


class _Bounded:
    """A stream that can be read onwards only, so much in all and so much at a time."""

    def __init__(self, stream: BinaryIO | gzip.GzipFile) -> None:
        self._stream = stream
        self._at = 0

    def tell(self) -> int:
        return self._at

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= MAX_HEADER:
            raise BadWorkspace("The tree has a header that is too large.")
        data = self._stream.read(size)
        self._at += len(data)
        if self._at > MAX_STREAM:
            raise BadWorkspace("The tree is too large to unpack.")
        return data

    def seek(self, offset: int) -> None:
        if offset < self._at:
            raise BadWorkspace("The tree's headers do not add up.")
        while self._at < offset:
            if not self.read(min(_CHUNK, offset - self._at)):
                return

    def expect_only_zeros(self) -> None:
        # Tools disagree on where an archive ends; nothing may be hidden behind its end.
        while data := self.read(_CHUNK):
            if data.strip(b"\0"):
                raise BadWorkspace("The tree goes on behind its end.")
