"""Every query about pools and workers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import cast

from sqlalchemy import CursorResult, Select, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from gantry.domains.people import access
from gantry.domains.pools.model import Worker, WorkerPool
from gantry.kernel.errors import NotFound
from gantry.kernel.paging import Page
from gantry.kernel.search import Order, Search, Searchable, contains, equals, label, run_search
from gantry.kernel.tx import Tx


def visible(tx: Tx) -> Select[WorkerPool]:
    """Every query a person's request leads to starts here. The public pool is not among them."""
    query = select(WorkerPool).where(WorkerPool.deleted_at.is_(None), ~WorkerPool.public)
    spaces = access.readable_spaces(tx.actor)
    return query if spaces is None else query.where(WorkerPool.space_id.in_(spaces))


async def move_deleted(tx: Tx, before: str, after: str) -> None:
    """Rows of deleted pools of a space belong to another one: theirs is about to go."""
    await tx.session.execute(
        update(WorkerPool)
        .where(WorkerPool.space_id == before, WorkerPool.deleted_at.is_not(None))
        .values(space_id=after)
    )


async def by_ids(tx: Tx, ids: Sequence[str]) -> dict[str, WorkerPool]:
    """Those of the private pools that exist and that the actor may see."""
    rows = await tx.session.scalars(visible(tx).where(WorkerPool.id.in_(ids)))
    return {pool.id: pool for pool in rows}


async def all_visible(tx: Tx, *, space_ids: Sequence[str] | None = None) -> list[WorkerPool]:
    """Every private pool the actor may see, oldest first; with spaces, only those in them."""
    query = visible(tx).order_by(WorkerPool.id)
    if space_ids is not None:
        query = query.where(WorkerPool.space_id.in_(space_ids))
    return list(await tx.session.scalars(query))


_SEARCH = Searchable(
    fields={
        "name": equals(WorkerPool.name),
        "label": label(WorkerPool.labels),
        "labels": label(WorkerPool.labels),
        "space": equals(WorkerPool.space_id),
    },
    orders={"createdAt": WorkerPool.created_at, "name": WorkerPool.name},
    text=lambda word: or_(contains(WorkerPool.name, word), contains(WorkerPool.description, word)),
    default_order=Order("createdAt"),
    key=WorkerPool.id,
)


async def search(tx: Tx, wanted: Search) -> Page[WorkerPool]:
    """A page of the visible private pools. Raises BadSearch, BadCursor."""
    return await run_search(tx, visible(tx), wanted, _SEARCH, WorkerPool)


async def lock(tx: Tx, pool_id: str) -> WorkerPool:
    """The private pool, held until the transaction ends. Raises NotFound."""
    pool = await tx.session.scalar(
        visible(tx).where(WorkerPool.id == pool_id).with_for_update(of=WorkerPool)
    )
    if pool is None:
        raise NotFound("worker pool not found", detail=f"pool={pool_id}")
    return pool


async def public(tx: Tx) -> WorkerPool | None:
    """The public pool, if this installation runs one."""
    return await tx.session.scalar(select(WorkerPool).where(WorkerPool.public))


async def any_by_id(tx: Tx, pool_id: str) -> WorkerPool | None:
    """The pool, public or private, for the system's own use: workers prove themselves by it."""
    query = select(WorkerPool).where(WorkerPool.id == pool_id, WorkerPool.deleted_at.is_(None))
    return await tx.session.scalar(query)


async def names(tx: Tx, pool_ids: Sequence[str]) -> dict[str, str]:
    """What the pools are called, public, private or deleted: of runs that the actor may see."""
    rows = await tx.session.execute(
        select(WorkerPool.id, WorkerPool.name).where(WorkerPool.id.in_(pool_ids))
    )
    return dict(rows.tuples().all())


async def remember_worker(
    tx: Tx,
    pool: WorkerPool,
    *,
    worker_id: str,
    tags: dict[str, str],
    version: str,
    concurrency: int,
) -> None:
    """The worker is there; registering again changes what it says of itself, not its orders."""
    statement = insert(Worker).values(
        {
            Worker.id: worker_id,
            Worker.pool_id: pool.id,
            Worker.generation: pool.generation,
            Worker.tags: tags,
            Worker.version: version,
            Worker.concurrency: concurrency,
            Worker.created_at: tx.now,
            Worker.last_seen_at: tx.now,
            Worker.available_at: tx.now,
            Worker.drained: False,
        }
    )
    await tx.session.execute(
        statement.on_conflict_do_update(
            index_elements=[Worker.id],
            set_={
                "last_seen_at": tx.now,
                "metadata": tags,
                "version": version,
                "concurrency": concurrency,
                "gone_at": None,
            },
            where=Worker.pool_id == pool.id,
        )
    )


async def worker(tx: Tx, worker_id: str, *, lock: bool = False) -> Worker | None:
    """The worker, present or gone."""
    return await tx.session.get(Worker, worker_id, with_for_update=lock)


async def present(tx: Tx, pool_ids: Sequence[str]) -> dict[str, list[Worker]]:
    """The workers that are there, newest first, by pool."""
    query = (
        select(Worker)
        .where(Worker.pool_id.in_(pool_ids), Worker.gone_at.is_(None))
        .order_by(Worker.created_at.desc(), Worker.id.desc())
    )
    found: dict[str, list[Worker]] = {pool_id: [] for pool_id in pool_ids}
    for row in await tx.session.scalars(query):
        found[row.pool_id].append(row)
    return found


async def any_at_hand(tx: Tx) -> bool:
    """Whether any pool that the actor may know has a worker that takes runs."""
    known = visible(tx).with_only_columns(WorkerPool.id)
    query = (
        select(Worker.id)
        .join(WorkerPool, WorkerPool.id == Worker.pool_id)
        .where(Worker.gone_at.is_(None), Worker.shutdown_at.is_(None), ~Worker.drained)
        .where(or_(WorkerPool.public, WorkerPool.id.in_(known)))
        .limit(1)
    )
    return (await tx.session.scalars(query)).first() is not None


async def all_present(tx: Tx) -> list[Worker]:
    """The workers that are there, of every pool."""
    return list(await tx.session.scalars(select(Worker).where(Worker.gone_at.is_(None))))


async def touch(tx: Tx, worker_id: str) -> None:
    """The worker was heard of just now."""
    await tx.session.execute(
        update(Worker).where(Worker.id == worker_id).values(last_seen_at=tx.now, gone_at=None)
    )


async def order_all_to_leave(tx: Tx, pool_id: str) -> list[str]:
    """Tell every present worker of the pool to finish and leave; returns their ids."""
    rows = await tx.session.scalars(
        update(Worker)
        .where(Worker.pool_id == pool_id, Worker.gone_at.is_(None))
        .values(shutdown_at=tx.now)
        .returning(Worker.id)
    )
    return list(rows)


async def mark_silent_as_gone(tx: Tx, before: datetime) -> list[str]:
    """Workers not heard of since `before` are gone; returns the ids of their pools."""
    rows = await tx.session.scalars(
        update(Worker)
        .where(Worker.gone_at.is_(None), Worker.last_seen_at < before)
        .values(gone_at=tx.now)
        .returning(Worker.pool_id)
    )
    return sorted(set(rows))


async def mark_all_gone(tx: Tx, pool_id: str) -> None:
    """No worker of the pool is there any more."""
    await tx.session.execute(
        update(Worker)
        .where(Worker.pool_id == pool_id, Worker.gone_at.is_(None))
        .values(gone_at=tx.now)
    )


async def mark_gone(tx: Tx, worker_id: str) -> bool:
    """The worker said good-bye; False when it had before."""
    result = await tx.session.execute(
        update(Worker)
        .where(Worker.id == worker_id, Worker.gone_at.is_(None))
        .values(gone_at=tx.now)
    )
    return cast("CursorResult[object]", result).rowcount > 0


async def name_taken(tx: Tx, name: str, *, except_id: str = "") -> bool:
    """Whether another pool has the name."""
    query = select(func.count()).where(
        WorkerPool.name == name, WorkerPool.deleted_at.is_(None), WorkerPool.id != except_id
    )
    return bool(await tx.session.scalar(query))
