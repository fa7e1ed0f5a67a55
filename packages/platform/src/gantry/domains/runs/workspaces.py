"""What is stored of runs while they wait, and goes when they have ended."""

from __future__ import annotations

from gantry.domains.runs import repo
from gantry.kernel.tx import SYSTEM
from gantry.ports.db import Db
from gantry.ports.objects import Bucket, Objects

AT_ONCE = 200
"""Runs one call looks at: the job comes again within minutes."""


async def forget_ended(db: Db, objects: Objects) -> None:
    """Delete the stored workspaces of runs that have ended: nobody can apply their plan any more.

    Safe to run twice or late. Raises StorageDown; then the rest is left for the next time.
    """
    async with db.read(SYSTEM) as tx:
        ended = await repo.ended_with_workspace(tx, AT_ONCE)
    for run_id, key in ended:
        await objects.delete(Bucket.WORKSPACE, key)
        async with db.write(SYSTEM) as tx:
            await repo.forget_workspace(tx, run_id, key)
