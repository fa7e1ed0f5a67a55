"""What tests share: a Postgres for the session, and the control plane on a database of its own."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest

# The fixtures import what they need when they are used: a unit test of the worker needs neither
# the platform nor its vendors, and starts in a fraction of the time.


@pytest.fixture(scope="session")
def keys():
    """Key pairs that every test shares, because making them takes a second."""
    from tests.support.core import make_keys

    return make_keys()


@pytest.fixture(scope="session")
def workshop():
    """A directory for what the session shares."""
    with tempfile.TemporaryDirectory(prefix="gantry-tests-") as name:
        yield Path(name)


@pytest.fixture(scope="session")
def source(workshop):
    """The repository that the stacks of tests come from."""
    from tests.support.core import make_source

    return make_source(workshop / "source")


@pytest.fixture(scope="session")
async def database_server(keys, source, workshop):
    """A Postgres with a template that is migrated and initialised."""
    from tests.support.core import fill
    from tests.support.database import database_server

    async with database_server() as server:
        try:
            await server.prepare(lambda url: fill(url, workshop / "template", keys, source))
            yield server
        finally:
            await server.clean_up()


@pytest.fixture(scope="session")
async def shared_database(database_server):
    """The database that tests use one after the other."""
    from tests.support.database import shared_database

    async with database_server.database() as url, shared_database(url) as database:
        yield database


@pytest.fixture
async def core(shared_database, keys, source, workshop, tmp_path):
    """The control plane without its doors, on a database without stacks, pools and people."""
    from tests.support.core import core

    await shared_database.reset()
    shutil.copytree(workshop / "template" / "objects", tmp_path / "core" / "objects")
    yield core(shared_database.engine, shared_database.url, tmp_path / "core", keys, source)
    shutil.rmtree(tmp_path / "core")


@pytest.fixture(scope="session")
def providers():
    """Identity providers for the installation of the small tests."""
    from tests.support.core import BASE_URL
    from tests.support.identity_providers import identity_providers

    with identity_providers(BASE_URL) as found:
        yield found
