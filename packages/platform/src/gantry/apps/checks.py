"""The server's own look at what the installation stands on, for an administrator at the pages.

It is the doctor's, without what only makes sense from elsewhere: names and the server's address.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence

from gantry.apps import doctor, doctor_keys, doctor_storage
from gantry.apps.wiring import Core
from gantry.infra import schema
from gantry.ports.findings import Finding, bad

GOOD_FOR = 10.0
"""Seconds for which what was found is told again: it takes a round trip through every bucket."""


class Checks:
    """Looks when it is asked, once at a time."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._one = asyncio.Lock()
        self._found: list[Finding] = []
        self._at: float | None = None

    async def __call__(self) -> Sequence[Finding]:
        """What was found, in the order in which people read it."""
        async with self._one:
            if self._at is None or time.monotonic() - self._at > GOOD_FOR:
                self._found = await _look(self._core)
                self._at = time.monotonic()
            return self._found


async def _look(core: Core) -> list[Finding]:
    settings = core.settings
    parts = await asyncio.gather(
        _database(core),
        _all(doctor_storage.examine(settings, core.objects, core.trust)),
        _all(doctor.broker(settings, core.trust)),
        _all(doctor.work(core)),
    )
    return [finding for part in parts for finding in part]


async def _database(core: Core) -> list[Finding]:
    try:
        url = core.settings.database_url.get_secret_value()
        standing = await asyncio.to_thread(schema.look, url)
    except schema.DatabaseUnusable as error:
        return [bad("database", str(error), "Check DATABASE_URL, the network and the server.")]
    keys = await _all(doctor_keys.examine(core))
    return [*doctor.database(standing), await doctor.key(core), *keys]


async def _all(findings: AsyncIterator[Finding]) -> list[Finding]:
    return [finding async for finding in findings]
