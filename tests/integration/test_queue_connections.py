"""The queue does not ask the database whether it is there, and finds it again all the same."""

from __future__ import annotations

import asyncio

import psycopg
import pytest
from gantry.infra.db import libpq_url
from gantry.infra.queue_connections import still_connected


@pytest.fixture
async def connection(core):
    opened = await psycopg.AsyncConnection.connect(libpq_url(core.url), autocommit=True)
    async with opened:
        yield opened


async def test_a_connection_that_stands_is_not_asked_anything(core, connection):
    pid = connection.info.backend_pid
    await connection.execute("select 1")

    await still_connected(connection)

    ((last, state),) = await core.rows(
        "select query, state from pg_stat_activity where pid = :pid", pid=pid
    )
    assert (last, state) == ("select 1", "idle")


async def test_a_connection_that_the_server_ended_is_found_out(core, connection):
    await still_connected(connection)
    await _end(core, connection.info.backend_pid)

    with pytest.raises(psycopg.OperationalError):
        await still_connected(connection)


async def test_after_a_restart_of_the_database_the_next_job_is_written_at_once(core):
    async with core.queue.open_async():
        task = core.queue.configure_task("runs.promote")
        await task.defer_async(stack_id="before")
        async with core.queue.connector.pool.connection() as one:
            pid = one.info.backend_pid
            assert one.autocommit
        await _end(core, pid)

        await task.defer_async(stack_id="after")

    rows = await core.rows("select args->>'stack_id' from procrastinate_jobs order by id")
    assert rows == [("before",), ("after",)]


async def _end(core, pid: int) -> None:
    await core.change("select pg_terminate_backend(:pid)", pid=pid)
    for _ in range(200):
        if not await core.rows("select 1 from pg_stat_activity where pid = :pid", pid=pid):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("the database kept the connection")
