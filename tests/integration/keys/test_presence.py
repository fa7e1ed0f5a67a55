"""A process goes on saying what keys it has, whatever happens: a re-key waits for it."""

from __future__ import annotations

import itertools
from datetime import timedelta
from types import SimpleNamespace

from gantry.apps.presence import present

from tests.support.rekeying import until


class Stumbling:
    """A keeper of whose looks and notes only one in three succeeds."""

    look_every = timedelta(0)

    def __init__(self, keeper) -> None:
        self.keeper = keeper
        self.numbers = itertools.count()
        self.noted = 0

    async def look(self) -> None:
        self.number = next(self.numbers)
        if self.number % 3 == 0:
            raise RuntimeError("looking fails")

    async def note(self, tx, process_ids) -> None:
        if self.number % 3 == 1:
            raise RuntimeError("noting fails")
        await self.keeper.note(tx, process_ids)
        self.noted += 1


async def test_a_process_that_stumbles_goes_on_saying_what_it_has(core, drain):
    keeper = Stumbling(drain.keeper)

    async with present(SimpleNamespace(db=core.db, keeper=keeper), "server"):

        async def twice_around() -> bool:
            return keeper.noted >= 4

        await until(twice_around)
        said = await core.rows(
            "select kind, opens, seals from process join process_keys on process_id = id"
        )

    assert said == [("server", 1, 1)]  # also when it could not look
    assert await core.rows("select 1 from process") == []
