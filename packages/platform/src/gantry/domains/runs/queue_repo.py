"""Every query about the order in which a pool's workers are given runs.

Spaces take turns: the next run is one of the space that has had least of the pool's time, by its
weight (start-time fair queueing). Each space has a clock per pool, `Share.served`: seconds of
workers' time. A lease is charged with what runs take by guess, so that a space with many runs in
hand is behind at once, and the guess is set right when the run lets its worker go. A space that
comes back after a pause begins at the pool's time, the start of the newest lease: nobody saves
turns up. Before all that goes what people prioritised.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Float,
    Select,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from gantry.domains.runs.model import Run, Share
from gantry.domains.runs.repo import visible
from gantry.domains.runs.states import CLAIMABLE, LOCKING, WORKING, State
from gantry.domains.spaces.model import Space
from gantry.domains.stacks.model import Stack
from gantry.domains.vcs.model import Commit
from gantry.kernel.tx import Tx

GUESS = 60.0
"""Seconds that a run is taken to need until it has let its worker go. Whatever it is, it is set
right afterwards; until then it says how many turns a run in hand is worth."""

AGED = timedelta(minutes=10)
"""From then on a preview or a drift check has waited longer than people like to."""

TURN_OF_THE_AGED = 4
"""Every so manieth turn of a space goes to what has waited longest, if it has `AGED`: a stream
of applies holds previews up, and drift checks, but never for good."""

LONGEST = timedelta(days=1)
"""What one lease may cost: a clock that was set wrong must not ruin a space for good."""

WEIGHT_LABEL = r"^queue-weight:([1-9][0-9]?)$"
"""A space with this label gets so many times the share of one without."""


def own_order() -> tuple[Any, ...]:
    """Which of the waiting runs of one stack or space comes first (contract notes, "Worker pools").

    What a person prioritised, then what is under way already, then runs that block others,
    previews, and drift checks; the oldest first among equals.
    """
    return Run.priority.desc(), *_by_kind()


def _by_kind() -> tuple[Any, ...]:
    under_way = case((Run.state.in_((State.CONFIRMED, State.REPLAN_REQUESTED)), 0), else_=1)
    rank = case((Run.drift, 2), (Run.kind.in_(LOCKING), 0), else_=1)
    return under_way, rank, Run.id


async def queued(tx: Tx, stack_id: str) -> list[tuple[Run, Commit | None]]:
    """The stack's queued runs in the order in which they may start, with their commits."""
    query = (
        select(Run, Commit)
        .outerjoin(Commit, Commit.id == Run.commit_id)
        .where(Run.stack_id == stack_id, Run.state == State.QUEUED)
        .order_by(*own_order())
        .with_for_update(of=Run)
        .execution_options(populate_existing=True)
    )
    return [(run, commit) for run, commit in (await tx.session.execute(query)).tuples()]


def weight(space_id: Any) -> ColumnElement[float]:
    """The share of a space, from its labels; 1 without such a label."""
    label = func.jsonb_array_elements_text(Space.labels).table_valued("value")
    given = (
        select(func.max(cast(func.substring(label.c.value, WEIGHT_LABEL), Float)))
        .select_from(Space)
        .join(label, literal(True))
        .where(Space.id == space_id)
        .scalar_subquery()
    )
    return func.coalesce(given, 1.0)


def _time_of(pool_id: Any) -> ColumnElement[float]:
    """The pool's time: where spaces begin that have had nothing for long."""
    newest = select(func.max(Share.started)).where(Share.pool_id == pool_id).scalar_subquery()
    return func.coalesce(newest, 0.0)


def _in_line(pool_ids: Any) -> tuple[Select[Any], tuple[Any, ...]]:
    """(id, stack_id, pool_id) of what waits for a worker of these pools, and in which order."""
    aged = and_(
        func.mod(func.coalesce(Share.turns, 0), TURN_OF_THE_AGED) == TURN_OF_THE_AGED - 1,
        or_(Run.drift, Run.kind.not_in(LOCKING)),
        func.coalesce(Run.state_since, Run.updated_at) < func.clock_timestamp() - AGED,
    )
    under_way, rank, age = _by_kind()
    own = (case((aged, 0), else_=1), under_way, rank)
    waiting = (
        select(
            Run.id,
            Run.stack_id,
            Run.pool_id,
            Run.priority,
            Stack.space_id,
            func.coalesce(Share.served, 0.0).label("served"),
            func.row_number()
            .over(
                partition_by=(Run.pool_id, Stack.space_id),
                order_by=(Run.priority.desc(), *own, age),
            )
            .label("nth"),
            *(part.label(f"own_{n}") for n, part in enumerate(own)),
        )
        .join(Stack, Stack.id == Run.stack_id)
        .outerjoin(Share, and_(Share.pool_id == Run.pool_id, Share.space_id == Stack.space_id))
        .where(Run.pool_id.in_(pool_ids), Run.state.in_(CLAIMABLE))
        .cte("waiting")
    )
    spaces = (
        select(waiting.c.pool_id, waiting.c.space_id, waiting.c.served).distinct().cte("competing")
    )
    competing = (
        (
            select(
                spaces.c.pool_id,
                spaces.c.space_id,
                func.greatest(spaces.c.served, _time_of(spaces.c.pool_id)).label("begins"),
                (literal(GUESS, Float) / weight(spaces.c.space_id)).label("step"),
            )
        )
        .cte("sharing")
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    begins = competing.c.begins + (waiting.c.nth - 1) * competing.c.step
    together = and_(
        competing.c.pool_id == waiting.c.pool_id, competing.c.space_id == waiting.c.space_id
    )
    query = select(waiting.c.id, waiting.c.stack_id, waiting.c.pool_id).join(competing, together)
    alike = (waiting.c[f"own_{n}"] for n in range(len(own)))
    return query, (waiting.c.priority.desc(), begins, *alike, waiting.c.id)


def _line(pool_ids: Any) -> Select[Any]:
    """(id, place) of what waits for a worker of these pools; places from 1 in each pool."""
    query, order = _in_line(pool_ids)
    pool_id = query.selected_columns.pool_id
    place = func.row_number().over(partition_by=pool_id, order_by=order)
    return query.with_only_columns(query.selected_columns.id, place.label("place"))


async def claimable(tx: Tx, pool_id: str, limit: int) -> list[tuple[str, str]]:
    """(run id, stack id) of the pool's runs that wait for a worker, in order, unlocked."""
    rows = await tx.session.execute(_claimable(), {"pools": [pool_id], "most": limit})
    return [(run_id, stack_id) for run_id, stack_id, _ in rows.tuples()]


@cache
def _claimable() -> Select[Any]:
    # Made once: putting it together takes longer than all else that an idle worker's question
    # leads to, and a thousand of them ask 67 times a second.
    query, order = _in_line(bindparam("pools", expanding=True))
    return query.order_by(*order).limit(bindparam("most"))


async def charge(tx: Tx, pool_id: str, space_id: str) -> None:
    """A run of the space has been given to a worker of the pool. Its row is held from now on."""
    now = _time_of(pool_id)
    cost = literal(GUESS, Float) / weight(space_id)
    begins = func.greatest(Share.served, now)
    await tx.session.execute(
        insert(Share)
        .values(pool_id=pool_id, space_id=space_id, served=now + cost, started=now, turns=1)
        .on_conflict_do_update(
            index_elements=[Share.pool_id, Share.space_id],
            set_={"served": begins + cost, "started": begins, "turns": Share.turns + 1},
        )
    )


async def settle(tx: Tx, pool_id: str, space_id: str, took: timedelta) -> None:
    """A run of the space has let its worker go: the guess is replaced by what it took."""
    seconds = min(max(took, timedelta(0)), LONGEST).total_seconds()
    await tx.session.execute(
        update(Share)
        .where(Share.pool_id == pool_id, Share.space_id == space_id)
        .values(served=Share.served + (seconds - GUESS) / weight(space_id))
    )


async def counts_ahead(tx: Tx, run_ids: Sequence[str]) -> dict[str, int]:
    """How many runs of its pool come before each of these that waits for a worker."""
    line = _line(select(Run.pool_id).where(Run.id.in_(run_ids))).subquery()
    rows = await tx.session.execute(
        select(line.c.id, line.c.place - 1).where(line.c.id.in_(run_ids))
    )
    return dict(rows.tuples().all())


async def page(
    tx: Tx, pool_id: str, *, limit: int, offset: int, descending: bool
) -> list[tuple[Run, int]]:
    """A stretch of the pool's queue with positions, from 1; runs in progress come first."""
    line = _line([pool_id]).subquery()
    working = (
        select(
            Run.id,
            func.row_number().over(order_by=Run.id).label("position"),
        )
        .where(Run.pool_id == pool_id, Run.state.in_(WORKING))
        .cte("working")
    )
    busy = cast(select(func.count()).select_from(working).scalar_subquery(), BigInteger)
    ranked = (
        select(working.c.id, working.c.position)
        .union_all(select(line.c.id, line.c.place + busy))
        .subquery()
    )
    query = visible(tx).join(ranked, ranked.c.id == Run.id).add_columns(ranked.c.position)
    order = ranked.c.position.desc() if descending else ranked.c.position.asc()
    rows = await tx.session.execute(query.order_by(order).limit(limit).offset(offset))
    return [(run, int(position)) for run, position in rows.tuples()]
