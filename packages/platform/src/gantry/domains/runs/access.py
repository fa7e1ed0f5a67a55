"""Who may do what to a run: the run's space is its stack's."""

from __future__ import annotations

from gantry.domains.people import access
from gantry.domains.people.actions import Action
from gantry.domains.runs.model import Run
from gantry.domains.runs.states import LOCKING
from gantry.domains.stacks.model import Stack
from gantry.kernel.tx import Tx

_BLOCKING_TWIN = {
    Action.RUN_CANCEL: Action.RUN_CANCEL_BLOCKING,
    Action.RUN_STOP: Action.RUN_STOP_BLOCKING,
    Action.RUN_RETRY: Action.RUN_RETRY_BLOCKING,
}
"""Runs that hold their stack need a stronger right (contract notes, "Roles")."""


def require(tx: Tx, action: Action, stack: Stack, run: Run | None = None) -> None:
    """Raises Unauthenticated or NotAllowed."""
    if run is not None and run.kind in LOCKING:
        action = _BLOCKING_TWIN.get(action, action)
    access.require(tx, action, stack.space_id)
