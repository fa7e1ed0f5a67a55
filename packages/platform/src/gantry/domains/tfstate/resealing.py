"""States in object storage, as a re-key comes to them.

A state that is sealed anew gets a name of its own, which says with which version of the data key;
the row then leads to the new object, and the old one stays for as long as the old key does: whoever
reads it at that moment, or brings back a backup of the database from before, finds it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gantry.domains.keys import repo as keys
from gantry.domains.keys.places import Note, Went
from gantry.domains.tfstate import repo, rules, service
from gantry.domains.tfstate.model import StateVersion
from gantry.kernel.tx import SYSTEM, Tx
from gantry.ports.db import Db
from gantry.ports.objects import Bucket, ObjectMissing, Objects
from gantry.ports.vault import Unreadable, Vault

_NAMED_VERSION = re.compile(r"\.\d+$")


@dataclass(frozen=True, slots=True)
class StatesPlace:
    """Every stored state."""

    vault: Vault
    objects: Objects
    name: str = "states in object storage"

    async def count(self, tx: Tx, version: int) -> int:
        """See the protocol."""
        return await repo.count_sealed_otherwise(tx, service.ending(version))

    async def any_of(self, tx: Tx, version: int) -> bool:
        """See the protocol. A name that says no version may be of any."""
        return await repo.any_sealed_so(tx, service.ending(version))

    async def batch(self, db: Db, version: int, after: Sequence[Any], note: Note) -> Went:
        """See the protocol. One state, which may be large."""
        async with db.read(SYSTEM) as tx:
            found = await repo.next_sealed_otherwise(
                tx, service.ending(version), str(after[0]) if after else ""
            )
        if found is None:
            return await _noted(db, note, Went(0, None))
        try:
            key = await self._anew(found, version)
        except (ObjectMissing, Unreadable):
            what = f"state:{found.id} of stack {found.stack_id}"
            return await _noted(db, note, Went(0, [found.id], [what]))
        went = Went(1, [found.id])
        async with db.write(SYSTEM) as tx:
            moved = await repo.move_state(tx, found.id, found.object_key, key)
            if moved:
                await keys.note_replaced(tx, Bucket.STATES, found.object_key)
            await note(tx, went)
        # After an error nobody knows whether the row leads there: the next try writes it again.
        if not moved:  # its stack was deleted meanwhile
            await self.objects.delete(Bucket.STATES, key)
        return went

    async def _anew(self, found: StateVersion, version: int) -> str:
        """Store the state once more, sealed with this version, and look whether it is as it was;
        its new name. Raises ObjectMissing, Unreadable, StorageDown.
        """
        body = await service.read_version(self.vault, self.objects, found)
        await _check(body, found)
        base = _NAMED_VERSION.sub("", found.object_key)
        key = await service.put_sealed(
            self.vault, self.objects, base, body, service.identity(found.id)
        )
        if key != base + service.ending(version):
            raise Unreadable("A state was sealed with another data key than it should have been.")
        del body  # a large one is not held twice
        await _check(await service.read_object(self.vault, self.objects, found.id, key), found)
        return key


async def _noted(db: Db, note: Note, went: Went) -> Went:
    async with db.write(SYSTEM) as tx:
        await note(tx, went)
    return went


async def _check(body: bytearray, found: StateVersion) -> None:
    if await asyncio.to_thread(rules.digest, body) != found.sha256:
        raise Unreadable("A stored state is not the one that was written.")
