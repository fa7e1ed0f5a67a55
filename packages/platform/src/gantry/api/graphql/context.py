"""What every resolver is given: who asks, a way to write, and a way to read in batches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar, cast

from graphql import DocumentNode
from strawberry.dataloader import DataLoader
from strawberry.types import Info as StrawberryInfo

from gantry.api.doors import House
from gantry.api.graphql import trail
from gantry.kernel.tx import Actor, Tx

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
Fetch: TypeAlias = Callable[[Tx, Sequence[K]], Awaitable[Mapping[K, V]]]

BATCHES_AT_ONCE = 4
"""Sessions one request may hold at a time: a wide query must not empty the pool for others."""


@dataclass
class Context:
    """Lives as long as one request."""

    house: House
    actor: Actor
    address: str = "unknown"
    user_metadata: tuple[str, ...] = ()
    """Texts a client sent to be kept with the run it starts or confirms."""
    document: DocumentNode | None = None
    """What is executed, parsed; without it the text is parsed where it is executed."""
    named: dict[str | int, dict[str, str]] = field(default_factory=dict)
    """Which stack and run each root field is asked for, by its name in the answer: for the log."""
    _mutation: tuple[str, Mapping[str, Any]] | None = None
    _about: str | None = None
    _loaders: dict[Any, DataLoader[Any, Any]] = field(default_factory=dict)
    _sessions: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(BATCHES_AT_ONCE))

    async def load(self, fetch: Fetch[K, V], key: K) -> V | None:
        """The value `fetch` has for `key`, fetched together with its siblings.

        Sibling resolvers run concurrently and a session cannot, so each batch opens a session
        of its own.
        """

        async def batch(keys: list[K]) -> list[V | None]:
            async with self.read() as tx:
                found = await fetch(tx, keys)
            return [found.get(key) for key in keys]

        if fetch not in self._loaders:
            self._loaders[fetch] = DataLoader(batch)
        return cast("V | None", await self._loaders[fetch].load(key))

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """One of the request's sessions, for a service that opens its own.

        Not to be taken inside of `read`: a request whose turns all wait for turns never ends.
        """
        async with self._sessions:
            yield

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Tx]:
        """A transaction for reading, in the caller's name."""
        async with self.turn(), self.house.db.read(self.actor) as tx:
            yield tx

    @asynccontextmanager
    async def look_back(self) -> AsyncIterator[Tx]:
        """As `read`, for statistics that may be a moment old."""
        async with self.turn(), self.house.db.look_back(self.actor) as tx:
            yield tx

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Tx]:
        """A transaction that is kept when the block ends well, in the caller's name.

        What was loaded before is forgotten: the answer shows what was written.
        """
        async with self.house.db.write(self.actor) as tx:
            yield tx
            self._write_down(tx)
        self._loaders.clear()

    def performs(self, mutation: str, given: Mapping[str, Any]) -> None:
        """A mutation begins; its first transaction leaves an entry in the trail."""
        self._mutation, self._about = (mutation, given), None

    def about(self, resource_id: str) -> None:
        """What the mutation is done to, where its arguments do not say."""
        self._about = resource_id

    def wrote(self) -> None:
        """A service has left the mutation's entry, in a transaction of its own."""
        self._mutation = None

    async def settle(self) -> None:
        """The mutation has succeeded; its entry is written if no transaction of it did."""
        if self._mutation is not None:
            if self._mutation[0] in trail.ROWS:
                async with self.write():
                    pass
            self._mutation = None

    def _write_down(self, tx: Tx) -> None:
        if self._mutation is not None:
            trail.write(tx, *self._mutation, self._about, self.address)
            self._mutation = None


Info: TypeAlias = StrawberryInfo[Context, None]
