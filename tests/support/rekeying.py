"""Processes of an installation as far as their keys go: each with a vault of its own on one
database, at work when it says so.

Run as a program it is a drain that walks, to be killed in the middle:
`python -m tests.support.rekeying DATABASE_URL DIRECTORY`, the RSA key on standard input.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gantry.apps import wiring  # noqa: F401 - imports every mapped class
from gantry.apps.key_keeper import KeyKeeper, open_keeper
from gantry.apps.keys import Keyrings, KmsKeyring, RsaKeyring, VaultMaker
from gantry.domains.accounts import repo as accounts
from gantry.domains.accounts.model import DataKey
from gantry.domains.keys import places, retire, service, walk
from gantry.domains.keys.kinds import Phase
from gantry.domains.keys.model import Rekey
from gantry.domains.tfstate.resealing import StatesPlace
from gantry.infra import queue
from gantry.infra.data_keys import DataKeys, new_data_key
from gantry.infra.db import Database, connect, libpq_url
from gantry.infra.local_objects import LocalObjects
from gantry.infra.vault import load_private_key
from gantry.jobs.routing import ROUTES, SIGNALS
from gantry.kernel.ids import new_id
from gantry.kernel.tx import SYSTEM
from gantry.ports.objects import Objects

LONGEST = timedelta(days=7)
"""How long tokens last."""

ENOUGH = 60.0
"""Seconds for a step that goes on until there is nothing to do: it ends far earlier."""

Ring = RsaKeyring | KmsKeyring


def rings(present: Ring, other: Ring | None = None) -> VaultMaker:
    """A keyring whose settings name these."""

    async def ask() -> Ring | None:
        return other

    return Keyrings(present, ask)


@dataclass
class Member:
    """A process: a server, a drain."""

    db: Database
    objects: Objects
    keeper: KeyKeeper
    kind: str = "drain"
    id: str = field(default_factory=new_id)

    @property
    def vault(self) -> DataKeys:
        """Its vault."""
        return self.keeper.vault

    async def beat(self) -> None:
        """Look at the keys, and say that it is at work."""
        await self.keeper.look()
        async with self.db.write(SYSTEM) as tx:
            await accounts.note_process(
                tx, self.id, kind=self.kind, host=self.id, release="1", started_at=tx.now
            )
            await self.keeper.note(tx, self.id)

    def places(self) -> list[places.Place]:
        """What it walks through."""
        return [*places.columns(self.vault), StatesPlace(self.vault, self.objects)]

    async def step(self, seconds: float = ENOUGH) -> Phase | None:
        """Take the re-key further."""
        means = walk.Means(self.db, self.vault, self.keeper.ring, self.places())
        return await walk.step(means, lasts=seconds)

    async def retire(self) -> list[int]:
        """Forget keys that nothing needs."""
        return await retire.retire(self.db, self.objects, self.places(), longest=LONGEST)

    async def start(self) -> Rekey:
        """What `gantry admin rekey start` does."""
        wrapped = await self.keeper.ring.wrap(new_data_key())
        async with self.db.write(SYSTEM) as tx:
            return await service.start(tx, wrapped)

    async def finish(self) -> Phase | None:
        """Take the re-key to its end, alone."""
        await self.beat()
        assert await self.step() is Phase.SWITCHED
        await self.beat()
        return await self.step()

    async def standing(self) -> service.Standing:
        """Where the re-key stands."""
        async with self.db.read(SYSTEM) as tx:
            found = await service.standing(tx)
        assert found is not None
        return found


async def member(db: Database, objects: Objects, url: str, ring: VaultMaker) -> Member:
    """A process that has just started."""
    return Member(db, objects, await open_keeper(db, ring, url=url, longest=LONGEST))


async def keep_first_key(db: Database, ring: VaultMaker, data_key: bytes) -> None:
    """The installation has sealed with this data key so far."""
    wrapped = await ring.wrap(data_key)
    async with db.write(SYSTEM) as tx:
        tx.session.add(DataKey(version=1, wrapped=wrapped, created_at=tx.now, current=True))


async def until(said: Callable[[], Awaitable[bool]]) -> None:
    """Return as soon as it is so."""
    async with asyncio.timeout(ENOUGH):
        while not await said():
            await asyncio.sleep(0.01)


async def _main(url: str, place: Path) -> None:
    ring = rings(RsaKeyring(load_private_key(sys.stdin.read())))
    engine = connect(url)
    app = queue.open_queue(libpq_url(url))
    db = Database(engine, queue.outbox(app, ROUTES, SIGNALS))
    async with app.open_async():
        keeper = await open_keeper(db, ring, url=url, longest=LONGEST)
        vault = keeper.vault
        objects = LocalObjects(
            place,
            base_url="https://gantry.test",
            sign=vault.sign_url,
            check=vault.check_url,
            clock=lambda: datetime.now(UTC),
        )
        await Member(db, objects, keeper).step()
    await engine.dispose()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], Path(sys.argv[2])))
