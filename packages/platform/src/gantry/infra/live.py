"""The table behind live updates: each signal is a row, so that a client can resume."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, Identity, Index, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncEngine

from gantry.kernel.model import Model

KEPT_MINUTES = 15
"""How far back a client can resume; after that it reloads."""

RESUME_OVERLAP_SECONDS = 5
"""Numbers are given before commit, so a smaller number may appear later; signals only say
"look again", so repeating those of the last seconds is harmless."""

live_event = Table(
    "live_event",
    Model.metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("topic", Text, nullable=False),
    Column("payload", JSONB, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Index("live_event_at", "at"),
)


async def newest(engine: AsyncEngine) -> int:
    """The number of the newest event; 0 when there is none."""
    async with engine.connect() as connection:
        return await connection.scalar(text("select max(id) from live_event")) or 0


async def missed(
    engine: AsyncEngine, topics: Sequence[str], after: int
) -> list[tuple[int, str, dict[str, Any]]] | None:
    """What happened on the topics since event `after`; None when that is too long ago."""
    async with engine.connect() as connection:
        since = await connection.scalar(
            text("select at from live_event where id = :after"), {"after": after}
        )
        if since is None:
            return None
        rows = await connection.execute(
            text(
                "select id, topic, payload from live_event"
                " where topic = any(:topics) and id <> :after"
                " and at >= cast(:since as timestamptz) - make_interval(secs => :overlap)"
                " order by id"
            ),
            {
                "topics": list(topics),
                "after": after,
                "since": since,
                "overlap": RESUME_OVERLAP_SECONDS,
            },
        )
        return [(row.id, row.topic, _mapping(row.payload)) for row in rows]


def _mapping(payload: Any) -> dict[str, Any]:
    value = json.loads(payload) if isinstance(payload, str) else payload
    return dict(value)


async def forget_old(engine: AsyncEngine) -> int:
    """Drop events that nobody can resume from any more; returns how many."""
    async with engine.begin() as connection:
        result = await connection.execute(
            text("delete from live_event where at < now() - make_interval(mins => :kept)"),
            {"kept": KEPT_MINUTES},
        )
        return result.rowcount
