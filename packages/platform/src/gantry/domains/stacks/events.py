"""What has happened to stacks."""

from __future__ import annotations

from dataclasses import dataclass

from gantry.kernel.tx import Event


@dataclass(frozen=True, slots=True)
class StackChanged(Event):
    """A stack was made, changed, locked, unlocked or deleted."""

    stack_id: str


@dataclass(frozen=True, slots=True)
class StackUnlocked(Event):
    """What waited for the lock may go on."""

    stack_id: str
