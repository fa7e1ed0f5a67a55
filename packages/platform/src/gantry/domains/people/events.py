"""What has happened to people and keys."""

from __future__ import annotations

from dataclasses import dataclass

from gantry.kernel.tx import Event


@dataclass(frozen=True, slots=True)
class SessionsChanged(Event):
    """Sessions began or ended."""

    owner: str | None
    """Whose they are, by the name that history shows; None when they are of many."""
