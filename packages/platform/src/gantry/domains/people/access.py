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


def may(actor: Actor, action: Action, space_id: str) -> bool:
    """Whether the actor may do it to things of the space."""
    return actor.kind == "system" or action.value in actor.actions_in(space_id)


def may_anywhere(actor: Actor, action: Action) -> bool:
    """Whether there is any space in which the actor may do it."""
    if actor.kind == "system" or action.value in actor.everywhere:
        return True
    return any(action.value in actions for actions in actor.by_space.values())


def require(tx: Tx, action: Action, space_id: str) -> None:
    """Raises Unauthenticated, or NotAllowed naming what is missing."""
    if tx.actor.kind == "anonymous":
        raise Unauthenticated
    if not may(tx.actor, action, space_id):
        raise NotAllowed(
            f"unauthorized: you need the {action.value} action in space {space_id}",
            detail=f"actor={tx.actor.kind}:{tx.actor.id}",
        )


def require_admin(tx: Tx) -> None:
    """For what concerns the whole installation. Raises as `require` does."""
    require(tx, Action.SPACE_ADMIN, "root")


def readable_spaces(actor: Actor) -> list[str] | None:
    """The spaces whose things the actor may see; None when it may see all."""
    return spaces_where(actor, Action.SPACE_READ)


def spaces_where(actor: Actor, action: Action) -> list[str] | None:
    """The spaces in which the actor may do it; None for all of them."""
    if actor.kind == "system" or action.value in actor.everywhere:
        return None
    return [space for space, actions in actor.by_space.items() if action.value in actions]
