"""A round trip through the object storage, for whoever sets up an installation."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx2

from gantry.kernel.ids import new_id
from gantry.ports.objects import Bucket, Objects, StorageDown

_LASTS = timedelta(minutes=5)  # the probe takes a second; clocks may differ by minutes
_TIMEOUT = 15.0  # seconds; a store that takes longer over 32 bytes is not usable


async def probe(
    objects: Objects, bucket: Bucket, *, verify: ssl.SSLContext | bool = True
) -> timedelta | None:
    """Put, get, sign, upload, download and delete an object of the probe's own. Uploads and
    downloads are as a worker's: over plain HTTP, with nothing but the URL.

    Answers with how far the store's clock is ahead of this machine's, to a second; None when it
    does not say what time it is. Raises StorageDown with the step that failed in its detail.
    `verify` is whether the URLs' certificates are checked, as configured for the store,
    or whom to believe.
    """
    key = f"probe/{new_id()}"
    first, second = (f"{key} {n}".encode() for n in (1, 2))
    await objects.put(bucket, key, first)
    try:
        _same(await objects.get(bucket, key), first, "get")
        async with httpx2.AsyncClient(verify=verify, timeout=_TIMEOUT) as client:
            url = await objects.upload_url(bucket, key, lasts=_LASTS)
            await _request(client, "PUT", url, second, objects.upload_headers)
            _same(await objects.get(bucket, key), second, "get after upload")
            url = await objects.download_url(bucket, key, lasts=_LASTS)
            answer = await _request(client, "GET", url)
            _same(answer.content, second, "download")
    finally:
        await objects.delete(bucket, key)
    if await objects.size(bucket, key) is not None:
        raise StorageDown("probe: the object is there after its deletion")
    return _ahead(answer)


async def _request(
    client: httpx2.AsyncClient,
    method: str,
    url: str,
    content: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> httpx2.Response:
    # The URL is a credential: it appears in no detail, and neither does the cause's text.
    try:
        answer = await client.request(method, url, content=content, headers=headers)
    except httpx2.HTTPError as cause:
        raise StorageDown(f"probe: signed {method} failed: {type(cause).__name__}") from None
    if not answer.is_success:
        raise StorageDown(f"probe: signed {method} was answered {answer.status_code}")
    return answer


def _ahead(answer: httpx2.Response) -> timedelta | None:
    """By the header `Date`, which is cut to a second: taken for half of it later."""
    try:
        theirs = parsedate_to_datetime(answer.headers["date"]) + timedelta(seconds=0.5)
        return theirs - (datetime.now(UTC) - answer.elapsed / 2)
    except (KeyError, ValueError, TypeError):
        return None


def _same(found: bytes, expected: bytes, step: str) -> None:
    if found != expected:
        raise StorageDown(f"probe: {step} gives other bytes than were written")
