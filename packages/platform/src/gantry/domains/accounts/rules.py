"""Pure decisions about the installation's processes."""

from __future__ import annotations

from datetime import datetime, timedelta

HEARD_EVERY = timedelta(seconds=15)
"""How often a process says that it is at work: as often as idle workers ask for some."""

SILENT_AFTER = timedelta(seconds=60)
"""Three times in a row may be missed, as when the database was away for a moment."""

FORGOTTEN_AFTER = timedelta(hours=1)
"""For so long a process that fell silent is shown, so that somebody sees that it did."""


def is_silent(heard_at: datetime, now: datetime) -> bool:
    """Whether a process has not been heard of for too long."""
    return now - heard_at > SILENT_AFTER
