"""What has happened to commits."""

from __future__ import annotations

from dataclasses import dataclass

from gantry.kernel.tx import Event


@dataclass(frozen=True, slots=True)
class CommitWanted(Event):
    """Somebody needs a commit's tree in object storage."""

    commit_id: str


@dataclass(frozen=True, slots=True)
class CommitSettled(Event):
    """The tree is stored, or it cannot be had."""

    commit_id: str
    stored: bool
