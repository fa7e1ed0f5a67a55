"""What every object store here agrees on: what a key looks like, and how long a URL may last.

One rule for all stores, so that a key which works on a laptop's disk works in S3 too.
"""

from __future__ import annotations

import re
from datetime import timedelta

KEY_MAX = 512  # characters; S3 takes 1024, a disk's path 4096 together with the root
SEGMENT_MAX = 255  # what ext4, XFS and APFS take as the name of one file
URL_LASTS_MAX = timedelta(days=7)  # the longest that AWS Signature Version 4 signs for

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*")


def check_key(key: str) -> None:
    """Raises ValueError unless `key` may name an object.

    A key names one place only: no `..`, no `.` segment, no empty segment, nothing that needs
    quoting in a URL. Keys are ours, so a bad one is a bug and not a user's mistake.
    """
    segments = key.split("/")
    if (
        len(key) > KEY_MAX
        or not _KEY.fullmatch(key)
        or ".." in key
        or any(s in ("", ".") or len(s) > SEGMENT_MAX for s in segments)
    ):
        raise ValueError(f"not a key of an object: {key[:80]!r}")


def check_lasts(lasts: timedelta) -> None:
    """Raises ValueError unless a URL may last that long."""
    if not timedelta(0) < lasts <= URL_LASTS_MAX:
        raise ValueError(f"a URL lasts more than nothing and at most {URL_LASTS_MAX}, not {lasts}")


def check_range(start: int, end: int) -> None:
    """Raises ValueError unless `start` and `end` are offsets in order."""
    if not 0 <= start <= end:
        raise ValueError(f"not a range of bytes: {start} to {end}")
