"""Every query about state."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert

from gantry.domains.stacks import repo as stacks
from gantry.domains.stacks.model import Stack
from gantry.domains.tfstate.model import (
    StackOutput,
    StackResource,
    StateLock,
    StateVersion,
    UnsavedState,
)
from gantry.domains.tfstate.rules import FoundResource, digest
from gantry.kernel.tx import Tx

INSERT_BATCH = 1000
"""Rows per statement: below Postgres' limit of 65,535 parameters with room to spare."""


def _closed(tx: Tx) -> bool:
    """A run's token reaches no state, nor what was read out of one (contract notes, "JWT")."""
    return tx.actor.kind == "run"


async def current(tx: Tx, stack_id: str) -> StateVersion | None:
    """The stack's newest state."""
    # By serial, which only grows in a stack's history: servers' clocks differ.
    query = (
        select(StateVersion)
        .where(StateVersion.stack_id == stack_id)
        .order_by(StateVersion.serial.desc())
        .limit(1)
    )
    return await tx.session.scalar(query)


async def newest(tx: Tx, stack_ids: Sequence[str]) -> dict[str, StateVersion]:
    """The newest state of each stack."""
    rows = await tx.session.scalars(
        select(StateVersion)
        .distinct(StateVersion.stack_id)
        .where(StateVersion.stack_id.in_(stack_ids))
        .order_by(StateVersion.stack_id, StateVersion.serial.desc())
    )
    return {row.stack_id: row for row in rows}


async def version(tx: Tx, stack_id: str, version_id: str) -> StateVersion | None:
    """One stored state of the stack."""
    query = select(StateVersion).where(
        StateVersion.stack_id == stack_id, StateVersion.id == version_id
    )
    return await tx.session.scalar(query)


async def history(tx: Tx, stack_id: str, limit: int) -> list[StateVersion]:
    """The stack's states, newest first."""
    query = (
        select(StateVersion)
        .where(StateVersion.stack_id == stack_id)
        .order_by(StateVersion.serial.desc())
        .limit(limit)
    )
    return list(await tx.session.scalars(query))


# -- by the data key that their objects are sealed with, which the objects' names end with


async def count_sealed_otherwise(tx: Tx, ending: str) -> int:
    """How many states lie in objects whose names end otherwise."""
    query = select(func.count()).select_from(StateVersion).where(_otherwise(ending))
    return int(await tx.session.scalar(query) or 0)


async def any_sealed_so(tx: Tx, ending: str) -> bool:
    """Whether the object of a state has that ending, or none."""
    so = or_(
        StateVersion.object_key.endswith(ending, autoescape=True),
        StateVersion.object_key.not_like("%.%"),
    )
    return await tx.session.scalar(select(StateVersion.id).where(so).limit(1)) is not None


async def next_sealed_otherwise(tx: Tx, ending: str, after: str) -> StateVersion | None:
    """The next state by id whose object's name ends otherwise."""
    query = select(StateVersion).where(_otherwise(ending), StateVersion.id > after)
    return await tx.session.scalar(query.order_by(StateVersion.id).limit(1))


async def move_state(tx: Tx, version_id: str, before: str, after: str) -> bool:
    """The state lies in another object now; False if it is gone, or does not lie there."""
    moved = await tx.session.scalar(
        update(StateVersion)
        .where(StateVersion.id == version_id, StateVersion.object_key == before)
        .values(object_key=after)
        .returning(StateVersion.id)
    )
    return moved is not None


def _otherwise(ending: str) -> ColumnElement[bool]:
    return ~StateVersion.object_key.endswith(ending, autoescape=True)


async def lock_of(tx: Tx, stack_id: str) -> StateLock | None:
    """Who holds the state, held itself until the transaction ends."""
    return await tx.session.get(StateLock, stack_id, with_for_update=True, populate_existing=True)


async def take_lock(tx: Tx, lock: StateLock) -> bool:
    """Hold the state; False when somebody does already."""
    made = await tx.session.execute(
        insert(StateLock)
        .values(
            stack_id=lock.stack_id,
            lock_id=lock.lock_id,
            info=lock.info,
            run_id=lock.run_id,
            locked_at=lock.locked_at,
        )
        .on_conflict_do_nothing()
        .returning(StateLock.stack_id)
    )
    return made.scalar_one_or_none() is not None


async def release_run(tx: Tx, run_id: str) -> None:
    """The run is over: whatever it still holds is free."""
    await tx.session.execute(delete(StateLock).where(StateLock.run_id == run_id))


async def outputs(tx: Tx, stack_ids: Sequence[str]) -> dict[str, list[StackOutput]]:
    """The stacks' outputs, by name."""
    query = (
        select(StackOutput)
        .where(StackOutput.stack_id.in_(stack_ids))
        .order_by(StackOutput.stack_id, StackOutput.name)
    )
    found: dict[str, list[StackOutput]] = {stack_id: [] for stack_id in stack_ids}
    for row in () if _closed(tx) else await tx.session.scalars(query):
        found[row.stack_id].append(row)
    return found


async def reseal_output(tx: Tx, stack_id: str, name: str, sealed: bytes) -> None:
    """The output's value, sealed for its stack's new id."""
    await tx.session.execute(
        update(StackOutput)
        .where(StackOutput.stack_id == stack_id, StackOutput.name == name)
        .values(value_sealed=sealed)
    )


async def has_unfinished_run(tx: Tx, stack_id: str) -> bool:
    """Whether a run of the stack could still write its state."""
    # The table is above this noun; its name and two columns are all that is used of it.
    found = await tx.session.scalar(
        text("select 1 from run where stack_id = :stack and finished_at is null limit 1"),
        {"stack": stack_id},
    )
    return found is not None


async def has_holding_run(tx: Tx, stack_id: str) -> bool:
    """Whether a run holds the stack: it has planned, or works, on the state as it is."""
    found = await tx.session.scalar(
        text(
            "select 1 from run where stack_id = :stack and finished_at is null"
            " and state <> 'QUEUED' and kind in ('TRACKED', 'DESTROY', 'TASK') limit 1"
        ),
        {"stack": stack_id},
    )
    return found is not None


async def replace_outputs(tx: Tx, stack_id: str, rows: Iterable[StackOutput]) -> None:
    """These are the stack's outputs now."""
    await tx.session.execute(delete(StackOutput).where(StackOutput.stack_id == stack_id))
    tx.session.add_all(list(rows))


async def forget(tx: Tx, stack_id: str) -> None:
    """The stack is gone: so are its outputs and its list of resources. States are kept."""
    await tx.session.execute(delete(StackOutput).where(StackOutput.stack_id == stack_id))
    await tx.session.execute(delete(StackResource).where(StackResource.stack_id == stack_id))


async def resources(tx: Tx, stack_ids: Sequence[str]) -> dict[str, list[StackResource]]:
    """The stacks' resources, by address."""
    query = (
        select(StackResource)
        .where(StackResource.stack_id.in_(stack_ids))
        .order_by(StackResource.stack_id, StackResource.address)
    )
    found: dict[str, list[StackResource]] = {stack_id: [] for stack_id in stack_ids}
    for row in () if _closed(tx) else await tx.session.scalars(query):
        found[row.stack_id].append(row)
    return found


async def count_resources(tx: Tx, stack_ids: Sequence[str]) -> dict[str, int]:
    """How many managed resources each stack has."""
    rows = await tx.session.execute(
        select(StackResource.stack_id, func.count())
        .where(StackResource.stack_id.in_(stack_ids), StackResource.mode == "managed")
        .group_by(StackResource.stack_id)
    )
    counts = dict(rows.tuples().all())
    return {stack_id: counts.get(stack_id, 0) for stack_id in stack_ids}


async def mean_resources(tx: Tx) -> float | None:
    """How many resources a visible stack manages on average; None when there is no stack."""
    seen = stacks.visible(tx).with_only_columns(Stack.id).subquery()
    managed = and_(StackResource.stack_id == seen.c.id, StackResource.mode == "managed")
    counted = select(func.count(StackResource.address) * 1.0 / func.count(seen.c.id.distinct()))
    query = counted.select_from(seen.outerjoin(StackResource, managed)).having(func.count() > 0)
    found = await tx.session.scalar(query)
    return None if found is None else float(found)


async def replace_resources(
    tx: Tx, stack_id: str, found: Iterable[FoundResource], run_id: str | None
) -> int:
    """These are the stack's resources now; returns how many.

    Who made a resource stays; who changed it last is noted when its values differ.
    """
    # Without their values, which are as large as the state.
    columns = (
        *(StackResource.address, StackResource.values_digest, StackResource.creator_run_id),
        *(StackResource.updater_run_id, StackResource.updated_at),
    )
    before_it = await tx.session.execute(select(*columns).where(StackResource.stack_id == stack_id))
    known = {row.address: row for row in before_it}
    rows = []
    # Terraform writes no address twice; whoever does has one of the two listed.
    for item in {item.address: item for item in found}.values():
        before = known.get(item.address)
        values_digest = digest(item.values.encode())
        same = before is not None and before.values_digest == values_digest
        rows.append(
            {
                "stack_id": stack_id,
                "address": item.address,
                "type": item.type,
                "name": item.name,
                "mode": item.mode,
                "module": item.module,
                "provider": item.provider,
                "tainted": item.tainted,
                "values": item.values,
                "values_digest": values_digest,
                "creator_run_id": before.creator_run_id if before else run_id,
                "updater_run_id": before.updater_run_id if before and same else run_id,
                "updated_at": before.updated_at if before and same else tx.now,
            }
        )
    tx.session.expunge_all()
    await tx.session.execute(delete(StackResource).where(StackResource.stack_id == stack_id))
    for start in range(0, len(rows), INSERT_BATCH):
        await tx.session.execute(insert(StackResource), rows[start : start + INSERT_BATCH])
    return len(rows)


@dataclass(frozen=True, slots=True)
class UnsavedRow:
    """What is to be said of a state that no backend took."""

    run_id: str
    stack_id: str
    serial: int
    size: int
    kept_at: datetime


async def keep_unsaved(tx: Tx, state: UnsavedState) -> bool:
    """What the run left, one state a run: whether this one is kept and was not before."""
    given = {column.name: getattr(state, column.name) for column in UnsavedState.__table__.columns}
    wanted = insert(UnsavedState).values(given)
    kept = await tx.session.execute(
        wanted.on_conflict_do_update(
            index_elements=["run_id"],
            set_={name: wanted.excluded[name] for name in given if name != "run_id"},
            where=and_(
                UnsavedState.lineage == wanted.excluded.lineage,
                UnsavedState.serial < wanted.excluded.serial,
            ),
        ).returning(UnsavedState.run_id)
    )
    return kept.scalar_one_or_none() is not None


async def unsaved(tx: Tx) -> list[UnsavedRow]:
    """States that no backend took, the newest first, without their bytes."""
    kept = UnsavedState
    query = select(kept.run_id, kept.stack_id, kept.serial, kept.size, kept.kept_at)
    rows = await tx.session.execute(query.order_by(kept.kept_at.desc(), kept.run_id))
    return [UnsavedRow(*row) for row in rows]


async def count_unsaved(tx: Tx) -> int:
    """How many states that no backend took are kept."""
    return await tx.session.scalar(select(func.count()).select_from(UnsavedState)) or 0


async def unsaved_of(tx: Tx, run_id: str) -> UnsavedState | None:
    """The state that a run left, if it is kept."""
    return await tx.session.get(UnsavedState, run_id)
