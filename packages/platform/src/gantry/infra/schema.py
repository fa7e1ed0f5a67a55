"""Bringing the database to this release's schema, once, however many processes start.

Processes of two releases may run on one database while an installation is being upgraded, so a
schema that is newer than this release is used as it is, unless it says that it does not serve
releases as old as this one (docs/guides/adding-a-migration.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from procrastinate.schema import SchemaManager
from psycopg.errors import DeadlockDetected, LockNotAvailable
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import OperationalError

from gantry.infra.db import sqlalchemy_url

log = structlog.get_logger()

LOCK = 0x67616E747279  # "gantry": the advisory lock under which one process migrates
OLDEST_POSTGRES = 140000


FLOOR = "schema_floor"
"""The table whose one row names the oldest schema whose code can work with the present one. Like
Alembic's own it is not part of any schema: it has to be there before the next one is known."""

LOOK_AGAIN_SECONDS = 0.2
"""While another process migrates, which takes less than a second as a rule."""


LOCK_TIMEOUT = "200ms"
"""For a migration to wait for a table that is in use. Everybody else who wants the table stands
behind it meanwhile; and it is far less than the second after which PostgreSQL looks for deadlocks
and ends one of those who are in them, so that nobody's work is given up for a migration's."""

ATTEMPTS = 300
"""To find the tables free, in the course of some minutes. Transactions take milliseconds here."""


class DatabaseUnusable(Exception):
    """The database is too old, too new or cannot be reached; the message is for the operator."""


def migrate(url: str) -> None:
    """Apply what is missing, under an advisory lock; returns when the schema is current, or a
    newer one that serves this release.

    Raises DatabaseUnusable. Blocking: called before the event loop has work, or in a thread.
    """
    engine = create_engine(
        sqlalchemy_url(url), hide_parameters=True, connect_args={"prepare_threshold": None}
    )
    try:
        with _reached(engine) as connection:
            _check_version(connection)
            _lock(connection)
            try:
                _upgrade(connection)
                _queue_tables(connection)
            finally:
                connection.rollback()
                connection.execute(text("select pg_advisory_unlock(:lock)"), {"lock": LOCK})
                connection.commit()
    finally:
        engine.dispose()


@dataclass(frozen=True, slots=True)
class Standing:
    """What a database is found to be, without changing it."""

    version: str
    """PostgreSQL's own."""
    revision: str | None
    """The schema's; None while there is none."""
    newest: str
    """The schema that this release wants."""
    known: bool
    """Whether this release knows the schema; if not, it is a newer release's."""
    serves: bool
    """Whether this release can work with it, once it is brought up if it is older."""
    clock_ahead: timedelta
    """How far the database's clock is before this machine's."""


def look(url: str) -> Standing:
    """Look at the database. Raises DatabaseUnusable. Blocking."""
    engine = create_engine(
        sqlalchemy_url(url), hide_parameters=True, connect_args={"prepare_threshold": None}
    )
    try:
        with _reached(engine) as connection:
            _check_version(connection)
            revision = MigrationContext.configure(connection).get_current_revision()
            scripts = ScriptDirectory.from_config(alembic_config(connection))
            known = _known(scripts)
            theirs = connection.scalar(text("select clock_timestamp()")) or datetime.now(UTC)
            return Standing(
                version=str(connection.scalar(text("show server_version"))).split()[0],
                revision=revision,
                newest=str(scripts.get_current_head()),
                known=revision in known,
                serves=revision is None or revision in known or _floor(connection) in known,
                clock_ahead=theirs - datetime.now(UTC),
            )
    finally:
        engine.dispose()


def _reached(engine: Engine) -> Connection:
    try:
        return engine.connect()
    except OperationalError as error:
        # The driver's words name host and reason, never the password.
        reason = str(error.orig).strip().splitlines()[0]
        raise DatabaseUnusable(f"DATABASE_URL cannot be reached: {reason}") from None


def alembic_config(connection: Connection) -> Config:
    """Alembic's configuration over an open connection."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def _check_version(connection: Connection) -> None:
    version = int(connection.scalar(text("show server_version_num")) or 0)
    if version < OLDEST_POSTGRES:
        raise DatabaseUnusable(
            f"PostgreSQL 14 or newer is needed; the server's version is {version // 10000}."
        )


def _lock(connection: Connection) -> None:
    # Asked for again and again: a statement that waits for the lock holds a snapshot, which the
    # migration that holds the lock may itself have to wait for (`create index concurrently`).
    while not connection.scalar(text("select pg_try_advisory_lock(:lock)"), {"lock": LOCK}):
        connection.commit()
        _pause(connection)
    connection.commit()


def _pause(connection: Connection) -> None:
    connection.execute(text("select pg_sleep(:seconds)"), {"seconds": LOOK_AGAIN_SECONDS})
    connection.commit()


def _upgrade(connection: Connection) -> None:
    config = alembic_config(connection)
    scripts = ScriptDirectory.from_config(config)
    revision = MigrationContext.configure(connection).get_current_revision()
    if revision is not None and revision not in (known := _known(scripts)):
        if _floor(connection) not in known:
            raise DatabaseUnusable(
                f"The database has schema {revision}, for which this release is too old: start the"
                " newer release's program, or restore the backup from before it was upgraded."
            )
        log.info("database of a newer release", schema=revision)
        return
    # Before the schema changes: nobody may take the old floor for that of the new schema.
    _set_floor(connection, floor(scripts))
    if revision == scripts.get_current_head():
        return
    for _ in range(ATTEMPTS):
        try:
            connection.execute(text(f"set lock_timeout = '{LOCK_TIMEOUT}'"))
            connection.commit()
            command.upgrade(config, "head")
            connection.commit()
            return
        except OperationalError as error:
            connection.rollback()
            if not isinstance(error.orig, LockNotAvailable | DeadlockDetected):
                raise
            log.info("table in use, migrating again", reason=type(error.orig).__name__)
            _pause(connection)
    raise DatabaseUnusable(
        "The schema could not be changed: long transactions keep its tables. Find them in"
        " pg_stat_activity, end them, and start again."
    )


def _known(scripts: ScriptDirectory) -> frozenset[str]:
    return frozenset(script.revision for script in scripts.walk_revisions())


def floor(scripts: ScriptDirectory) -> str:
    """The oldest schema whose code can work with the newest one.

    That is what the newest revision with an `oldest_code` says, or the first of all.
    """
    revision = ""
    for script in scripts.walk_revisions():  # the newest first
        revision = getattr(script.module, "oldest_code", script.revision)
        if hasattr(script.module, "oldest_code"):
            break
    return revision


def _floor(connection: Connection) -> str | None:
    if connection.scalar(text(f"select to_regclass('{FLOOR}')")) is None:
        return None
    found = connection.scalar(text(f"select revision from {FLOOR}"))  # noqa: S608 - our own name
    return None if found is None else str(found)


def _set_floor(connection: Connection, revision: str) -> None:
    connection.execute(
        text(
            f"create table if not exists {FLOOR}"
            " (only_row boolean primary key default true check (only_row), revision text not null)"
        )
    )
    connection.execute(
        text(
            f"insert into {FLOOR} (revision) values (:revision)"  # noqa: S608 - our own name
            " on conflict (only_row) do update set revision = excluded.revision"
        ),
        {"revision": revision},
    )
    connection.commit()


def _queue_tables(connection: Connection) -> None:
    if connection.scalar(text("select to_regclass('procrastinate_jobs')")) is not None:
        return
    connection.exec_driver_sql(SchemaManager.get_schema().replace("%", "%%"))
    connection.commit()
    log.info("queue tables made")
