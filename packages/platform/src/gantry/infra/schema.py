"""Bringing the database to this release's schema, once, however many processes start."""

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
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import OperationalError

from gantry.infra.db import sqlalchemy_url

log = structlog.get_logger()

LOCK = 0x67616E747279  # "gantry": the advisory lock under which one process migrates
OLDEST_POSTGRES = 140000


class DatabaseUnusable(Exception):
    """The database is too old or cannot be reached; the message is for the operator."""


def migrate(url: str) -> None:
    """Apply what is missing, under an advisory lock; returns when the schema is current.

    Raises DatabaseUnusable. Blocking: called before the event loop has work, or in a thread.
    """
    engine = create_engine(
        sqlalchemy_url(url), hide_parameters=True, connect_args={"prepare_threshold": None}
    )
    try:
        with _reached(engine) as connection:
            _check_version(connection)
            connection.execute(text("select pg_advisory_lock(:lock)"), {"lock": LOCK})
            connection.commit()
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
    known: frozenset[str]
    """Every schema that this release knows."""
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
            known = frozenset(script.revision for script in scripts.walk_revisions())
            theirs = connection.scalar(text("select clock_timestamp()")) or datetime.now(UTC)
            return Standing(
                version=str(connection.scalar(text("show server_version"))).split()[0],
                revision=revision,
                newest=str(scripts.get_current_head()),
                known=known,
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


def _upgrade(connection: Connection) -> None:
    command.upgrade(alembic_config(connection), "head")
    connection.commit()


def _queue_tables(connection: Connection) -> None:
    if connection.scalar(text("select to_regclass('procrastinate_jobs')")) is not None:
        return
    connection.exec_driver_sql(SchemaManager.get_schema().replace("%", "%%"))
    connection.commit()
    log.info("queue tables made")
