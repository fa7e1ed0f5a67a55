"""Letting the oldest of the trail go, so that what is left can still be proven.

The chain's beginning goes by whole months. Before it goes, it is looked through once more, and how
far it goes is signed and put where the checkpoints are: so whoever deletes from the beginning
cannot say that it was this.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from gantry.domains.audit import chain, repo, rules
from gantry.kernel.tx import SYSTEM, Tx
from gantry.ports.db import Db
from gantry.ports.objects import Objects
from gantry.ports.vault import Vault

log = structlog.get_logger()

AHEAD = timedelta(days=40)
"""Months are made this long before they begin: a scheduler that is away for a month misses none."""


async def turn_months(db: Db, vault: Vault, objects: Objects, *, keep: timedelta) -> list[str]:
    """Make the months to come, and drop those of which every entry is older than `keep`; returns
    those. They go only when all of them is in the chain, when nothing in the chain before their end
    is younger, and when it is proven that they are as they were written.

    Safe to run twice, late or in parallel. Raises StorageDown.
    """
    async with db.write(SYSTEM) as tx:
        await repo.make_months(tx, tx.now + AHEAD)
    async with db.read(SYSTEM) as tx:
        months = await repo.months(tx)
        end, floor = await _end_of_old(tx, months, tx.now - keep)
    if end is None or not await _may_go(db, vault, objects, floor):
        return []
    gone = [month for month in months if _end_of(month) <= end]
    for month in gone:
        # Each by itself: dropping waits for whoever reads, and nobody should wait for several.
        async with db.write(SYSTEM) as tx:
            await repo.drop_month(tx, month)
    async with db.write(SYSTEM) as tx:
        await repo.forget_strays(tx, end, floor)
    return gone


async def _end_of_old(tx: Tx, months: list[str], before: datetime) -> tuple[datetime | None, int]:
    """The end of the last month that can go with all before it, and the last place in the chain
    that goes with them; None when no month can.
    """
    ends = {_end_of(month) for month in months} | {rules.month_of(before)}
    for end in sorted((one for one in ends if one <= before), reverse=True):
        if await repo.any_unsealed_before(tx, end):
            continue
        # An entry is sealed a moment after what it tells of began: at the turn of a month it may
        # have its place behind the next one's first, and then waits for that month.
        floor, next_one = await repo.last_before(tx, end), await repo.first_from(tx, end)
        if next_one is None or next_one > floor:
            return end, floor
    return None, 0


async def _may_go(db: Db, vault: Vault, objects: Objects, floor: int) -> bool:
    """Whether it is proven and signed that the chain up to this place is gone for its age."""
    async with db.read(SYSTEM) as tx:
        end = await repo.chain(tx)
    if end is None or floor <= end.floor_seq:
        return True
    found = await chain.verify(db, vault, objects, until=floor)
    if found.broken_at is not None:
        # What shows that somebody has changed the trail is kept until somebody has looked.
        log.error("audit months kept", broken_at=found.broken_at, reason=found.reason)
        return False
    await chain.sign_floor(db, vault, objects, floor, found.digest)
    return True


def _end_of(month: str) -> datetime:
    return rules.month_after(datetime.fromisoformat(f"{month.replace('_', '-')}-01T00:00:00+00:00"))
