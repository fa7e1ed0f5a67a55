"""Every query about what runs were made with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from gantry.domains.runs.model import RunConfiguration
from gantry.kernel.tx import Tx


async def keep(tx: Tx, run_id: str, taken: dict[str, Any]) -> None:
    """Note what the run takes, instead of what was noted before."""
    row = insert(RunConfiguration).values(run_id=run_id, taken=taken)
    await tx.session.execute(
        row.on_conflict_do_update(index_elements=["run_id"], set_={"taken": taken})
    )


async def of_runs(tx: Tx, run_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What the runs took. Whoever may see a run may see it: no value of a variable is in it."""
    query = select(RunConfiguration).where(RunConfiguration.run_id.in_(run_ids))
    return {row.run_id: row.taken for row in await tx.session.scalars(query)}
