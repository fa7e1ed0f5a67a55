"""What the caller may do, by space, and why."""

from __future__ import annotations

import strawberry

from gantry.api.graphql.account.types import Space
from gantry.api.graphql.account.views import space_view
from gantry.api.graphql.context import Info
from gantry.api.graphql.fields import SIGNED_IN, query
from gantry.api.graphql.roles.given import subject_name
from gantry.domains.people import access
from gantry.domains.people.actions import Action
from gantry.domains.roles import reasons
from gantry.domains.roles.model import Subject
from gantry.domains.roles.reasons import Reason, Way
from gantry.domains.spaces import repo as spaces
from gantry.domains.spaces.model import Space as SpaceModel

strawberry.enum(Way, name="RightsWay", description="How rights come about in a space.")


@strawberry.type(description="Why the caller has rights in a space.")
class RightsReason:
    """`model` is one of the reasons."""

    model: strawberry.Private[Reason]

    @strawberry.field
    def way(self) -> Way:
        """How it reaches the space."""
        return self.model.way

    @strawberry.field(name="roleID")
    def role_id(self) -> strawberry.ID | None:
        """The role; none for whoever was made for everything."""
        return None if self.model.held is None else strawberry.ID(self.model.held.role.id)

    @strawberry.field
    def role_name(self) -> str | None:
        """Its name: all of it that is told to who is admin nowhere."""
        return None if self.model.held is None else self.model.held.role.name

    @strawberry.field(name="spaceID")
    def space_id(self) -> strawberry.ID | None:
        """In which space it was given."""
        return None if self.model.held is None else strawberry.ID(self.model.held.space.id)

    @strawberry.field
    def space_name(self) -> str | None:
        """That space's name: no secret to whoever has a role there."""
        return None if self.model.held is None else self.model.held.space.name

    @strawberry.field
    def subject(self) -> Subject | None:
        """As whom the caller has it: themselves, or one of their groups."""
        return None if self.model.held is None else self.model.held.binding.subject

    @strawberry.field
    async def subject_name(self, info: Info) -> str | None:
        """What that one is called."""
        held = self.model.held
        return None if held is None else await subject_name(info, held.binding)


@strawberry.type(description="What the caller may do in a space.")
class SpaceRights:
    """`model` is the space."""

    model: strawberry.Private[SpaceModel]

    @strawberry.field
    def space(self, info: Info) -> Space:
        """Where."""
        return space_view(self.model, info.context.actor)

    @strawberry.field
    def actions(self, info: Info) -> list[Action]:
        """What, in the order of the enum."""
        return [one for one in Action if access.may(info.context.actor, one, self.model.id)]

    @strawberry.field
    async def reasons(self, info: Info) -> list[RightsReason]:
        """Why: every role that counts here, in the order in which they were given."""
        found = await info.context.load(reasons.of_actor, self.model.id) or []
        return [RightsReason(model=one) for one in found]


@strawberry.type
class RightsQuery:
    """Reading."""

    @query(SIGNED_IN)
    async def rights(self, info: Info, space: strawberry.ID | None = None) -> list[SpaceRights]:
        """What the caller may do, in each space that it may see, or in one of them."""
        async with info.context.read() as tx:
            if space is None:
                found = await spaces.all_visible(tx)
            else:
                found = list((await spaces.by_ids(tx, [str(space)])).values())
        return [SpaceRights(model=one) for one in found]
