"""What a process tells the others of itself: that it is there, since when, and which release it is.

It is shown to people who look at the installation. Only a re-key waits for it: every process has to
have the new data key first.
"""

from __future__ import annotations

import asyncio
import platform
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from sqlalchemy.exc import SQLAlchemyError

from gantry.apps import wiring
from gantry.domains.accounts import repo
from gantry.kernel.ids import new_id
from gantry.kernel.tx import SYSTEM
from gantry.ports.db import Db

log = structlog.get_logger()

_AWAY = (SQLAlchemyError, OSError)
"""A database that is away: whoever looks sees the process fall silent, and come back."""


@dataclass(frozen=True, slots=True)
class _Part:
    kind: str
    id: str = field(default_factory=new_id)


@asynccontextmanager
async def present(core: wiring.Core, *kinds: str) -> AsyncIterator[None]:
    """While the body runs, this process is known as one of each of these kinds."""
    parts = [_Part(kind) for kind in kinds]
    saying = asyncio.create_task(_say(core, parts))
    try:
        yield
    finally:
        saying.cancel()
        await asyncio.gather(saying, return_exceptions=True)
        await _take_leave(core.db, parts)


async def _say(core: wiring.Core, parts: list[_Part]) -> None:
    since: datetime | None = None
    host, release = platform.node(), wiring.release()
    while True:
        try:
            await _look(core)
            async with core.db.write(SYSTEM) as tx:
                since = since or tx.now
                kinds = {part.id: part.kind for part in parts}
                await repo.note_processes(tx, kinds, host=host, release=release, started_at=since)
                await core.keeper.note(tx, list(kinds))
        except _AWAY as error:
            log.debug("presence not noted", reason=type(error).__name__)
        except Exception:
            # Whoever stops here seals with an old key for ever, and nobody knows.
            log.exception("presence not noted")
        await asyncio.sleep(core.keeper.look_every.total_seconds())


async def _look(core: wiring.Core) -> None:
    """Look at the keys. One who cannot is at work all the same, and says so with the keys that it
    has: then a re-key waits for it, and names it.
    """
    try:
        await core.keeper.look()
    except _AWAY:
        raise
    except Exception:
        log.exception("keys not looked at")


async def _take_leave(db: Db, parts: list[_Part]) -> None:
    try:
        async with db.write(SYSTEM) as tx:
            for part in parts:
                await repo.forget_process(tx, part.id)
    except _AWAY as error:
        log.debug("leave not taken", reason=type(error).__name__)
