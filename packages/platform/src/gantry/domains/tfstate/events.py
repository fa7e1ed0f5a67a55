"""What has happened to state."""

from __future__ import annotations

from dataclasses import dataclass

from gantry.kernel.tx import Event


@dataclass(frozen=True, slots=True)
class StateWritten(Event):
    """A stack has a new current state."""

    stack_id: str
    version_id: str
