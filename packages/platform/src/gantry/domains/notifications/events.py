"""What has happened to notifications."""

from __future__ import annotations

from dataclasses import dataclass

from gantry.kernel.tx import Event


@dataclass(frozen=True, slots=True)
class NotificationsChanged(Event):
    """Some are new, or not open any more."""
