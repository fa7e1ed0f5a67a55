"""How far a re-key has come."""

from __future__ import annotations

import enum


class Phase(enum.StrEnum):
    """In this order; the last three are ends."""

    ANNOUNCED = "announced"
    """The new key is there, and nothing is sealed with it before every process can open it."""
    SWITCHED = "switched"
    """New values are sealed with it; some process may not have noticed yet."""
    WALKING = "walking"
    """What was sealed before is sealed anew."""
    DONE = "done"
    """Nothing is sealed with an older key."""
    UNFINISHED = "unfinished"
    """Nothing that can be opened is sealed with an older key."""
    CANCELLED = "cancelled"
    """Nothing was sealed with the new key, and it is gone."""


ENDS = (Phase.DONE, Phase.UNFINISHED, Phase.CANCELLED)
