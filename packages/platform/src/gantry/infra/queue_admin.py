"""Looking at jobs and putting failed ones back, for operators."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine


@dataclass(frozen=True, slots=True)
class JobRow:
    """One job as an operator sees it."""

    id: int
    name: str
    arguments: str
    attempts: int
    at: str | None
    reason: str
    """Why it failed the last time; empty if it has not."""


@dataclass(frozen=True, slots=True)
class Depth:
    """Jobs of one queue in one state."""

    queue: str
    state: str
    jobs: int
    oldest: datetime | None
    """When the oldest of them was last seen to do anything."""


async def depth(engine: AsyncEngine) -> list[Depth]:
    """Jobs that wait, are being done or have failed, by queue."""
    async with engine.connect() as connection:
        rows = await connection.execute(
            text(
                "select j.queue_name, j.status::text, count(distinct j.id), min(e.at)"
                " from procrastinate_jobs j left join procrastinate_events e on e.job_id = j.id"
                " where j.status in ('todo', 'doing', 'failed') group by 1, 2 order by 1, 2"
            )
        )
        return [Depth(*row) for row in rows]


async def jobs(engine: AsyncEngine, state: str, limit: int) -> list[JobRow]:
    """Jobs in that state, the newest first."""
    async with engine.connect() as connection:
        rows = await connection.execute(
            text(
                "select j.id, j.task_name, j.args, j.attempts, f.reason,"
                " (select max(e.at) from procrastinate_events e where e.job_id = j.id) as at"
                " from procrastinate_jobs j left join job_failure f on f.job_id = j.id"
                " where j.status::text = :state"
                " order by j.id desc limit :limit"
            ),
            {"state": state, "limit": limit},
        )
        return [
            JobRow(
                row.id,
                row.task_name,
                json.dumps(row.args, sort_keys=True),
                row.attempts,
                f"{row.at:%Y-%m-%d %H:%M:%S}" if row.at else None,
                row.reason or "",
            )
            for row in rows
        ]


async def retry(engine: AsyncEngine, ids: Sequence[int]) -> list[int]:
    """Put failed jobs back in line with fresh attempts; returns the ids that are.

    A job of which another one waits already is left alone: that one does the same.
    """
    done = []
    for job_id in dict.fromkeys(ids):
        try:
            async with engine.begin() as connection:
                rows = await connection.execute(
                    text(
                        "update procrastinate_jobs set status = 'todo', attempts = 0,"
                        " scheduled_at = null, worker_id = null"
                        " where id = :id and status = 'failed' returning id"
                    ),
                    {"id": job_id},
                )
                done += [row.id for row in rows]
        except IntegrityError:
            continue  # its queueing lock is taken
    return done
