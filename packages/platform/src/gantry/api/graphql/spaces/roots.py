"""Root fields of spaces."""

from __future__ import annotations

import strawberry

from gantry.api.graphql.account.types import Space
from gantry.api.graphql.account.views import space_view
from gantry.api.graphql.context import Info
from gantry.api.graphql.fields import SIGNED_IN, mutation, query
from gantry.domains.accounts import service as accounts
from gantry.domains.people import account_settings
from gantry.domains.spaces import repo, service
from gantry.domains.spaces.service import Wanted
from gantry.domains.stacks import homes


@strawberry.input
class SpaceInput:
    """A space as somebody wants it."""

    name: str
    description: str
    inherit_entities: bool
    parent_space: strawberry.ID
    labels: list[str] | None = None


def _wanted(given: SpaceInput) -> Wanted:
    return Wanted(
        name=given.name,
        description=given.description,
        # Clients send an empty text for the root space, which has nothing above it.
        parent_id=str(given.parent_space),
        inherits=given.inherit_entities,
        labels=given.labels or [],
    )


@strawberry.type
class SpaceQuery:
    """Reading."""

    @query(SIGNED_IN)
    async def space(self, info: Info, id: strawberry.ID) -> Space | None:
        """A space; none when the caller may not see it."""
        found = await info.context.load(repo.by_ids, str(id))
        return None if found is None else space_view(found, info.context.actor)

    @query(SIGNED_IN)
    async def spaces(self, info: Info) -> list[Space]:
        """Every space the caller may see, oldest first."""
        async with info.context.read() as tx:
            return [space_view(space, tx.actor) for space in await repo.all_visible(tx)]

    @query(SIGNED_IN)
    async def allow_non_root_admin_space_creation(self, info: Info) -> bool:
        """Whether admins of single spaces may manage what is beneath theirs."""
        async with info.context.read() as tx:
            return (await accounts.get(tx)).space_admins_manage_spaces


@strawberry.type
class SpaceMutation:
    """Writing."""

    @mutation(SIGNED_IN)
    async def space_create(self, info: Info, input: SpaceInput) -> Space:
        """A new space beneath another."""
        async with info.context.write() as tx:
            space = await service.create(tx, _wanted(input))
            info.context.about(space.id)
        return space_view(space, info.context.actor)

    @mutation(SIGNED_IN)
    async def space_update(self, info: Info, space: strawberry.ID, input: SpaceInput) -> Space:
        """Change a space to exactly this; another parent moves it."""
        async with info.context.write() as tx:
            changed = await homes.update_space(tx, str(space), _wanted(input))
        return space_view(changed, info.context.actor)

    @mutation(SIGNED_IN)
    async def space_delete(self, info: Info, space: strawberry.ID) -> Space | None:
        """Delete a space that holds nothing."""
        async with info.context.write() as tx:
            gone = await homes.delete_space(tx, str(space))
        return space_view(gone, info.context.actor)

    @mutation(SIGNED_IN)
    async def account_toggle_allow_non_root_admin_space_creation(
        self, info: Info, enable: bool
    ) -> bool:
        """Whether admins of single spaces may manage what is beneath theirs."""
        async with info.context.write() as tx:
            await account_settings.let_space_admins_manage_spaces(tx, enable)
        return enable
