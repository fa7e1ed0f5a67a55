"""Who may do what to a stack, and who may get past its lock."""

from __future__ import annotations

from gantry.domains.people import access
from gantry.domains.people.actions import Action
from gantry.domains.stacks.model import Stack
from gantry.kernel.errors import Conflict
from gantry.kernel.tx import Tx


class StackLocked(Conflict):
    """Somebody else has locked the stack."""

    code = "STACK_LOCKED"

    def __init__(self, stack: Stack) -> None:
        note = f" ({stack.lock_note})" if stack.lock_note else ""
        super().__init__(
            f"stack is locked by {stack.locked_by}{note}; only they can start runs on it"
        )


def require(tx: Tx, action: Action, stack: Stack) -> None:
    """Raises Unauthenticated or NotAllowed."""
    access.require(tx, action, stack.space_id)


def require_unlocked(tx: Tx, stack: Stack) -> None:
    """Runs and tasks on a locked stack come from the lock's owner only. Raises StackLocked."""
    if stack.locked_at is not None and stack.locked_by != tx.actor.name:
        raise StackLocked(stack)


def require_anywhere(tx: Tx, action: Action) -> None:
    """The actor may do it in some space. Raises Unauthenticated or NotAllowed."""
    if not access.may_anywhere(tx.actor, action):
        access.require(tx, action, "root")


class StackDisabled(Conflict):
    """The stack takes no new runs."""

    code = "STACK_DISABLED"

    def __init__(self) -> None:
        super().__init__("stack is disabled; enable it before starting runs on it")


def require_enabled(stack: Stack) -> None:
    """Raises StackDisabled."""
    if stack.disabled:
        raise StackDisabled
