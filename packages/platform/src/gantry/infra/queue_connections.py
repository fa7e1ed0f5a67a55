"""The queue's connections to the database: cheap while nothing happens, and found again."""

from __future__ import annotations

import asyncio
import select
from collections.abc import Iterable
from typing import Any

import procrastinate
import psycopg
import psycopg_pool
import structlog
from procrastinate import connector
from procrastinate.exceptions import ConnectorException

LISTEN_AGAIN_SECONDS = 1.0
"""For a database that is back within seconds. Until then jobs are asked for all the same."""
_LAST_WORDS = 8
"""Reads of what a server says before it goes: its farewell, and what it had to tell before."""

log = structlog.get_logger()


def connector_of(conninfo: str, *, pool_size: int) -> procrastinate.PsycopgConnector:
    """Connections for a queue, at most `pool_size` besides those that listen."""
    return _Connector(
        pool_factory=_pool,
        conninfo=conninfo,
        min_size=1,
        max_size=pool_size,
        kwargs={"prepare_threshold": None},
        configure=_alone,
    )


class _Connector(procrastinate.PsycopgConnector):
    """The library listens anew when a connection breaks, but gives up when that fails as well."""

    async def listen_notify(
        self, on_notification: connector.Notify, channels: Iterable[str]
    ) -> None:
        """Listen until cancelled, whatever the database does meanwhile."""
        while True:
            try:
                await super().listen_notify(on_notification, channels)
            except (ConnectorException, psycopg.Error) as cause:
                log.warning("not listening for jobs", reason=repr(cause.__cause__ or cause))
            await asyncio.sleep(LISTEN_AGAIN_SECONDS)


async def _alone(connection: psycopg.AsyncConnection[Any]) -> None:
    # The library sends one statement at a time: no BEGIN and COMMIT have to be around it.
    await connection.set_autocommit(True)


def _pool(**options: Any) -> psycopg_pool.AsyncConnectionPool:
    # The library would ask the database with each use whether it is there.
    return psycopg_pool.AsyncConnectionPool(**{**options, "check": still_connected})


async def still_connected(connection: psycopg.AsyncConnection[Any]) -> None:
    """Whether the server has not gone away since the connection was used, as far as this machine
    knows; it is not asked. A restarted server has closed the connection, and it is replaced.

    Raises psycopg.OperationalError.
    """
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    for _ in range(_LAST_WORDS):
        if not poll.poll(0):
            return
        connection.pgconn.consume_input()
    raise psycopg.OperationalError("the server says more than it was asked for")
