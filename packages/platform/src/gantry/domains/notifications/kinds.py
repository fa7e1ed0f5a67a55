"""What notifications are about, and how grave they are."""

from __future__ import annotations

import enum


class Group(enum.StrEnum):
    """Notifications with one cause of one sort. A thing has one at a time of each."""

    AUDIT_TRAIL_NOT_DELIVERED = "AUDIT_TRAIL_NOT_DELIVERED"
    IDENTITY_PROVIDER_UNUSABLE = "IDENTITY_PROVIDER_UNUSABLE"
    POOL_WITHOUT_WORKERS = "POOL_WITHOUT_WORKERS"
    REKEY_UNFINISHED = "REKEY_UNFINISHED"
    SOURCE_UNREACHABLE = "SOURCE_UNREACHABLE"
    STATE_KEPT_APART = "STATE_KEPT_APART"
    WEBHOOK_SWITCHED_OFF = "WEBHOOK_SWITCHED_OFF"


class Severity(enum.StrEnum):
    """How grave it is."""

    INFO = "INFO"
    WARNING = "WARNING"
    """Something does not work, and nothing is lost."""
    ERROR = "ERROR"
    """Something may be lost, or nobody can work."""
