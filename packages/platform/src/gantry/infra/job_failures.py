"""Why jobs failed: the queue keeps how often, and operators need to know what for."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, Table, Text, text
from sqlalchemy.ext.asyncio import AsyncEngine

from gantry.kernel.errors import UserError
from gantry.kernel.model import Model

MAX_REASON = 1000
"""Characters: an error's own words, not its whole story, which is in the log."""

job_failure = Table(
    "job_failure",
    Model.metadata,
    Column("job_id", BigInteger, primary_key=True, autoincrement=False),
    Column("reason", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)


def words(error: Exception) -> str:
    """The error in one line, with the detail that a user does not see."""
    said = f"{error.message} {error.detail}" if isinstance(error, UserError) else str(error)
    line = " ".join(said.replace("\0", "").split())
    return f"{type(error).__name__}: {line}".strip(": ")[:MAX_REASON]


async def remember(engine: AsyncEngine, job_id: int, error: Exception) -> None:
    """Keep why the job failed the last time."""
    async with engine.begin() as connection:
        await connection.execute(
            text(
                "insert into job_failure (job_id, reason, at) values (:id, :reason, now())"
                " on conflict (job_id) do update set reason = excluded.reason, at = excluded.at"
            ),
            {"id": job_id, "reason": words(error)},
        )


async def forget(engine: AsyncEngine) -> int:
    """Drop the reasons of jobs that are done, and periodic jobs that were given up.

    The next tick does what a given-up one would have done; kept, they would bury the failures
    that somebody has to look at. Answers with how many reasons went.
    """
    async with engine.begin() as connection:
        await connection.execute(
            text(
                "delete from procrastinate_jobs where status = 'failed' and queue_name = 'cronjobs'"
            )
        )
        gone = await connection.execute(
            text(
                "delete from job_failure f"
                " where not exists (select 1 from procrastinate_jobs j where j.id = f.job_id)"
            )
        )
        return gone.rowcount
