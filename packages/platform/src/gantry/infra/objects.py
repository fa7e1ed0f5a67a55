"""Object storage in S3 or in what speaks its language, through obstore.

Presigned URLs are the store's own: browsers and workers go there, not through this program.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from gantry.infra.object_rules import check_key, check_lasts, check_range
from gantry.ports.objects import Bucket, ObjectMissing, StorageDown

if TYPE_CHECKING:
    from obstore.store import (
        ClientConfig,
        RetryConfig,
        S3Config,
        S3Credential,
        S3CredentialProvider,
    )

# A request of a person waits for the answer: three more tries, and none after thirty seconds,
# hide a store that restarts; what lasts longer is better told than waited for.
_RETRY: RetryConfig = {"max_retries": 3, "retry_timeout": timedelta(seconds=30)}
_CONNECT_TIMEOUT = timedelta(seconds=5)  # as obstore has it: a store is near or it is down
_READ_TIMEOUT = timedelta(seconds=30)  # without a byte: longer than S3 takes over a slow part
_TIMEOUT = timedelta(minutes=5)  # for a whole body: 300 MB at 1 MB/s

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
)
_NO_BUCKET = "NoSuchBucket"
_NO_RANGE = "416"  # the HTTP status; not every store sends S3's code with it
_SETTLE = 0.1  # seconds; obstore's threads need well under a millisecond for what they hold


class RemoteObjects:
    """The `Objects` port on S3-compatible stores, one per bucket.

    Every method takes only keys that pass `check_key`, and raises ValueError for others.
    """

    def __init__(self, stores: Mapping[Bucket, S3Store]) -> None:
        self._stores = dict(stores)

    async def put(self, bucket: Bucket, key: str, data: bytes) -> None:
        """Store the object whole or not at all. Raises StorageDown.

        A process killed over an object larger than 5 MiB leaves an unfinished multipart upload,
        which nobody sees; a lifecycle rule of the bucket removes it.
        """
        with _explained(bucket, key, writes=True):
            await obstore.put_async(
                self._store(bucket), _checked(key), data, max_concurrency=_PARTS
            )

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
                if _NO_RANGE not in refused.detail:
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
        """A URL to which whoever has it may PUT the object, until it expires."""
        check_lasts(lasts)
        with _explained(bucket, key):
            return await obstore.sign_async(self._store(bucket), "PUT", _checked(key), lasts)

    async def aclose(self) -> None:
        """Let obstore's threads finish. To be awaited last, before the process ends.

        A thread that still puts down a Python object while the interpreter ends aborts the
        process: about one short command in fifty (PyO3/pyo3-async-runtimes issue 40).
        """
        await asyncio.sleep(_SETTLE)

    def _store(self, bucket: Bucket) -> S3Store:
        try:
            return self._stores[bucket]
        except KeyError:
            raise StorageDown(f"bucket={bucket}: no bucket is configured for this") from None


def s3_stores(
    buckets: Mapping[Bucket, str],
    *,
    region: str | None,
    endpoint: str | None,
    access_key_id: str | None,
    secret_access_key: str | None,
    allow_http: bool,
    allow_invalid_certificates: bool,
    authorities: str | None = None,
) -> Mapping[Bucket, S3Store]:
    """A store per bucket. Nothing is connected yet.

    Without `endpoint` it is AWS itself; with one, a store such as MinIO. Without credentials
    they are looked for where AWS puts them: environment, web identity, container and instance
    metadata (not `~/.aws`). `authorities` (PEM) are trusted besides the system's. The proxies of
    the environment are obstore's own to heed.
    Raises ValueError when only one half of the credentials is given.
    """
    if (access_key_id is None) != (secret_access_key is None):
        raise ValueError("an access key id and a secret access key go together")
    provider = None
    if access_key_id is not None and secret_access_key is not None:
        provider = _fixed(access_key_id, secret_access_key)
    config: S3Config = {
        # By path (`/bucket/key`): the only way that MinIO, AWS and an endpoint taken from
        # AWS_ENDPOINT_URL have in common, and the only one for bucket names with dots.
        "virtual_hosted_style_request": False,
        # Bulk deletion is one more thing that not every store knows; we delete one at a time.
        "disable_bulk_delete": True,
    }
    if region is not None:
        config["region"] = region
    if endpoint is not None:
        config["endpoint"] = endpoint
    client: ClientConfig = {
        "allow_http": allow_http,
        "allow_invalid_certificates": allow_invalid_certificates,
        "connect_timeout": _CONNECT_TIMEOUT,
        "read_timeout": _READ_TIMEOUT,
        "timeout": _TIMEOUT,
    }
    if authorities is not None:
        client["root_certificate"] = authorities
    return {
        bucket: S3Store(
            name,
            config=config,
            client_options=client,
            retry_config=_RETRY,
            credential_provider=provider,
        )
        for bucket, name in buckets.items()
    }


def _fixed(access_key_id: str, secret_access_key: str) -> S3CredentialProvider:
    # Not passed as configuration: there obstore would join them with an AWS_SESSION_TOKEN that
    # happens to be in the environment, and keep the secret where a store's `config` shows it.
    def credentials() -> S3Credential:
        return {
            "access_key_id": access_key_id,
            "secret_access_key": secret_access_key,
            "token": None,
            "expires_at": None,
        }

    return credentials


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
        if writes or _NO_BUCKET in str(cause):
            raise _down(bucket, cause) from None
        raise ObjectMissing(bucket, key) from None
    except BaseError as cause:
        raise _down(bucket, cause) from None


def _down(bucket: Bucket, cause: Exception) -> StorageDown:
    told = (part for found in _TELLING.findall(str(cause)) for part in found if part)
    reasons = ", ".join(dict.fromkeys(told)) or "no reason given"
    return StorageDown(f"bucket={bucket} {type(cause).__name__}: {reasons}")
