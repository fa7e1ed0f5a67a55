"""One world for all of these tests: it is made once, and put back after whatever changed it."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from gantry.infra.db import connect
from gantry.ports.findings import Finding, good

from tests.integration.api.conftest import (  # noqa: F401 - two are fixtures
    PASSWORD,
    Caller,
    doors,
    sign_on,
    token_issuer,
)
from tests.integration.authz.world import World, build
from tests.support.core import Core
from tests.support.core import core as core_on
from tests.support.database import shared_database


@pytest.fixture(scope="session")
async def core(database_server, keys, source, workshop) -> AsyncIterator[Core]:
    """The control plane on a database of its own, which is not reset between tests."""
    async with database_server.database() as url:
        engine = connect(url, pool_size=10)
        try:
            files = workshop / "authz"
            shutil.copytree(workshop / "template" / "objects", files / "objects")
            yield core_on(engine, url, files, keys, source)
        finally:
            await engine.dispose()


@pytest.fixture(scope="session")
async def nobody(core, token_issuer, sign_on) -> AsyncIterator[Caller]:  # noqa: F811
    """In front of a server that can look at what it stands on."""

    async def examine() -> list[Finding]:
        return [good("database", "It answers.")]

    async with doors(core, token_issuer, sign_on) as caller:
        state = caller.app.state
        state.house = replace(state.house, examine=examine)
        yield caller


@pytest.fixture(scope="session")
async def world(core, nobody) -> AsyncIterator[World]:
    """The world. What it is when it is made is what the database is put back to."""
    credentials = {"username": "ada", "password": PASSWORD}
    signed_in = await nobody.http.post("/admin-login", json=credentials)
    made = await build(core, signed_in.json()["jwt"])
    async with shared_database(core.url) as made.database:
        yield made


@pytest.fixture
def http(nobody):
    """The way to the API."""
    return nobody.http
