"""What roles are, before any row is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gantry.domains.people.actions import Action
from gantry.kernel.errors import UserError

NAME_MAX = 255


class BadRole(UserError):
    """A name or a set of actions that no role can have."""

    code = "BAD_ROLE"


@dataclass(frozen=True, slots=True)
class SystemRole:
    """A role that every installation has, and that nobody changes."""

    id: str
    slug: str
    name: str
    description: str
    actions: tuple[Action, ...]


# The ids are the same everywhere, so that bindings can name them before anything was asked.
READER = SystemRole(
    "01J00000000000000000READER",
    "space-reader",
    "Space reader",
    "Sees everything in the space, and comments on runs.",
    (Action.SPACE_READ,),
)
WRITER = SystemRole(
    "01J00000000000000000WR1TER",
    "space-writer",
    "Space writer",
    "Starts and decides runs, and changes the environment of stacks.",
    (Action.SPACE_READ, Action.SPACE_WRITE),
)
ADMIN = SystemRole(
    "01J000000000000000000ADM1N",
    "space-admin",
    "Space admin",
    "Does everything in the space and in those beneath it.",
    (Action.SPACE_READ, Action.SPACE_WRITE, Action.SPACE_ADMIN),
)
POOL_CONTROLLER = SystemRole(
    "01J0000000000000000P00CTR0",
    "worker-pool-controller",
    "Worker pool controller",
    "Makes, changes and deletes worker pools: for the Kubernetes operator.",
    (
        Action.SPACE_READ,
        Action.WORKER_POOL_CREATE,
        Action.WORKER_POOL_UPDATE,
        Action.WORKER_POOL_DELETE,
    ),
)
LEVELS = {"READ": READER.id, "WRITE": WRITER.id, "ADMIN": ADMIN.id}
"""The roles behind the levels that access rules speak of."""
SYSTEM_ROLES = (READER, WRITER, ADMIN, POOL_CONTROLLER)


def checked_name(name: str) -> str:
    """The name without spaces around it. Raises BadRole."""
    name = name.strip()
    if not name or len(name) > NAME_MAX:
        raise BadRole(f"A role's name has 1 to {NAME_MAX} characters.")
    return name


def checked_actions(actions: Sequence[str]) -> list[str]:
    """The actions once each, in the order of the enum. Raises BadRole for none, or unknown ones."""
    wanted = set(actions)
    known: list[str] = [action.value for action in Action if action.value in wanted]
    if unknown := wanted.difference(known):
        raise BadRole(f"There is no action {', '.join(sorted(unknown))}.")
    if not known:
        raise BadRole("A role without actions allows nothing; choose at least one.")
    return known
