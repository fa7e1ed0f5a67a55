"""Databases for tests: one server, one migrated template, and a copy that is reset for each."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from gantry.infra.db import connect
from gantry.infra.embedded_postgres import EmbeddedPostgres
from gantry.infra.schema import migrate
from sqlalchemy.ext.asyncio import AsyncEngine

GIVEN = "GANTRY_TEST_DATABASE_URL"
"""A server to use instead of the built-in one; its user may create databases."""

_FAST = ("fsync = off", "synchronous_commit = off", "full_page_writes = off")
"""A crash of the machine loses nothing but tests."""


class DatabaseServer:
    """Gives out databases that are copies of one template."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._template = f"gantry_template_{secrets.token_hex(4)}"
        self._count = 0

    async def prepare(self, fill: Callable[[str], Awaitable[None]]) -> None:
        """Make the template, migrate it, and let `fill` put into it what every test needs."""
        await self._run(f"create database {self._template}")
        url = self.url_of(self._template)
        await asyncio.to_thread(migrate, url)
        await fill(url)

    @asynccontextmanager
    async def database(self) -> AsyncIterator[str]:
        """The URL of a database of its own, gone afterwards."""
        self._count += 1
        name = f"{self._template}_{self._count}"
        await self._run(f"create database {name} template {self._template}")
        try:
            yield self.url_of(name)
        finally:
            await self._run(f"drop database {name} with (force)")

    async def clean_up(self) -> None:
        """Leave nothing on a server that is not ours."""
        await self._run(f"drop database if exists {self._template} with (force)")

    def url_of(self, name: str) -> str:
        """The address of a database on this server."""
        return urlsplit(self._url)._replace(path=f"/{name}").geturl()

    async def _run(self, statement: str) -> None:
        async with await psycopg.AsyncConnection.connect(self._url, autocommit=True) as connection:
            await connection.execute(statement.encode())


@dataclass(frozen=True)
class SharedDatabase:
    """One database that is put back to how it was before each test.

    A copy of the template is a thousand files; deleting the few rows of a test takes
    milliseconds.
    """

    engine: AsyncEngine
    url: str
    _connection: psycopg.AsyncConnection[Any]
    _reset: bytes

    async def reset(self) -> None:
        """Make it as it was. Fails when the test before left a transaction open."""
        await self._connection.execute(self._reset)


@asynccontextmanager
async def shared_database(url: str) -> AsyncIterator[SharedDatabase]:
    """The database at the address, whose present rows are those it is put back to."""
    engine = connect(url, pool_size=10)
    try:
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            await connection.execute("set lock_timeout = '10s'")
            yield SharedDatabase(engine, url, connection, await _way_back(connection))
    finally:
        await engine.dispose()


async def _way_back(connection: psycopg.AsyncConnection[Any]) -> bytes:
    """The statements that undo whatever a test does; present rows are kept aside for them."""
    tables = await connection.execute(
        "select relname from pg_class where relkind = 'r'"
        " and relnamespace = 'public'::regnamespace"
        " and relname not in ('alembic_version', 'schema_floor')"
    )
    graph: dict[str, set[str]] = {name: set() for (name,) in await tables.fetchall()}
    keys = await connection.execute(
        "select a.relname, b.relname from pg_constraint c join pg_class a on a.oid = c.conrelid"
        " join pg_class b on b.oid = c.confrelid where contype = 'f' and a.oid <> b.oid"
    )
    for child, parent in await keys.fetchall():
        graph[child].add(parent)
    order = list(TopologicalSorter(graph).static_order())  # parents first
    statements = [f'delete from "{name}"' for name in reversed(order)]
    await connection.execute("create schema kept")
    for name in order:
        made = await connection.execute(f'create table kept."{name}" as table "{name}"'.encode())
        if made.rowcount:
            statements.append(f'insert into "{name}" select * from kept."{name}"')
        else:
            await connection.execute(f'drop table kept."{name}"'.encode())
    return "; ".join(statements).encode()


@asynccontextmanager
async def database_server() -> AsyncIterator[DatabaseServer]:
    """The server named in the environment, else one of our own that ends with the block."""
    if given := os.environ.get(GIVEN):
        yield DatabaseServer(given)
        return
    # Not below pytest's own directories: it closes them to the server's account.
    place = Path(tempfile.mkdtemp(prefix="gantry-tests-"))
    postgres = EmbeddedPostgres(place / "pg")
    try:
        url = await postgres.start()
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            for setting in _FAST:
                await connection.execute(f"alter system set {setting}".encode())
            await connection.execute("select pg_reload_conf()")
        yield DatabaseServer(url)
    finally:
        await postgres.stop()
        await asyncio.to_thread(shutil.rmtree, place, ignore_errors=True)
