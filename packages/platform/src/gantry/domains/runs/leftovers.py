"""A state that a run left because no backend took it: kept apart, and the stack locked."""

from __future__ import annotations

import structlog

from gantry.domains.runs import repo
from gantry.domains.runs.states import EXECUTING, TERMINAL
from gantry.domains.stacks import service as stack_service
from gantry.domains.tfstate import unsaved
from gantry.kernel.errors import NotFound
from gantry.kernel.tx import SYSTEM, Tx

log = structlog.get_logger()

NOT_YOURS = "the run is no longer yours"


async def take(tx: Tx, run_id: str, pool_id: str, fence: int, packed: unsaved.Packed) -> str | None:
    """Keep it, also after the run has ended; None, or why not.

    It comes from any worker of the run's pool, under the run's newest lease, and only of runs that
    could have changed something. A state that is news locks the stack: somebody may have looked
    and unlocked it before this arrived.
    """
    try:
        stack, run = await repo.lock(tx.acting_as(SYSTEM), run_id)
    except NotFound:
        return NOT_YOURS
    if run.pool_id != pool_id or run.fence != fence:
        return NOT_YOURS
    if not await repo.has_been_in(tx, run.id, EXECUTING):
        return "the run has changed nothing"
    if await unsaved.keep(tx, stack.id, run.id, packed):
        log.warning("unsaved state kept", run_id=run.id, serial=packed.serial, bytes=packed.size)
        if run.state in TERMINAL:
            await lock_stack(tx, stack.id, run.id)
    return None


async def lock_stack(tx: Tx, stack_id: str, run_id: str) -> None:
    """Nothing more is planned on a state that does not hold what was changed."""
    note = f"The state does not hold what run {run_id} changed. Put that right, then unlock."
    await stack_service.lock_for_unknown_outcome(tx.acting_as(SYSTEM), stack_id, note=note)
