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


@pytest.fixture
async def core(database_server, keys, source, workshop, tmp_path):
    """The control plane without its doors, on an empty database of its own."""
    from tests.support.core import core

    objects = workshop / "template" / "objects"
    async with (
        database_server.database() as url,
        core(url, tmp_path / "core", keys, source, objects=objects) as built,
    ):
        yield built
    shutil.rmtree(tmp_path / "core", ignore_errors=True)
