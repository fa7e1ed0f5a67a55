"""URLs that this installation signs and serves itself, when no object storage does it for us.

Whoever holds such a URL may do the one thing it says, until it expires: the signature covers
the method, the bucket, the key and the time of expiry.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from gantry.kernel.errors import UserError

Sign = Callable[[str], str]  # text -> signature, in hexadecimal digits
Check = Callable[[str, str], bool]  # text, signature -> whether it is ours; in constant time

_EXPIRES_DIGITS = 11  # seconds since 1970 up to the year 5138: bounds what int() is given


class BadSignedUrl(UserError):
    """A signed URL that is not ours, is for something else, or is over."""

    code = "BAD_SIGNED_URL"
    status = 403


def signed_url(
    sign: Sign, *, base_url: str, method: str, bucket: str, key: str, expires: int
) -> str:
    """The URL at which `method` on the object is allowed before `expires` (Unix seconds).

    The key must have passed `check_key`: it is not quoted, because it needs no quoting.
    """
    signature = sign(_text(method, bucket, key, str(expires)))
    place = f"{base_url.rstrip('/')}/objects/{bucket}/{key}"
    return f"{place}?method={method}&expires={expires}&signature={signature}"


def check_signed_url(
    check: Check,
    *,
    method: str,
    bucket: str,
    key: str,
    expires: str,
    signature: str,
    now: datetime,
) -> None:
    """Raises BadSignedUrl unless the request is the one that was signed, and in time.

    `method` is the request's own, not the one that the URL's query names. `expires` and
    `signature` are the query's, as they came.
    """
    # Signature first: what a forger wrote into `expires` deserves no answer of its own.
    if not check(_text(method, bucket, key, expires), signature):
        raise BadSignedUrl(
            "This link does not allow this request.", detail=f"bucket={bucket} key={key}"
        )
    if not (expires.isascii() and expires.isdigit() and len(expires) <= _EXPIRES_DIGITS):
        raise BadSignedUrl("This link has no time of expiry.")
    if now.timestamp() >= int(expires):
        raise BadSignedUrl("This link has expired; ask for a new one.")


def _text(method: str, bucket: str, key: str, expires: str) -> str:
    # None of the four holds a line break when it is signed, so no other four give this text.
    return f"{method}\n{bucket}\n{key}\n{expires}"
