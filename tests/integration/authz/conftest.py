"""One world for all of these tests: it is made once, and put back after whatever changed it."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace

import httpx2
import pytest
from gantry.infra.db import connect
from gantry.ports.findings import Finding, good

from tests.integration.api.conftest import PASSWORD, nobody  # noqa: F401 - a fixture
from tests.integration.authz.world import World, build
from tests.support.core import Core
from tests.support.core import core as core_on
from tests.support.database import shared_database


class Place:
    """Where the world is, and the world once somebody has asked for it."""

    def __init__(self, core: Core, leaving: AsyncExitStack) -> None:
        self.core, self.leaving = core, leaving
        self.world: World | None = None


@pytest.fixture(scope="session")
async def place(database_server, keys, source, workshop) -> AsyncIterator[Place]:
    """A database of its own, on which nothing stands yet."""
    async with AsyncExitStack() as leaving:
        url = await leaving.enter_async_context(database_server.database())
        engine = connect(url, pool_size=10)
        leaving.push_async_callback(engine.dispose)
        files = workshop / "authz"
        shutil.copytree(workshop / "template" / "objects", files / "objects")
        yield Place(core_on(engine, url, files, keys, source), leaving)


@pytest.fixture
def core(place: Place) -> Core:
    """The control plane of the world, which is not reset between tests."""
    return place.core


@pytest.fixture
async def world(place: Place, nobody) -> World:  # noqa: F811
    """The world, made at the first test that asks."""
    if place.world is None:
        credentials = {"username": "ada", "password": PASSWORD}
        signed_in = await nobody.http.post("/admin-login", json=credentials)
        place.world = await build(place.core, signed_in.json()["jwt"])
        # From here on this is what the database is put back to.
        place.world.database = await place.leaving.enter_async_context(
            shared_database(place.core.url)
        )
    return place.world


@pytest.fixture
def http(nobody) -> httpx2.AsyncClient:  # noqa: F811
    """The way to the API, of a server that can look at what it stands on."""

    async def examine() -> list[Finding]:
        return [good("database", "It answers.")]

    state = nobody.app.state
    state.house = replace(state.house, examine=examine)
    return nobody.http
