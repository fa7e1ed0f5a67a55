"""Who may do what: the one place that answers, and the one way to ask.

Every service function that serves a person starts with `require`, or with a query that starts
from `readable_spaces`. What somebody may do is known when they are recognised (`roles.rights`).
"""

from __future__ import annotations

from gantry.domains.people import levels
from gantry.domains.people.actions import Action
from gantry.kernel.errors import NotAllowed, Unauthenticated
from gantry.kernel.tx import Actor, Tx

EVERYTHING = levels.ADMIN
"""What a root admin may do, everywhere."""

CLOSED_TO_RUNS = frozenset(
    {
        # States, and whatever puts one in the place of another.
        Action.STACK_STATE_READ,
        Action.STACK_STATE_DOWNLOAD,
        Action.STACK_MANAGED_STATE_IMPORT,
        Action.STACK_MANAGED_STATE_ROLLBACK,
        Action.STACK_WORKSPACE_LOCK,
        Action.STACK_WORKSPACE_UNLOCK,
        Action.INTENT_STATE_READ,
        Action.INTENT_STATE_EJECT,
        # A command, or a tree of files, of whoever has the token.
        Action.TASK_CREATE,
        Action.STACK_UPLOAD_LOCAL_WORKSPACE,
        Action.RUN_PROPOSE_LOCAL_WORKSPACE,
        Action.RUN_PROPOSE_WITH_OVERRIDES,
        # What is decided about runs.
        Action.RUN_CANCEL,
        Action.RUN_CANCEL_BLOCKING,
        Action.RUN_COMMENT,
        Action.RUN_CONFIRM,
        Action.RUN_PRIORITIZE_SET,
        Action.RUN_PROMOTE,
        Action.RUN_RETRY,
        Action.RUN_RETRY_BLOCKING,
        Action.RUN_REVIEW,
        Action.RUN_STOP,
        Action.RUN_STOP_BLOCKING,
        Action.RUN_TARGETED_REPLAN,
    }
)
"""What no run's token lets one do, whatever its stack was given (contract notes, "JWT").

Left are RUN_TRIGGER and its runtime configuration, for the provider's `spacelift_run`, and
RUN_DISCARD, for its `spacelift_stack_destructor`, which empties the queue of a stack before that
goes; single runs are not found by a run (runs.repo.visible).
"""

_CLOSED = "a run's token reaches no states, runs or tasks, whatever roles its stack has"


def may(actor: Actor, action: Action, space_id: str) -> bool:
    """Whether the actor may do it to things of the space."""
    if actor.kind == "run" and action in CLOSED_TO_RUNS:
        return False
    return actor.kind == "system" or action.value in actor.actions_in(space_id)


def may_anywhere(actor: Actor, action: Action) -> bool:
    """Whether there is any space in which the actor may do it."""
    spaces = spaces_where(actor, action)
    return spaces is None or bool(spaces)


def require(tx: Tx, action: Action, space_id: str) -> None:
    """Raises Unauthenticated, or NotAllowed naming what is missing."""
    if tx.actor.kind == "anonymous":
        raise Unauthenticated
    if tx.actor.kind == "run" and action in CLOSED_TO_RUNS:
        raise NotAllowed(f"unauthorized: {_CLOSED}; {action.value} is for people and API keys")
    if not may(tx.actor, action, space_id):
        raise NotAllowed(
            f"unauthorized: you need the {action.value} action in space {space_id}",
            detail=f"actor={tx.actor.kind}:{tx.actor.id}",
        )


def require_no_run(tx: Tx) -> None:
    """For what is about states, runs or tasks, and has no action of its own. Raises NotAllowed."""
    if tx.actor.kind == "run":
        raise NotAllowed(f"unauthorized: {_CLOSED}")


def require_admin(tx: Tx) -> None:
    """For what concerns the whole installation. Raises as `require` does."""
    require(tx, Action.SPACE_ADMIN, "root")


def readable_spaces(actor: Actor) -> list[str] | None:
    """The spaces whose things the actor may see; None when it may see all."""
    return spaces_where(actor, Action.SPACE_READ)


def spaces_where(actor: Actor, action: Action) -> list[str] | None:
    """The spaces in which the actor may do it; None for all of them."""
    if actor.kind == "run" and action in CLOSED_TO_RUNS:
        return []
    if actor.kind == "system" or action.value in actor.everywhere:
        return None
    return [space for space, actions in actor.by_space.items() if action.value in actions]
