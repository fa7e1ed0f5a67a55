"""What roles are made of, explained."""

from __future__ import annotations

import strawberry

from gantry.api.graphql.account.types import SpaceAccessLevel
from gantry.api.graphql.fields import SIGNED_IN, query
from gantry.domains.people import levels
from gantry.domains.people.actions import Action
from gantry.domains.people.meanings import MEANINGS, subject_of

_LEVELS = {
    Action.SPACE_READ: SpaceAccessLevel.READ,
    Action.SPACE_WRITE: SpaceAccessLevel.WRITE,
    Action.SPACE_ADMIN: SpaceAccessLevel.ADMIN,
}


@strawberry.type(description="An action, for whoever composes a role.")
class ActionMeaning:
    """One value of `Action`."""

    action: Action
    subject: str = strawberry.field(description="What it is done to.")
    sentence: str = strawberry.field(description="What it lets one do.")
    brought_by: SpaceAccessLevel = strawberry.field(
        description="The lowest level that brings it along."
    )


@strawberry.type
class ActionQuery:
    """Reading."""

    @query(SIGNED_IN)
    async def actions(self) -> list[ActionMeaning]:
        """Every action that a role can be made of, in the order of the enum."""
        return [
            ActionMeaning(
                action=action,
                subject=subject_of(action),
                sentence=MEANINGS[action],
                brought_by=_LEVELS[levels.bringing(action)],
            )
            for action in Action
        ]
