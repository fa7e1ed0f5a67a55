"""Pure decisions about pools and workers."""

from __future__ import annotations

from datetime import datetime, timedelta

WORKER_GONE_AFTER = timedelta(seconds=60)
"""A worker that has not been heard of for this long is gone; it beats every ten seconds,
or asks for work every fifteen."""

NOTED_AGAIN_AFTER = timedelta(seconds=10)
"""Between two notes that a worker was heard of: as often as heartbeats are."""


def is_gone(last_seen_at: datetime, now: datetime) -> bool:
    """Whether a worker has been silent for too long."""
    return now - last_seen_at > WORKER_GONE_AFTER
