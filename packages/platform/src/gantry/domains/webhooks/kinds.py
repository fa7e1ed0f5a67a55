"""The kinds of webhooks, and how their deliveries stand."""

from __future__ import annotations

import enum


class Kind(enum.StrEnum):
    """What a webhook is told."""

    AUDIT = "AUDIT"
    """Every entry of the audit trail; there is one for the installation."""
    NAMED = "NAMED"
    """What policies and people send it."""
    STACK = "STACK"
    """Every move of the stack's runs."""


RUN_MOVED = "run.state"
"""The event of a delivery that tells of a move of a run."""


class DeliveryState(enum.StrEnum):
    """Where a delivery is."""

    WAITING = "WAITING"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"
