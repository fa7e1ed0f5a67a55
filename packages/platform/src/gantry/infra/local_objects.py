"""Object storage in a directory, for installations on one machine.

Objects are files under `<root>/<bucket>/<key>`. What is being written lives in
`<root>/.incoming` and is renamed into place when it is whole and on the disk, so that a
reader, a crash or a lost connection never finds half an object. (obstore's own LocalStore
renames too, but does not wait for the disk.)
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import secrets
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, ParamSpec, TypeVar

from gantry.infra.object_rules import check_key, check_lasts, check_range
from gantry.infra.signed_urls import Check, Sign, check_signed_url, signed_url
from gantry.kernel.errors import TooLarge
from gantry.ports.objects import Bucket, ObjectMissing, StorageDown

CHUNK = 256 * 1024  # bytes per read: few changes of thread per megabyte, little memory per reader
ABANDONED_AFTER = timedelta(days=1)  # no upload URL is meant to be in use for that long
RETENTION = {
    Bucket.DELIVERIES: timedelta(days=1),
    Bucket.LARGE_QUEUE_MESSAGES: timedelta(days=2),
    Bucket.METADATA: timedelta(days=2),
    Bucket.POLICY_INPUTS: timedelta(days=7),
    Bucket.UPLOADS: timedelta(days=1),
    Bucket.USER_UPLOADED_WORKSPACES: timedelta(days=2),
}
"""How long each bucket keeps what (deployment contract, "Object storage"). Logs and workspaces go
with their runs, states and modules never; a preview's upload has to outlast its wait in a queue."""
_INCOMING = ".incoming"  # no bucket and no key begins with a dot
_RENAMES = 5  # a delete may take the emptied directory away between making it and using it

_ABSENT = (FileNotFoundError, NotADirectoryError, IsADirectoryError)

P = ParamSpec("P")
T = TypeVar("T")


class LocalObjects:
    """The `Objects` port on a directory, and what the HTTP door needs to serve its URLs.

    Every method takes only keys that pass `check_key`, and raises ValueError for others.
    """

    def __init__(
        self,
        root: Path,
        *,
        base_url: str,
        sign: Sign,
        check: Check,
        clock: Callable[[], datetime],
    ) -> None:
        self._root = root
        self._base_url = base_url
        self._sign = sign
        self._check = check
        self._clock = clock

    async def put(self, bucket: Bucket, key: str, data: bytes) -> None:
        """Store the object whole or not at all. Raises StorageDown."""
        target = self._path(bucket, key)
        incoming = _Incoming(self._root)

        def store() -> None:
            try:
                incoming.write(data)
                incoming.keep(target)
            finally:
                incoming.drop()

        await _on_disk(store)

    async def put_pieces(self, bucket: Bucket, key: str, pieces: AsyncIterator[bytes]) -> None:
        """Store the object whole or not at all, out of pieces. Raises StorageDown, and whatever
        `pieces` raises.
        """
        incoming = _Incoming(self._root)
        target = self._path(bucket, key)
        try:
            async for piece in pieces:
                await _on_disk(incoming.write, piece)
            await _on_disk(incoming.keep, target)
        finally:
            await _on_disk(incoming.drop)

    async def get(self, bucket: Bucket, key: str) -> bytes:
        """The object's bytes. Raises ObjectMissing, StorageDown."""
        return self._found(await _on_disk(_read, self._path(bucket, key)), bucket, key)

    async def get_range(self, bucket: Bucket, key: str, start: int, end: int) -> bytes:
        """Bytes `start` up to but without `end`, fewer where the object ends before.

        Raises ObjectMissing, StorageDown; ValueError when the range runs backwards.
        """
        check_range(start, end)
        data = await _on_disk(_read, self._path(bucket, key), start, end)
        return self._found(data, bucket, key)

    async def size(self, bucket: Bucket, key: str) -> int | None:
        """The object's size in bytes; None when it does not exist. Raises StorageDown."""
        size = await _on_disk(_size, self._path(bucket, key))
        if size is None and (blocked := self._blocked(bucket)):
            raise blocked
        return size

    async def delete(self, bucket: Bucket, key: str) -> None:
        """Make the object not exist; it need not have. Raises StorageDown."""
        if blocked := self._blocked(bucket):
            raise blocked
        await _on_disk(_delete, self._path(bucket, key), self._root / bucket)

    async def download_url(self, bucket: Bucket, key: str, *, lasts: timedelta) -> str:
        """A URL that gives the object to whoever has it, until it expires."""
        return self._url("GET", bucket, key, lasts)

    async def upload_url(self, bucket: Bucket, key: str, *, lasts: timedelta) -> str:
        """A URL to which whoever has it may PUT the object, until it expires."""
        return self._url("PUT", bucket, key, lasts)

    @property
    def upload_headers(self) -> Mapping[str, str]:
        """None: our own door asks for nothing."""
        return {}

    def check_url(
        self, *, method: str, bucket: str, key: str, expires: str, signature: str
    ) -> None:
        """Raises BadSignedUrl unless the request is one that `…_url` allowed, and in time."""
        check_signed_url(
            self._check,
            method=method,
            bucket=bucket,
            key=key,
            expires=expires,
            signature=signature,
            now=self._clock(),
        )

    async def write_stream(
        self, bucket: Bucket, key: str, chunks: AsyncIterator[bytes], *, limit: int
    ) -> int:
        """Store the object from a stream; answers with its size in bytes.

        Raises TooLarge as soon as there are more than `limit` bytes, StorageDown, and
        whatever `chunks` raises. Then, and when cancelled, the object is as it was before.
        """
        target = self._path(bucket, key)
        incoming = _Incoming(self._root)
        size = 0
        try:
            async for chunk in chunks:
                size += len(chunk)
                if size > limit:
                    raise TooLarge(f"This upload is larger than the {limit} bytes allowed here.")
                await _on_disk(incoming.write, chunk)
            await _on_disk(incoming.keep, target)
        finally:
            await _on_disk(incoming.drop)
        return size

    def open_stream(self, bucket: Bucket, key: str, start: int = 0) -> ObjectStream:
        """The object's bytes from `start` on, a chunk at a time. Raises ObjectMissing, StorageDown.

        Opens the file at once, so that an object replaced meanwhile is still read as it was.
        """
        check_range(start, start)
        path = self._path(bucket, key)
        try:
            return ObjectStream(path.open("rb"), start)
        except _ABSENT:
            raise self._missing(bucket, key) from None
        except OSError as cause:
            raise _down(cause) from cause

    async def tidy(self) -> int:
        """Remove what is past its retention, and what a killed process left half-written.

        Answers with how many files went. Raises StorageDown.
        """
        now, gone = self._clock(), 0
        for bucket, age in RETENTION.items():
            before = (now - age).timestamp()
            gone += await _on_disk(_expire, self._root / bucket, before)
        before = (now - ABANDONED_AFTER).timestamp()
        return gone + await _on_disk(_forget, self._root / _INCOMING, before)

    def _url(self, method: str, bucket: Bucket, key: str, lasts: timedelta) -> str:
        check_key(key)
        check_lasts(lasts)
        return signed_url(
            self._sign,
            base_url=self._base_url,
            method=method,
            bucket=Bucket(bucket),
            key=key,
            expires=math.ceil((self._clock() + lasts).timestamp()),
        )

    def _found(self, data: bytes | None, bucket: Bucket, key: str) -> bytes:
        if data is None:
            raise self._missing(bucket, key)
        return data

    def _missing(self, bucket: Bucket, key: str) -> ObjectMissing | StorageDown:
        return self._blocked(bucket) or ObjectMissing(bucket, key)

    def _blocked(self, bucket: Bucket) -> StorageDown | None:
        """Where nothing at all can be kept, nobody knows whether an object is gone."""
        for place in (self._root, self._root / bucket):
            if os.path.lexists(place) and not place.is_dir():
                return StorageDown(f"not a directory path={place}")
        return None

    def _path(self, bucket: Bucket, key: str) -> Path:
        check_key(key)
        return self._root / Bucket(bucket) / key  # a door may hand over a text: no such bucket


class ObjectStream(AsyncIterator[bytes]):
    """An object being read. `size` is the whole object's, wherever the reading starts."""

    def __init__(self, file: BinaryIO, start: int) -> None:
        self._file = file
        self.size = os.fstat(file.fileno()).st_size
        file.seek(start)

    async def __anext__(self) -> bytes:
        data = b"" if self._file.closed else await _on_disk(self._file.read, CHUNK)
        if not data:
            await self.aclose()
            raise StopAsyncIteration
        return data

    async def aclose(self) -> None:
        """Let go of the file. For readers that stop before the end."""
        await _on_disk(self._file.close)


class _Incoming:
    """An object on its way: kept whole, or dropped. Safe to drop while a thread still writes."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._path = root / _INCOMING / secrets.token_hex(16)
        self._lock = threading.Lock()
        self._file: BinaryIO | None = None
        self._over = False

    def write(self, data: bytes) -> None:
        with self._lock:
            self._open().write(data)

    def keep(self, target: Path) -> None:
        with self._lock, self._open() as file:
            file.flush()
            os.fsync(file.fileno())
            for last in (False,) * (_RENAMES - 1) + (True,):
                try:
                    _make_directory(target.parent, self._root)
                    self._path.replace(target)
                    break
                except FileNotFoundError:
                    if last:
                        raise
            self._over = True
            with contextlib.suppress(FileNotFoundError):  # deleted meanwhile: nothing to keep
                _sync_directory(target.parent)

    def drop(self) -> None:
        with self._lock:
            if not self._over and self._file is not None:
                self._file.close()
                self._path.unlink(missing_ok=True)
            self._over = True

    def _open(self) -> BinaryIO:
        if self._over:
            raise FileNotFoundError("the object was dropped while it was being written")
        if self._file is None:
            _make_directory(self._path.parent, self._root)
            self._file = open(self._path, "xb", opener=_private)  # noqa: SIM115
        return self._file


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)  # states and logs are nobody else's business


def _read(path: Path, start: int = 0, end: int | None = None) -> bytes | None:
    try:
        with path.open("rb") as file:
            file.seek(start)
            return file.read() if end is None else file.read(end - start)
    except _ABSENT:
        return None


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


def _delete(path: Path, bucket: Path) -> None:
    try:
        path.unlink()
    except _ABSENT:
        return
    # Directories that a key brought with it go when they are empty, lest they pile up.
    for directory in path.parents:
        if directory == bucket:
            return
        try:
            directory.rmdir()
        except OSError:
            return  # not empty: other objects need it


def _expire(bucket: Path, before: float) -> int:
    gone = 0
    for directory, _, names in os.walk(bucket, topdown=False):
        for name in names:
            path = Path(directory, name)
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < before:
                    _delete(path, bucket)
                    gone += 1
    return gone


def _forget(incoming: Path, before: float) -> int:
    old = [path for path in incoming.glob("*") if path.stat().st_mtime < before]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def _make_directory(directory: Path, root: Path) -> None:
    """Make the directory and those above it, each of them surviving a power failure."""
    if directory.is_dir():
        return
    if directory != root:
        _make_directory(directory.parent, root)
    directory.mkdir(mode=0o700, parents=directory == root, exist_ok=True)
    _sync_directory(directory.parent)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


async def _on_disk(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do blocking work on the disk off the loop. Raises StorageDown where the disk refuses."""
    try:
        return await asyncio.to_thread(work, *args, **kwargs)
    except OSError as cause:
        raise _down(cause) from cause


def _down(cause: OSError) -> StorageDown:
    return StorageDown(f"{type(cause).__name__}: {cause.strerror} path={cause.filename}")
