"""Reading the audit trail, which is for root admins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gantry.domains.audit import repo
from gantry.domains.audit.model import AuditEntry
from gantry.domains.people import access
from gantry.kernel.facets import Facets
from gantry.kernel.paging import Page
from gantry.kernel.search import Search
from gantry.kernel.tx import Tx

MANY = 10_000
"""Entries that wait to be sealed are counted so far: more of them say the same, that something
keeps the job from its work."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the chain ends, and what is signed of it."""

    sealed: int
    """The place of the last entry in the chain; 0 before the first."""
    waiting: int
    checkpoint: int | None
    """How far the newest signed checkpoint goes."""
    checkpoint_at: datetime | None


async def search(tx: Tx, wanted: Search) -> Page[AuditEntry]:
    """A page of entries, the newest first unless asked otherwise. Needs root admin.

    Raises BadSearch, BadCursor.
    """
    access.require_admin(tx)
    return await repo.search(tx, wanted)


async def suggestions(
    tx: Tx, wanted: Search, fields: Sequence[str], *, words: str | None = None
) -> Facets:
    """What the newest entries of a search can be narrowed by, counted. Needs root admin.

    Raises BadSearch.
    """
    access.require_admin(tx)
    return await repo.suggestions(tx, wanted, fields, words=words)


async def standing(tx: Tx) -> Standing:
    """How far the chain and its checkpoints have come. Needs root admin."""
    access.require_admin(tx)
    end = await repo.chain(tx)
    waiting = await repo.count_unsealed(tx, MANY)
    if end is None:
        return Standing(0, waiting, None, None)
    return Standing(end.seq, waiting, end.checkpoint_seq or None, end.checkpoint_at)
