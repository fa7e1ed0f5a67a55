"""Root fields of roles."""

from __future__ import annotations

import strawberry

from gantry.api.graphql.context import Info
from gantry.api.graphql.fields import SIGNED_IN, mutation, query
from gantry.api.graphql.roles.types import Role
from gantry.domains.people.actions import Action
from gantry.domains.roles import service
from gantry.kernel.errors import NotFound


@strawberry.input
class RoleInput:
    """A role as somebody wants it."""

    name: str
    description: str | None = None
    actions: list[Action] = strawberry.field()


@strawberry.input
class RoleUpdateInput:
    """What is to change of a role; nothing keeps."""

    name: str | None = None
    description: str | None = None
    actions: list[Action] | None = None
    # An existing client spells it so.
    capital_actions: list[Action] | None = strawberry.field(name="Actions", default=None)


@strawberry.type
class RoleQuery:
    """Reading."""

    @query(SIGNED_IN)
    async def role(self, info: Info, id: strawberry.ID) -> Role | None:
        """A role; none for who is admin nowhere."""
        async with info.context.read() as tx:
            try:
                return Role(model=await service.get(tx, str(id)))
            except NotFound:
                return None

    @query(SIGNED_IN)
    async def roles(self, info: Info) -> list[Role]:
        """Every role; empty for who is admin nowhere."""
        async with info.context.read() as tx:
            return [Role(model=role) for role in await service.listed(tx)]


@strawberry.type
class RoleMutation:
    """Writing."""

    @mutation(SIGNED_IN)
    async def role_create(self, info: Info, input: RoleInput) -> Role:
        """A role of single actions."""
        async with info.context.write() as tx:
            role = await service.create(
                tx,
                name=input.name,
                description=input.description or "",
                actions=[action.value for action in input.actions],
            )
            info.context.about(role.id)
        return Role(model=role)

    @mutation(SIGNED_IN)
    async def role_update(self, info: Info, id: strawberry.ID, input: RoleUpdateInput) -> Role:
        """Change a role, for everybody who has it."""
        wanted = input.actions if input.actions is not None else input.capital_actions
        async with info.context.write() as tx:
            role = await service.update(
                tx,
                str(id),
                name=input.name,
                description=input.description,
                actions=None if wanted is None else [action.value for action in wanted],
            )
        return Role(model=role)

    @mutation(SIGNED_IN)
    async def role_delete(self, info: Info, id: strawberry.ID) -> Role | None:
        """Delete a role that nobody has."""
        async with info.context.write() as tx:
            role = await service.delete(tx, str(id))
        return Role(model=role)
