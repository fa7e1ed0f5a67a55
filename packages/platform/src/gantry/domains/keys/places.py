"""Where sealed things lie, as a re-key walks through them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from gantry.domains.keys import rules, sealed_repo
from gantry.domains.keys.sealed_repo import SealedRow
from gantry.kernel.sealed import SealedColumn, sealed_columns
from gantry.kernel.tx import SYSTEM, Tx
from gantry.ports.db import Db
from gantry.ports.vault import Unreadable, Vault


@dataclass(frozen=True, slots=True)
class Went:
    """What a batch came to. `after` is the key it ended at; None: there is nothing after it."""

    done: int
    after: Sequence[Any] | None
    unreadable: Sequence[str] = ()


Note = Callable[[Tx, Went], Awaitable[None]]


class Place(Protocol):
    """One kind of sealed things."""

    @property
    def name(self) -> str:
        """Shown to people, and noted in the database."""
        ...

    async def count(self, tx: Tx, version: int) -> int:
        """How many things are not sealed with this version."""
        ...

    async def any_of(self, tx: Tx, version: int) -> bool:
        """Whether anything is sealed with this version, or may be."""
        ...

    async def batch(self, db: Db, version: int, after: Sequence[Any], note: Note) -> Went:
        """Seal the next few things after `after` with this version, and keep with them what `note`
        writes; `note` may refuse, and then nothing has changed.
        """
        ...


@dataclass(frozen=True, slots=True)
class ColumnPlace:
    """The values of a sealed column."""

    column: SealedColumn
    vault: Vault

    @property
    def name(self) -> str:
        """See the protocol."""
        return self.column.name

    async def count(self, tx: Tx, version: int) -> int:
        """See the protocol."""
        return await sealed_repo.count(tx, self.column, but=version)

    async def any_of(self, tx: Tx, version: int) -> bool:
        """See the protocol."""
        return await sealed_repo.any_of(tx, self.column, version)

    async def batch(self, db: Db, version: int, after: Sequence[Any], note: Note) -> Went:
        """See the protocol. The rows are held from before they are opened until they are kept, so
        that nothing newer is overwritten.
        """
        most = 1 if self.column.large else rules.AT_ONCE
        async with db.write(SYSTEM) as tx:
            rows = await sealed_repo.hold(tx, self.column, but=version, after=after, most=most)
            fresh, unreadable = await asyncio.to_thread(self._anew, rows)
            await sealed_repo.replace(tx, self.column, fresh)
            last = rows[-1].key if len(rows) == most else None
            went = Went(len(fresh), last, unreadable)
            await note(tx, went)
        return went

    def _anew(self, rows: Sequence[SealedRow]) -> tuple[list[tuple[SealedRow, bytes]], list[str]]:
        fresh, unreadable = [], []
        for row in rows:
            try:
                plain = self.vault.open(row.sealed, identity=row.identity)
            except Unreadable:
                unreadable.append(row.identity)
            else:
                fresh.append((row, self.vault.seal(plain, identity=row.identity)))
        return fresh, unreadable


def columns(vault: Vault) -> list[ColumnPlace]:
    """Every sealed column there is."""
    return [ColumnPlace(column, vault) for column in sealed_columns()]
