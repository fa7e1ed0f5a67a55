"""Processes of an installation as far as their keys go: each with a vault of its own on one
database, at work when it says so.

Run as a program it is a drain that walks, to be killed in the middle:
`python -m tests.support.rekeying DATABASE_URL DIRECTORY`, the RSA key on standard input.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gantry.apps import wiring  # noqa: F401 - imports every mapped class
from gantry.apps.key_keeper import KeyKeeper, open_keeper
from gantry.apps.keys import KeptVault, Keyrings, KmsKeyring, RsaKeyring, VaultMaker
from gantry.domains.accounts import repo as accounts
from gantry.domains.accounts.model import DataKey
from gantry.domains.contexts import repo as elements_repo
from gantry.domains.contexts import service as elements
from gantry.domains.contexts.kinds import ElementType, OwnerKind
from gantry.domains.keys import places, retire, service, walk
from gantry.domains.keys.kinds import Phase
from gantry.domains.keys.model import Rekey
from gantry.domains.stacks import repo as stacks
from gantry.domains.stacks.model import Stack
from gantry.domains.tfstate import service as states
from gantry.domains.tfstate.resealing import StatesPlace
from gantry.infra import queue
from gantry.infra.data_keys import new_data_key
from gantry.infra.db import Database, connect, libpq_url
from gantry.infra.local_objects import LocalObjects
from gantry.infra.vault import load_private_key
from gantry.jobs.routing import ROUTES, SIGNALS
from gantry.kernel.ids import new_id
from gantry.kernel.sealed import sealed_columns
from gantry.kernel.tx import SYSTEM, Tx
from gantry.ports.objects import Objects
from sqlalchemy import text

from tests.support.core import Core

LONGEST = timedelta(days=7)
"""How long tokens last."""

ENOUGH = 60.0
"""Seconds for a step that goes on until there is nothing to do: it ends far earlier."""

OWNER = "here"
"""The context whose secrets are written and read."""

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
    def vault(self) -> KeptVault:
        """Its vault."""
        return self.keeper.vault

    async def beat(self) -> None:
        """Look at the keys, and say that it is at work."""
        await self.keeper.look()
        async with self.db.write(SYSTEM) as tx:
            await accounts.note_processes(
                tx, {self.id: self.kind}, host=self.id, release="1", started_at=tx.now
            )
            await self.keeper.note(tx, [self.id])

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


async def another(core: Core, ring: VaultMaker) -> Member:
    """One more process, which has just started."""
    return await member(core.db, core.objects, core.url, ring)


async def put(core: Core, vault: KeptVault, name: str, value: str) -> None:
    """Somebody sets a secret."""
    async with core.db.write(SYSTEM) as tx:
        await _put(tx, vault, name, value)


async def given_elements(core: Core, vault: KeptVault, count: int) -> dict[str, str]:
    """That many secrets, by name."""
    values = {f"SECRET_{n:04}": f"value {n}" for n in range(count)}
    async with core.db.write(SYSTEM) as tx:
        for name, value in values.items():
            await _put(tx, vault, name, value)
    return values


async def _put(tx: Tx, vault: KeptVault, name: str, value: str) -> None:
    await elements.put(
        tx,
        vault,
        owner=OwnerKind.CONTEXT,
        owner_id=OWNER,
        element_type=ElementType.ENVIRONMENT_VARIABLE,
        element_id=name,
        value=value,
        write_only=True,
        description=None,
    )


async def read_all(core: Core, vault: KeptVault) -> dict[str, str]:
    """Every secret, opened."""
    async with core.db.read(SYSTEM) as tx:
        rows = await elements_repo.of_contexts(tx, [OWNER])
    return {one.id: elements.reveal(vault, one) for one in rows[OWNER]}


async def given_a_stored_state(
    core: Core, vault: KeptVault, stack: Stack, *, padding: int = 0
) -> bytes:
    """The stack's state, with a secret output, which is published."""
    output = {"value": "hunter2", "type": "string", "sensitive": True}
    state = {"version": 4, "serial": 1, "lineage": "ours", "outputs": {"password": output}}
    body = json.dumps(state | {"resources": [], "more": "x" * padding}).encode()

    async def still(tx: Tx) -> None:
        await stacks.lock(tx, stack.id)

    writer = states.Writer("ada")
    await states.write(
        *(core.db, vault, core.objects, stack.id, body),
        lock_id=None,
        writer=writer,
        still_allowed=still,
    )
    async with core.db.write(SYSTEM) as tx:
        fresh = await states.outputs_of_current(tx, vault, stack.id) or []
        await states.publish_outputs(tx, vault, stack.id, fresh, run_id=None, keep_sensitive=True)
    return body


async def versions(core: Core) -> dict[str, set[int]]:
    """Which data keys each column's values are sealed with."""
    found: dict[str, set[int]] = {}
    async with core.db.engine.connect() as connection:
        for one in sealed_columns():
            table, column = one.column.table.name, one.column.name
            first = f"substring({column} from 1 for 5)"
            query = f"select distinct {first} from {table} where {column} is not null"
            rows = await connection.execute(text(query))
            found[one.name] = {int.from_bytes(bytes(row[0])[1:], "big") for row in rows}
    return {name: numbers for name, numbers in found.items() if numbers}


async def days_pass(core: Core, days: int = 8) -> None:
    """Everything that was noted is that much older."""
    for table, columns in {
        "rekey": ("started_at", "switched_at", "finished_at"),
        "replaced_object": ("replaced_at",),
        "signing_key": ("first_used_at", "last_used_at"),
    }.items():
        earlier = ", ".join(f"{name} = {name} - interval '{days} days'" for name in columns)
        await core.change(f"update {table} set {earlier}")


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
