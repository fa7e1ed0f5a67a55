"""What runs used of workers, and how many workers there were, as tables of plain values.

Their columns are those that tools of existing installations load (public documentation, "Usage").
Nothing here is billed.
"""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta

from gantry.domains.people import access
from gantry.domains.runs import usage_repo
from gantry.domains.runs.usage_repo import Stay
from gantry.kernel.errors import UserError
from gantry.kernel.tx import Actor
from gantry.ports.db import Db

MAX_DAYS = 366
"""Of one table: a year."""
PAGE = 5000
"""Stays that are read at a time: some hundred kilobytes."""
DAY = timedelta(days=1)
MONTH = timedelta(days=30)
"""What is shown to whoever names no days."""

WORKERS = ("id", "count", "timestamp_unix", "worker_pool_name")
MINUTES = (
    "timestamp_unix",
    "state_duration_minutes",
    "public",
    "run_state",
    "run_type",
    "run_ulid",
    "stack_name",
    "stack_slug",
    "stack_ulid",
    "is_stack",
    "worker_pool_name",
    "worker_pool_ulid",
)

Row = Sequence[str | int | float]


class Aspect(enum.StrEnum):
    """What is counted."""

    WORKER_COUNT = "worker-count"
    """Workers of each pool at each full hour."""
    RUN_MINUTES = "run-minutes"
    """Minutes for which runs held workers, that began within the days."""


class GroupBy(enum.StrEnum):
    """What a row of minutes is of."""

    RUN_STATE = "run-state"
    """One state that a run was in."""
    RUN_TYPE = "run-type"
    """A run as a whole; the state is left empty."""


async def table(
    db: Db,
    actor: Actor,
    aspect: Aspect,
    group_by: GroupBy,
    *,
    since: datetime | None,
    until: datetime | None,
) -> AsyncIterator[Sequence[Row]]:
    """The table in parts, the first of which is its head; without days, that of the last month.
    Needs root admin, for every part.

    Raises UserError for too many days, or for none.
    """
    async with db.read(actor) as tx:
        access.require_admin(tx)
        until = until or tx.now
    since = since or until - MONTH
    if not timedelta() < until - since <= timedelta(days=MAX_DAYS):
        raise UserError(f"`since` lies before `until`, and at most {MAX_DAYS} days before it.")
    if aspect is Aspect.WORKER_COUNT:
        yield [WORKERS]
        async for part in _workers(db, actor, since, until):
            yield part
        return
    yield [MINUTES]
    stays = _stays(db, actor, since, until)
    async for part in _whole(stays) if group_by is GroupBy.RUN_TYPE else stays:
        yield [_minutes(stay) for stay in part]


async def _workers(
    db: Db, actor: Actor, since: datetime, until: datetime
) -> AsyncIterator[Sequence[Row]]:
    number = 0
    while since < until:
        async with db.look_back(actor) as tx:
            found = await usage_repo.workers(tx, since, min(since + DAY, until, tx.now))
        yield [(number + n, count, at, pool) for n, (at, pool, count) in enumerate(found, 1)]
        number += len(found)
        since += DAY


async def _stays(
    db: Db, actor: Actor, since: datetime, until: datetime
) -> AsyncIterator[Sequence[Stay]]:
    """In the order of runs, and of each run's states."""
    after = ("", 0)
    while True:
        async with db.look_back(actor) as tx:
            found = await usage_repo.stays(tx, since, until, after=after, limit=PAGE)
        yield found
        if len(found) < PAGE:
            return
        after = (found[-1].run_id, found[-1].version)


async def _whole(parts: AsyncIterator[Sequence[Stay]]) -> AsyncIterator[Sequence[Stay]]:
    """Each run's stays as one, of which the last in a part may go on in the next."""
    going: Stay | None = None
    async for stays in parts:
        done = []
        for stay in stays:
            if going is not None and going.run_id == stay.run_id:
                going = going._replace(seconds=going.seconds + stay.seconds)
                continue
            if going is not None:
                done.append(going)
            going = stay._replace(state="")
        yield done
    if going is not None:
        yield [going]


def _minutes(stay: Stay) -> Row:
    return (
        stay.at,
        round(stay.seconds / 60, 4),
        str(stay.public).lower(),
        stay.state,
        stay.kind,
        stay.run_id,
        stay.stack_name,
        stay.stack_id,
        "",  # stacks have no other id than their slug
        "true",
        stay.pool_name,
        stay.pool_id,
    )
