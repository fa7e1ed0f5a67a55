"""Opening transactions. The only module that commits."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)

from gantry.kernel.tx import Actor, Event, Tx

Outbox = Callable[[Tx], Awaitable[None]]


_OPTIONS = " ".join(
    (
        # A row is held for milliseconds; whoever waits ten seconds waits for a dead process.
        "-c lock_timeout=10s",
        # A process that stops in the middle of a transaction must not keep its rows.
        "-c idle_in_transaction_session_timeout=60s",
    )
)


_EMPTY: dict[bytes, Callable[[], Any]] = {b"[]": list, b"{}": dict}
_decode = json.JSONDecoder().raw_decode


def _from_jsonb(text: bytes) -> Any:
    """A value as Postgres writes it: UTF-8, nothing around it.

    A row has several of them, empty for the most part: thousands of rows are read in half the
    time that json.loads takes, which looks for other encodings and for spaces first.
    """
    make = _EMPTY.get(text)
    return make() if make is not None else _decode(text.decode())[0]


def _unobserved(_: Sequence[Event]) -> None:
    """For those who count nothing."""


@dataclass
class Database:
    """Postgres behind the `Db` port. `outbox` writes what a transaction's events call for.

    `replica` answers what may be a moment old; without one the database itself does. `observe` is
    told of events once they are kept; it must not fail.
    """

    engine: AsyncEngine
    outbox: Outbox
    replica: AsyncEngine | None = None
    observe: Callable[[Sequence[Event]], None] = _unobserved

    def __post_init__(self) -> None:
        self.sessions: async_sessionmaker[AsyncSession] = async_sessionmaker(
            self.engine, expire_on_commit=False, autoflush=True
        )
        # Reading needs no transaction: under READ COMMITTED each statement sees its own moment
        # anyway, and leaving out BEGIN and ROLLBACK saves two round trips.
        self._reading = _readers(self.engine)
        self._looking_back = _readers(self.replica or self.engine)

    @asynccontextmanager
    async def write(self, actor: Actor) -> AsyncIterator[Tx]:
        """All of the body is kept, with the jobs and signals its events call for, or none."""
        async with self.sessions.begin() as session:
            tx = Tx(session, actor, datetime.now(UTC))
            yield tx
            await self.outbox(tx)
        self.observe(tx.events)

    @asynccontextmanager
    async def read(self, actor: Actor) -> AsyncIterator[Tx]:
        """A session of its own, so that concurrent readers never share a connection."""
        async with self._reading() as session:
            yield Tx(session, actor, datetime.now(UTC))

    @asynccontextmanager
    async def look_back(self, actor: Actor) -> AsyncIterator[Tx]:
        """As `read`, for statistics: on the replica, if there is one, whose rows are older."""
        async with self._looking_back() as session:
            yield Tx(session, actor, datetime.now(UTC))

    async def close(self) -> None:
        """Give every connection back."""
        await self.engine.dispose()
        if self.replica is not None:
            await self.replica.dispose()


def _readers(engine: AsyncEngine) -> async_sessionmaker[AsyncSession]:
    return async_sessionmaker(
        engine.execution_options(isolation_level="AUTOCOMMIT"),
        expire_on_commit=False,
        autoflush=False,
    )


def connect(url: str, *, pool_size: int = 10) -> AsyncEngine:
    """An engine for a libpq-style URL (`postgres://`, `postgresql://`).

    `pool_size` connections stay open per process; as many again may be opened under load, so
    three servers and three drains stay below Postgres' default of 100.
    Statements are not prepared, as poolers in transaction mode require (deployment contract:
    `statement_cache_capacity=0`).
    """
    return create_async_engine(
        sqlalchemy_url(url),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=False,
        # Errors show the statement; its values may be secret.
        hide_parameters=True,
        # A connection idle for five minutes may have been cut by a firewall.
        pool_recycle=300,
        json_deserializer=_from_jsonb,
        connect_args={
            "prepare_threshold": None,
            "connect_timeout": 10,
            "options": _OPTIONS,
            # A server host that vanished is noticed within a minute, not after two hours.
            "keepalives_idle": 20,
            "keepalives_interval": 10,
            "keepalives_count": 3,
            "tcp_user_timeout": 60_000,
        },
    )


def sqlalchemy_url(url: str) -> str:
    """The same address in SQLAlchemy's words, without parameters that libpq does not know."""
    return "postgresql+psycopg://" + libpq_url(url).split("://", 1)[1]


def libpq_url(url: str) -> str:
    """The address as psycopg takes it: drops `statement_cache_capacity`, which is ours to obey."""
    scheme, rest = url.split("://", 1)
    if scheme.split("+")[0] not in ("postgres", "postgresql"):
        raise ValueError("not a PostgreSQL address")
    base, _, query = rest.partition("?")
    kept = [part for part in query.split("&") if part and not part.startswith("statement_cache")]
    return f"postgresql://{base}" + (f"?{'&'.join(kept)}" if kept else "")
