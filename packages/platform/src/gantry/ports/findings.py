"""What a look at the installation found, one thing at a time."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Health(enum.StrEnum):
    """How one thing was found."""

    GOOD = "good"
    ODD = "look"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was tried: how it was found, and what to do about it."""

    what: str
    health: Health
    says: str
    remedy: str = ""


def good(what: str, says: str) -> Finding:
    """It is as it should be."""
    return Finding(what, Health.GOOD, says)


def odd(what: str, says: str, remedy: str) -> Finding:
    """It works, and somebody should look."""
    return Finding(what, Health.ODD, says, remedy)


def bad(what: str, says: str, remedy: str) -> Finding:
    """It does not work, or something will be lost."""
    return Finding(what, Health.BAD, says, remedy)
