"""The queries behind `runs.usage`."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import and_, func, or_, select, text, tuple_
from sqlalchemy.orm import aliased

from gantry.domains.pools.model import Worker, WorkerPool
from gantry.domains.runs.model import Run, Transition
from gantry.domains.runs.states import WORKING
from gantry.domains.stacks.model import Stack
from gantry.kernel.tx import Tx


class Stay(NamedTuple):
    """A run in a state in which it held a worker; `at` in Unix seconds."""

    at: int
    seconds: float
    public: bool
    state: str
    kind: str
    version: int
    """Its place among the run's states."""
    run_id: str
    stack_name: str
    stack_id: str
    pool_name: str
    pool_id: str


Place = tuple[str, int]
"""A run, and the version of one of its states."""


async def stays(
    tx: Tx, since: datetime, until: datetime, *, after: Place, limit: int
) -> list[Stay]:
    """Stays that began within the time, behind the run and version `after`, by run and in their
    order. One that lasts still has lasted until now. Not authorised; the service is.
    """
    # A run's history is read along its key, which sorts by creation; times have no index.
    then = aliased(Transition)
    query = (
        select(
            func.extract("epoch", Transition.at),
            func.extract("epoch", func.coalesce(then.at, tx.now) - Transition.at),
            WorkerPool.public,
            Transition.after,
            Run.kind,
            Transition.version,
            Run.id,
            Stack.name,
            Stack.id,
            WorkerPool.name,
            WorkerPool.id,
        )
        .join(Run, Run.id == Transition.run_id)
        .join(Stack, Stack.id == Run.stack_id)
        .join(WorkerPool, WorkerPool.id == Run.pool_id)
        .outerjoin(
            then, and_(then.run_id == Transition.run_id, then.version == Transition.version + 1)
        )
        .where(
            tuple_(Transition.run_id, Transition.version) > after,
            Transition.at >= since,
            Transition.at < until,
            Transition.after.in_(WORKING),
        )
        .order_by(Transition.run_id, Transition.version)
        .limit(limit)
    )
    rows = (await tx.session.execute(query)).tuples()
    return [
        Stay(int(at), float(took), public, state.value, kind.value, version, *names)
        for at, took, public, state, kind, version, *names in rows
    ]


async def workers(tx: Tx, since: datetime, until: datetime) -> list[tuple[int, str, int]]:
    """At each full hour from `since` on and before `until`: the hour in Unix seconds, a pool's
    name, and how many workers it had. Pools without workers are left out. Not authorised; the
    service is.
    """
    hours = func.generate_series(since, until, text("interval '1 hour'"))
    clock = hours.table_valued("hour", name="clock").render_derived()
    hour = clock.c.hour
    query = (
        select(func.extract("epoch", hour), WorkerPool.name, func.count())
        .select_from(Worker)
        .join(WorkerPool, WorkerPool.id == Worker.pool_id)
        .join(
            clock,
            and_(
                hour < until,
                Worker.created_at <= hour,
                or_(Worker.gone_at.is_(None), Worker.gone_at > hour),
            ),
        )
        .where(Worker.created_at < until, or_(Worker.gone_at.is_(None), Worker.gone_at > since))
        .group_by(hour, WorkerPool.id, WorkerPool.name)
        .order_by(hour, WorkerPool.name, WorkerPool.id)
    )
    rows = (await tx.session.execute(query)).tuples()
    return [(int(at), name, count) for at, name, count in rows]
