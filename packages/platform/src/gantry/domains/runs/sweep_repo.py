"""What a sweep looks for, in one statement: it comes every ten seconds, mostly for nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, and_, exists, func, literal, or_, select, union_all
from sqlalchemy.orm import aliased

from gantry.domains.runs.model import Lease, Run
from gantry.domains.runs.states import CLAIMABLE, LOCKING, TERMINAL, WORKING, State
from gantry.domains.stacks.model import Stack
from gantry.domains.tfstate.model import StateLock, StateVersion
from gantry.domains.vcs.model import Commit, FetchState
from gantry.kernel.tx import Tx


@dataclass(frozen=True, slots=True)
class Found:
    """What somebody has to see to."""

    unheld: list[str] = field(default_factory=list)
    """Runs at work whose worker has not renewed its lease in time, or that have none at all."""
    untakeable: list[str] = field(default_factory=list)
    """Runs that wait for a worker though none may ever be given them (`takeable`)."""
    startable: list[str] = field(default_factory=list)
    """Stacks whose queue looks forgotten."""
    orphaned: list[str] = field(default_factory=list)
    """Stacks whose state is locked by a run that has ended."""


async def look(tx: Tx, limit: int) -> Found:
    """What there is, at most `limit` of each. Those of one kind come in their order."""
    kinds = {
        "unheld": _unheld(),
        "untakeable": _untakeable(),
        "startable": _startable(),
        "orphaned": _orphaned(),
    }
    parts = []
    for kind, query in kinds.items():
        one = query.limit(limit).subquery(kind)
        parts.append(select(literal(kind), one.c[0]))
    found = Found()
    for kind, of in await tx.session.execute(union_all(*parts)):
        getattr(found, kind).append(of)
    return found


def _unheld() -> Select[Any]:
    return (
        select(Run.id)
        .outerjoin(Lease, Lease.run_id == Run.id)
        .where(
            Run.state.in_(WORKING),
            or_(Lease.run_id.is_(None), Lease.expires_at < func.clock_timestamp()),
        )
        .order_by(Lease.expires_at)
    )


def _untakeable() -> Select[Any]:
    """Their source cannot be had, or their confirmed plan is not of the newest state."""
    newest = (
        select(StateVersion.serial, StateVersion.lineage)
        .where(StateVersion.stack_id == Run.stack_id)
        .order_by(StateVersion.serial.desc())
        .limit(1)
        .lateral()
    )
    of_older_state = or_(
        newest.c.serial.is_distinct_from(Run.plan_serial),
        newest.c.lineage.is_distinct_from(Run.plan_lineage),
    )
    return (
        select(Run.id)
        .join(Stack, Stack.id == Run.stack_id)
        .outerjoin(Commit, Commit.id == Run.commit_id)
        .outerjoin(newest, literal(True))
        .where(
            Run.state.in_(CLAIMABLE),
            or_(
                and_(Run.state == State.READY, Commit.state == FetchState.FAILED),
                and_(Run.state == State.CONFIRMED, Stack.manages_state, of_older_state),
            ),
        )
        .order_by(Run.id)
    )


def _startable() -> Select[Any]:
    """A queued run, its source there, nobody holding."""
    other = aliased(Run)
    held = exists().where(
        other.stack_id == Run.stack_id,
        other.kind.in_(LOCKING),
        other.state.not_in((*TERMINAL, State.QUEUED)),
    )
    return (
        select(Run.stack_id)
        .join(Stack, Stack.id == Run.stack_id)
        .outerjoin(Commit, Commit.id == Run.commit_id)
        .where(
            Run.state == State.QUEUED,
            or_(Run.commit_id.is_(None), Commit.state != FetchState.WANTED),
            or_(
                Run.kind.not_in(LOCKING),
                and_(~held, or_(Stack.locked_at.is_(None), Stack.locked_by == Run.triggered_by)),
            ),
        )
        .distinct()
        .order_by(Run.stack_id)
    )


def _orphaned() -> Select[Any]:
    return (
        select(StateLock.stack_id)
        .join(Run, Run.id == StateLock.run_id)
        .where(Run.finished_at.is_not(None))
        .order_by(StateLock.stack_id)
    )
