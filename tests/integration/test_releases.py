"""Schemas of other releases: one that serves this one is used as it is, any other is refused."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from gantry.infra.db import libpq_url
from gantry.infra.schema import DatabaseUnusable, migrate

from tests.support.releases import Release, release_to_come

MIGRATE = "import sys; from gantry.infra.schema import migrate; migrate(sys.argv[1])"

EXPAND = """
def upgrade():
    op.create_table("to_come", sa.Column("id", sa.Text(), primary_key=True))
    op.add_column("run", sa.Column("to_come", sa.Text(), nullable=True))
"""
INDEX = """
from gantry.infra.indexes import build_index

def upgrade():
    build_index("run_to_come", "run", ["to_come"], where="to_come is not null")
"""
CONTRACT = """
oldest_code = "9001"

def upgrade():
    op.drop_table("job_failure")
"""


@pytest.fixture(scope="module")
def expanded(workshop) -> Release:
    """A release that adds to the schema."""
    return release_to_come(workshop / "expanded", {"9001": EXPAND, "9002": INDEX})


@pytest.fixture(scope="module")
def contracted(workshop) -> Release:
    """A release that removes what this one needs."""
    return release_to_come(
        workshop / "contracted", {"9001": EXPAND, "9002": INDEX, "9003": CONTRACT}
    )


@pytest.fixture
async def url(database_server):
    async with database_server.database() as url:
        yield url


def start(release: Release, url: str) -> subprocess.CompletedProcess[str]:
    """What a process of the release does to the database first."""
    environment = {**os.environ, **release.settings}
    return subprocess.run(
        [sys.executable, "-c", MIGRATE, url], env=environment, capture_output=True, text=True
    )


def rows(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(libpq_url(url)) as connection:
        return connection.execute(query.encode()).fetchall()


SCHEMA = "select version_num, revision from alembic_version, schema_floor"
COLUMNS = "select table_name, column_name from information_schema.columns order by 1, 2"


async def test_a_schema_that_was_added_to_serves_this_release_and_is_left_alone(url, expanded):
    assert start(expanded, url).returncode == 0
    before = rows(url, COLUMNS)
    assert ("run", "to_come") in before

    migrate(url)

    assert rows(url, SCHEMA) == [("9002", "0001")]
    assert rows(url, COLUMNS) == before


async def test_a_schema_that_lost_what_this_release_needs_is_refused_and_left_alone(
    url, contracted
):
    assert start(contracted, url).returncode == 0
    before = rows(url, COLUMNS)
    assert ("job_failure", "job_id") not in before

    with pytest.raises(DatabaseUnusable, match="this release is too old"):
        migrate(url)

    assert rows(url, SCHEMA) == [("9003", "9001")]
    assert rows(url, COLUMNS) == before


async def test_a_release_goes_on_where_the_one_before_left_the_schema(url, expanded, contracted):
    for release in (expanded, contracted, expanded):
        assert start(release, url).returncode == 0

    assert rows(url, SCHEMA) == [("9003", "9001")]


async def test_a_schema_that_does_not_say_whom_it_serves_is_refused(url):
    with psycopg.connect(libpq_url(url)) as connection:
        connection.execute("update alembic_version set version_num = '9001'")
        connection.execute("drop table schema_floor")

    with pytest.raises(DatabaseUnusable, match="this release is too old"):
        migrate(url)

    assert rows(url, "select version_num, to_regclass('schema_floor') from alembic_version") == [
        ("9001", None)
    ]


async def test_a_migration_steps_back_from_tables_that_are_in_use(url, expanded):
    with psycopg.connect(libpq_url(url)) as busy, ThreadPoolExecutor(1) as hands:
        busy.execute("select 1 from run")  # holds the table until the transaction ends
        starting = hands.submit(start, expanded, url)
        with psycopg.connect(libpq_url(url), autocommit=True) as others:
            refused = "select 1 from pg_stat_activity where query like 'select pg_sleep%'"
            while not others.execute(refused).fetchall():
                assert not starting.done(), starting.result().stderr
                time.sleep(0.05)
            others.execute("select 1 from run")
        busy.commit()
        assert starting.result().returncode == 0

    assert rows(url, SCHEMA) == [("9002", "0001")]


async def test_processes_that_start_at_once_wait_for_the_one_that_builds_an_index(url, expanded):
    with ThreadPoolExecutor(3) as hands:
        ended = list(hands.map(lambda _: start(expanded, url), range(3)))

    assert [process.returncode for process in ended] == [0, 0, 0], [p.stderr for p in ended]
    assert rows(url, SCHEMA) == [("9002", "0001")]
    index = "select indisvalid from pg_index where indexrelid = 'run_to_come'::regclass"
    assert rows(url, index) == [(True,)]
