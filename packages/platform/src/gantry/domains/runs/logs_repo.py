"""Every query about the logs of runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from gantry.domains.runs.model import LogChunk, LogStream, Run
from gantry.kernel.tx import Tx


def open_stream(tx: Tx, run_id: str, state_version: int) -> None:
    """A worker may write the log of this state from now on."""
    tx.session.add(
        LogStream(
            run_id=run_id, state_version=state_version, size=0, over=False, expired=False, times=[]
        )
    )


async def close(tx: Tx, run_id: str, state_version: int) -> None:
    """The state is over: nothing more is taken for its log."""
    await tx.session.execute(
        update(LogStream)
        .where(LogStream.run_id == run_id, LogStream.state_version == state_version)
        .values(over=True)
    )


async def stream(
    tx: Tx, run_id: str, state_version: int, *, lock: bool = False
) -> LogStream | None:
    """The log of one state, held until the transaction ends if `lock`."""
    return await tx.session.get(
        LogStream, (run_id, state_version), with_for_update=lock, populate_existing=True
    )


async def streams(tx: Tx, run_ids: Sequence[str]) -> dict[str, dict[int, LogStream]]:
    """The logs of the runs, by state version."""
    found: dict[str, dict[int, LogStream]] = {run_id: {} for run_id in run_ids}
    for row in await tx.session.scalars(select(LogStream).where(LogStream.run_id.in_(run_ids))):
        found[row.run_id][row.state_version] = row
    return found


async def append(tx: Tx, log: LogStream, data: bytes, at: datetime) -> None:
    """Add bytes at the end of a log that the caller holds."""
    await tx.session.execute(
        insert(LogChunk).values(
            run_id=log.run_id, state_version=log.state_version, offset=log.size, data=data, at=at
        )
    )
    log.size += len(data)


async def chunks(tx: Tx, run_id: str, state_version: int, start: int, limit: int) -> list[LogChunk]:
    """The chunks that hold bytes from `start` on, in order, as many as reach `limit` bytes."""
    first = (
        select(func.coalesce(func.max(LogChunk.offset), 0))
        .where(
            LogChunk.run_id == run_id,
            LogChunk.state_version == state_version,
            LogChunk.offset <= start,
        )
        .scalar_subquery()
    )
    query = (
        select(LogChunk)
        .where(
            LogChunk.run_id == run_id,
            LogChunk.state_version == state_version,
            LogChunk.offset >= first,
            LogChunk.offset < start + limit,
        )
        .order_by(LogChunk.offset)
    )
    return list(await tx.session.scalars(query))


async def drop_chunks(tx: Tx, run_id: str, state_version: int) -> None:
    """The log lies in object storage; its chunks are not needed any more."""
    await tx.session.execute(
        delete(LogChunk).where(LogChunk.run_id == run_id, LogChunk.state_version == state_version)
    )


async def unarchived_of(tx: Tx, run_id: str) -> list[int]:
    """The state versions of a run's logs that are over and still lie in chunks."""
    query = (
        select(LogStream.state_version)
        .where(
            LogStream.run_id == run_id,
            LogStream.over,
            LogStream.object_key.is_(None),
            ~LogStream.expired,
        )
        .order_by(LogStream.state_version)
    )
    return list(await tx.session.scalars(query))


async def unarchived(tx: Tx, limit: int) -> list[tuple[str, int]]:
    """Logs that are over and still lie in chunks."""
    query = (
        select(LogStream.run_id, LogStream.state_version)
        .where(LogStream.over, LogStream.object_key.is_(None), ~LogStream.expired)
        .limit(limit)
    )
    return [(a, b) for a, b in (await tx.session.execute(query)).tuples()]


async def beyond_retention(tx: Tx, before: datetime, limit: int) -> list[LogStream]:
    """Archived logs of runs that ended before the time."""
    query = (
        select(LogStream)
        .join(Run, Run.id == LogStream.run_id)
        .where(Run.finished_at < before, LogStream.object_key.is_not(None), ~LogStream.expired)
        .limit(limit)
    )
    return list(await tx.session.scalars(query))
