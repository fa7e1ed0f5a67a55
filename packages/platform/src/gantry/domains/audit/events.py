"""What has happened to the audit trail."""

from __future__ import annotations

from dataclasses import dataclass

from gantry.kernel.tx import Event


@dataclass(frozen=True, slots=True)
class EntryWritten(Event):
    """Somebody did something that the audit trail keeps."""

    of_account: bool
    """Whether it is about what the whole account shares, as `rules.is_of_account` says."""


@dataclass(frozen=True, slots=True)
class EntriesSealed(Event):
    """Entries of the audit trail have their places in its chain."""
