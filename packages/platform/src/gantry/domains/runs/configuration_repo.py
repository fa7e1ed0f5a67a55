"""Every query about what runs were made with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from gantry.domains.runs.model import Run, RunConfiguration
from gantry.domains.runs.states import TERMINAL
from gantry.domains.vcs.model import TreeConfig
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


async def forget_trees(tx: Tx, before: datetime, limit: int) -> None:
    """Forget what the files of some trees said that were looked at before then, and of which there
    is no run that has not ended.
    """
    tree = func.coalesce(Run.workspace_upload_key, Run.commit_id)
    needed = select(tree).where(Run.state.not_in(tuple(TERMINAL)), tree.is_not(None))
    some = (
        select(TreeConfig.tree)
        .where(TreeConfig.read_at < before, TreeConfig.tree.not_in(needed))
        .limit(limit)
    )
    # The time once more: whoever needs it for longer may just have said so.
    await tx.session.execute(
        delete(TreeConfig).where(TreeConfig.tree.in_(some), TreeConfig.read_at < before)
    )
