"""Letting old data keys go: nothing is sealed with them, and what they signed has expired."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta

import structlog

from gantry.domains.accounts import repo as accounts
from gantry.domains.audit import service as audit
from gantry.domains.audit.kinds import Resource
from gantry.domains.keys import repo
from gantry.domains.keys.places import Place
from gantry.kernel.tx import SYSTEM
from gantry.ports.db import Db
from gantry.ports.objects import Bucket, Objects

log = structlog.get_logger()

AT_ONCE = 500
"""Objects that are deleted between two looks into the database."""


async def retire(
    db: Db, objects: Objects, places: Sequence[Place], *, longest: timedelta
) -> list[int]:
    """Forget the data keys that nothing needs any more; returns their versions.

    `longest` is how long anything lasts that was signed with one. For as long the objects are
    kept, too, that were sealed anew. Raises StorageDown.
    """
    async with db.read(SYSTEM) as tx:
        rekey, now = await repo.newest(tx), tx.now
        if rekey is None or rekey.finished_at is None:
            return []
        old = [key.version for key in await accounts.data_keys(tx) if not key.current]
        due = [
            version
            for version in old
            if (since := await repo.superseded(tx, version)) is not None and since < now - longest
        ]
    await _forget_replaced(db, objects, longest)
    gone = []
    for version in due:
        async with db.write(SYSTEM) as tx:
            await accounts.alone(tx)  # nobody begins another re-key meanwhile
            if any([await place.any_of(tx, version) for place in places]):
                continue
            await repo.forget_data_key(tx, version)
            audit.record(tx, "rekey.retire", Resource.ACCOUNT, None, given={"version": version})
        gone.append(version)
        log.info("data key retired", version=version)
    return gone


async def _forget_replaced(db: Db, objects: Objects, longest: timedelta) -> None:
    while True:
        async with db.read(SYSTEM) as tx:
            found = await repo.replaced(tx, tx.now - longest, AT_ONCE)
        if not found:
            return
        by_bucket: dict[str, list[str]] = defaultdict(list)
        for one in found:
            await objects.delete(Bucket(one.bucket), one.object_key)
            by_bucket[one.bucket].append(one.object_key)
        async with db.write(SYSTEM) as tx:
            for bucket, keys in by_bucket.items():
                await repo.forget_replaced(tx, bucket, keys)
