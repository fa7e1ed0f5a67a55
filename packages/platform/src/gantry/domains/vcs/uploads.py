"""Looking for single files in a tree that somebody uploaded, without unpacking it."""

from __future__ import annotations

import asyncio
import gzip
import tarfile
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from typing import IO, Any, cast

from gantry.ports.objects import Bucket, ObjectMissing, Objects

MAX_LOOKED_AT = 64 * 1024 * 1024
"""Bytes of an upload that is looked into: trees of code have a tenth of it."""
MAX_UNPACKED = 512 * 1024 * 1024
"""Bytes of what it unpacks to: some seconds of work."""
MAX_ENTRIES = 100_000
"""Files, directories and links in it: trees of code have a tenth of it."""
MAX_ENTRY_HEADER = 64 * 1024
"""Bytes that stand before one file's content: its long name, attributes, a map of its holes."""
_PIECE = 8 * 1024 * 1024
"""Bytes read from the storage at a time."""


class TooMuch(Exception):
    """The upload is larger than what is looked into."""


class _Bounded:
    """Reads no more than a number of bytes from a file. Raises TooMuch."""

    def __init__(self, file: IO[bytes], most: int) -> None:
        self._file = file
        self._left = most

    def read(self, size: int = -1) -> bytes:
        """As of a file."""
        data = self._file.read(size if 0 <= size <= self._left else self._left + 1)
        self._left -= len(data)
        if self._left < 0:
            raise TooMuch
        return data


class _Header:
    """The archive, while what stands before one entry's content is read. Raises TooMuch."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self._left = MAX_ENTRY_HEADER

    def read(self, size: int) -> bytes:
        """As of a file. Nothing is read of what would be too much."""
        if not 0 <= size <= self._left:
            raise TooMuch
        self._left -= size
        return cast("bytes", self.stream.read(size))

    def tell(self) -> int:
        """As of a file."""
        return cast("int", self.stream.tell())


class _Entry(tarfile.TarInfo):
    """An entry that is refused when its header is large: tarfile reads any into memory as a whole,
    and one that comes before another within a call of its own.
    """

    def _proc_member(self, tar: Any) -> tarfile.TarInfo:
        stream = tar.fileobj
        if isinstance(stream, _Header):  # one header of several that belong to one entry
            return self._read_on(tar)
        tar.fileobj = _Header(stream)
        try:
            return self._read_on(tar)
        finally:
            tar.fileobj = stream

    def _read_on(self, tar: Any) -> tarfile.TarInfo:
        return cast("tarfile.TarInfo", super()._proc_member(tar))  # type: ignore[misc]


async def files_in(
    objects: Objects, key: str, paths: Sequence[str], most: int
) -> dict[str, bytes | None]:
    """Those of the files that are in the upload, of at most `most` bytes each; None stands for a
    larger one, or no plain file. Nothing of an upload that is not there, or that is no archive:
    whoever unpacks it says so. Raises TooMuch, StorageDown.
    """
    size = await objects.size(Bucket.USER_UPLOADED_WORKSPACES, key)
    if size is None:
        return {}
    if size > MAX_LOOKED_AT:
        raise TooMuch
    with tempfile.TemporaryFile(prefix="gantry-upload-") as file:
        for start in range(0, size, _PIECE):
            end = min(start + _PIECE, size)
            try:
                piece = await objects.get_range(Bucket.USER_UPLOADED_WORKSPACES, key, start, end)
            except ObjectMissing:
                return {}
            await asyncio.to_thread(file.write, piece)
        file.seek(0)
        return await asyncio.to_thread(_search, file, paths, most)


def _search(file: IO[bytes], paths: Sequence[str], most: int) -> dict[str, bytes | None]:
    found: dict[str, bytes | None] = {}
    try:
        with gzip.GzipFile(fileobj=file) as unpacked:
            bounded = cast("IO[bytes]", _Bounded(cast("IO[bytes]", unpacked), MAX_UNPACKED))
            with tarfile.open(fileobj=bounded, mode="r|", tarinfo=_Entry) as tar:
                for entry in _entries(tar):
                    path = entry.name.removeprefix("./")
                    if path in paths:
                        found[path] = _content(tar, entry, most)
    except (tarfile.TarError, EOFError, OSError, zlib.error):
        return {}
    return found


def _entries(tar: Any) -> Iterator[tarfile.TarInfo]:
    """Each entry of the archive, none of which is kept. Raises TooMuch."""
    for _ in range(MAX_ENTRIES):
        entry = tar.next()
        if entry is None:
            return
        yield entry
        tar.members.clear()
        tar.pax_headers.clear()  # what is said of all that follow: no names, and no sizes
    if tar.next() is not None:
        raise TooMuch


def _content(tar: tarfile.TarFile, entry: tarfile.TarInfo, most: int) -> bytes | None:
    file = tar.extractfile(entry) if entry.isfile() and entry.size <= most else None
    return None if file is None else file.read()
