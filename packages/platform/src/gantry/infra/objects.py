"""Object storage elsewhere, through obstore: S3 and its like, Google's and Microsoft's.

Presigned URLs are the store's own: browsers and workers go there, not through this program.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import timedelta
from types import MappingProxyType

import obstore
from obstore.exceptions import BaseError
from obstore.store import AzureStore, GCSStore, S3Store

from gantry.infra.object_rules import check_key, check_lasts, check_range
from gantry.ports.objects import Bucket, ObjectMissing, StorageDown

RemoteStore = S3Store | GCSStore | AzureStore

# Parts in flight when an object is over 5 MiB. Two, so that on a slow line each part is still
# through before the read timeout; obstore's twelve would share the line and starve each other.
_PARTS = 2

# What may be told of an answer of the store: its own code, the HTTP status, how the connection
# failed. The rest of the text may quote key ids, and says nothing more that helps.
_TELLING = re.compile(
    r"<Code>(\w{1,64})</Code>"
    r"|status code: (\d{3})"
    r'|"(tcp connect error|dns error)"'
    r'|message: "([\w ]{1,80})"'
    r"|invalid peer certificate: (\w{1,64})|InvalidCertificate\(\s*(\w{1,64})"
    r"|(TunnelUnsuccessful|ProxyAuthRequired|TunnelIoError)"  # a proxy that does not let us through
    r"|source: (TimedOut)"
    r"|source: (StartTooLarge)"
    r"|performing (token request)"
)
_NO_BUCKET = ("NoSuchBucket", "ContainerNotFound")  # S3's and Google's word, and Microsoft's
# The HTTP status, as not every store sends S3's code with it; and obstore's own word where a
# store, as Microsoft's, answers with the whole object instead.
_NO_RANGE = ("416", "StartTooLarge")
_SETTLE = 0.1  # seconds; obstore's threads need well under a millisecond for what they hold


class RemoteObjects:
    """The `Objects` port on stores of one provider, one per bucket.

    Every method takes only keys that pass `check_key`, and raises ValueError for others.
    `upload_headers` are those that the provider wants to see with each upload to a URL.
    """

    def __init__(
        self,
        stores: Mapping[Bucket, RemoteStore],
        *,
        upload_headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._stores = dict(stores)
        self.upload_headers = upload_headers

    async def put(self, bucket: Bucket, key: str, data: bytes) -> None:
        """Store the object whole or not at all. Raises StorageDown.

        A process killed over an object larger than 5 MiB leaves an unfinished multipart upload,
        which nobody sees; a lifecycle rule of the bucket removes it.
        """
        with _explained(bucket, key, writes=True):
            await obstore.put_async(
                self._store(bucket), _checked(key), data, max_concurrency=_PARTS
            )

    async def put_versioned(self, bucket: Bucket, key: str, data: bytes) -> bool:
        """As `put`; whether the store gave what it stored a version of its own. Raises StorageDown.

        Google gives everything one, whether it keeps the earlier ones or not.
        """
        with _explained(bucket, key, writes=True):
            stored = await obstore.put_async(self._store(bucket), _checked(key), data)
        return stored["version"] is not None

    async def put_pieces(self, bucket: Bucket, key: str, pieces: AsyncIterator[bytes]) -> None:
        """Store the object whole or not at all, out of pieces, holding few of them at a time.

        Raises StorageDown, and whatever `pieces` raises, or something that it caused.
        """
        with _explained(bucket, key, writes=True):
            await obstore.put_async(
                self._store(bucket), _checked(key), pieces, max_concurrency=_PARTS
            )

    async def get(self, bucket: Bucket, key: str) -> bytes:
        """The object's bytes. Raises ObjectMissing, StorageDown."""
        with _explained(bucket, key):
            found = await obstore.get_async(self._store(bucket), _checked(key))
            return bytes(await found.bytes_async())

    async def get_range(self, bucket: Bucket, key: str, start: int, end: int) -> bytes:
        """Bytes `start` up to but without `end`, fewer where the object ends before.

        Raises ObjectMissing, StorageDown; ValueError when the range runs backwards.
        """
        check_range(start, end)
        if start < end:
            try:
                with _explained(bucket, key):
                    store = self._store(bucket)
                    found = await obstore.get_range_async(
                        store, _checked(key), start=start, end=end
                    )
                    return bytes(found)
            except StorageDown as refused:
                if not any(word in refused.detail for word in _NO_RANGE):
                    raise
        # S3 refuses a range that is empty or begins at the object's end, where there is simply
        # nothing to read; whoever follows a growing log asks for just that.
        if await self.size(bucket, key) is None:
            raise ObjectMissing(bucket, key)
        return b""

    async def size(self, bucket: Bucket, key: str) -> int | None:
        """The object's size in bytes; None when it does not exist. Raises StorageDown.

        None too when the whole bucket does not exist: HEAD tells no difference.
        """
        try:
            with _explained(bucket, key):
                found = await obstore.head_async(self._store(bucket), _checked(key))
        except ObjectMissing:
            return None
        return found["size"]

    async def delete(self, bucket: Bucket, key: str) -> None:
        """Make the object not exist; it need not have. Raises StorageDown."""
        # Some stores answer 404 for what is not there, S3 does not.
        with contextlib.suppress(ObjectMissing), _explained(bucket, key):
            await obstore.delete_async(self._store(bucket), _checked(key))

    async def download_url(self, bucket: Bucket, key: str, *, lasts: timedelta) -> str:
        """A URL that gives the object to whoever has it, until it expires."""
        check_lasts(lasts)
        with _explained(bucket, key):
            return await obstore.sign_async(self._store(bucket), "GET", _checked(key), lasts)

    async def upload_url(self, bucket: Bucket, key: str, *, lasts: timedelta) -> str:
        """A URL to which whoever has it may PUT the object, until it expires.

        With `upload_headers`: the provider may refuse an upload without them.
        """
        check_lasts(lasts)
        with _explained(bucket, key):
            return await obstore.sign_async(self._store(bucket), "PUT", _checked(key), lasts)

    async def aclose(self) -> None:
        """Let obstore's threads finish. To be awaited last, before the process ends.

        A thread that still puts down a Python object while the interpreter ends aborts the
        process: about one short command in fifty (PyO3/pyo3-async-runtimes issue 40).
        """
        await asyncio.sleep(_SETTLE)

    def _store(self, bucket: Bucket) -> RemoteStore:
        try:
            return self._stores[bucket]
        except KeyError:
            raise StorageDown(f"bucket={bucket}: no bucket is configured for this") from None


def _checked(key: str) -> str:
    check_key(key)
    return key


@contextlib.contextmanager
def _explained(bucket: Bucket, key: str, *, writes: bool = False) -> Iterator[None]:
    """Turn obstore's errors into the port's.

    `from None` throughout: the causes quote the store's whole answer (see `_TELLING`).
    """
    try:
        yield
    except FileNotFoundError as cause:
        # A write to a place that is not there, or a bucket that is not: no object is missing.
        if writes or any(word in str(cause) for word in _NO_BUCKET):
            raise _down(bucket, cause) from None
        raise ObjectMissing(bucket, key) from None
    except BaseError as cause:
        raise _down(bucket, cause) from None


def _down(bucket: Bucket, cause: Exception) -> StorageDown:
    told = (part for found in _TELLING.findall(str(cause)) for part in found if part)
    reasons = ", ".join(dict.fromkeys(told)) or "no reason given"
    return StorageDown(f"bucket={bucket} {type(cause).__name__}: {reasons}")
