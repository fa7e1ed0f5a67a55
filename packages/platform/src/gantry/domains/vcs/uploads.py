"""Looking for single files in a tree that somebody uploaded, without unpacking it."""

from __future__ import annotations

import asyncio
import gzip
import tarfile
import tempfile
import zlib
from collections.abc import Sequence
from typing import IO, cast

from gantry.ports.objects import Bucket, ObjectMissing, Objects

MAX_LOOKED_AT = 64 * 1024 * 1024
"""Bytes of an upload that is looked into: trees of code have a tenth of it."""
MAX_UNPACKED = 512 * 1024 * 1024
"""Bytes of what it unpacks to: some seconds of work."""
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
            with tarfile.open(fileobj=bounded, mode="r|") as tar:
                for entry in tar:
                    path = entry.name.removeprefix("./")
                    if path in paths:
                        found[path] = _content(tar, entry, most)
    except (tarfile.TarError, EOFError, OSError, zlib.error):
        return {}
    return found


def _content(tar: tarfile.TarFile, entry: tarfile.TarInfo, most: int) -> bytes | None:
    file = tar.extractfile(entry) if entry.isfile() and entry.size <= most else None
    return None if file is None else file.read()
