"""Root fields of groups of the identity provider, and of channels of chats."""

from __future__ import annotations

import strawberry

from gantry.api.graphql.context import Info
from gantry.api.graphql.fields import SIGNED_IN, mutation, query
from gantry.api.graphql.people.rules import wanted_rules
from gantry.api.graphql.people.user_inputs import (
    ManagedUserGroupCreateInput,
    ManagedUserGroupCreateInputV2,
    ManagedUserGroupIntegrationCreateInput,
    ManagedUserGroupIntegrationUpdateInput,
    ManagedUserGroupUpdateInput,
    ManagedUserGroupUpdateInputV2,
)
from gantry.api.graphql.people.user_types import (
    ManagedUserGroup,
    ManagedUserGroupIntegration,
)
from gantry.api.graphql.people.words import ChannelKind
from gantry.domains.people import groups
from gantry.domains.roles import members
from gantry.kernel.errors import NotFound


@strawberry.type
class GroupQuery:
    """Reading. All of it is for root admins."""

    @query(SIGNED_IN)
    async def managed_user_group(self, info: Info, id: strawberry.ID) -> ManagedUserGroup | None:
        """A group that the account knows."""
        async with info.context.read() as tx:
            try:
                return ManagedUserGroup(model=await groups.find(tx, str(id)))
            except NotFound:
                return None

    @query(SIGNED_IN)
    async def managed_user_groups(self, info: Info) -> list[ManagedUserGroup]:
        """Every group that the account knows, by name."""
        async with info.context.read() as tx:
            return [ManagedUserGroup(model=group) for group in await groups.listed(tx)]

    @query(SIGNED_IN)
    async def available_user_groups(self, info: Info) -> list[str]:
        """Every group that an identity provider has named of anybody, by name."""
        async with info.context.read() as tx:
            return await groups.names_heard(tx)

    @query(SIGNED_IN)
    async def managed_user_group_integration(
        self, info: Info, id: strawberry.ID
    ) -> ManagedUserGroupIntegration | None:
        """A channel that roles are given to."""
        async with info.context.read() as tx:
            try:
                found = await groups.find_channel(tx, str(id))
            except NotFound:
                return None
        return ManagedUserGroupIntegration(model=found)

    @query(SIGNED_IN)
    async def managed_user_group_integrations(
        self, info: Info, integration_type: ChannelKind | None = None
    ) -> list[ManagedUserGroupIntegration]:
        """Every channel that roles are given to, the oldest first."""
        async with info.context.read() as tx:
            found = await groups.channels(tx, integration_type)
        return [ManagedUserGroupIntegration(model=channel) for channel in found]


@strawberry.type
class GroupMutation:
    """Writing. All of it is for root admins."""

    @mutation(SIGNED_IN)
    async def managed_user_group_create(
        self, info: Info, input: ManagedUserGroupCreateInput
    ) -> ManagedUserGroup | None:
        """Let the members of a group in, and allow them this."""
        async with info.context.write() as tx:
            group = await members.create_group(
                tx,
                name=input.group_name,
                description=input.description,
                rules=wanted_rules(input.access_rules),
            )
            info.context.about(group.id)
        return ManagedUserGroup(model=group)

    @mutation(SIGNED_IN, name="managedUserGroupCreateV2")
    async def managed_user_group_create_v2(
        self, info: Info, input: ManagedUserGroupCreateInputV2
    ) -> ManagedUserGroup | None:
        """Let the members of a group in; nothing is allowed until roles are given."""
        async with info.context.write() as tx:
            group = await members.create_group(
                tx, name=input.group_name, description=input.description
            )
            info.context.about(group.id)
        return ManagedUserGroup(model=group)

    @mutation(SIGNED_IN)
    async def managed_user_group_update(
        self, info: Info, input: ManagedUserGroupUpdateInput
    ) -> ManagedUserGroup | None:
        """Allow the members exactly this, besides other roles that the group was given."""
        async with info.context.write() as tx:
            group = await members.update_group(
                tx,
                str(input.id),
                description=input.description,
                rules=wanted_rules(input.access_rules),
            )
            info.context.about(group.id)
        return ManagedUserGroup(model=group)

    @mutation(SIGNED_IN, name="managedUserGroupUpdateV2")
    async def managed_user_group_update_v2(
        self, info: Info, input: ManagedUserGroupUpdateInputV2
    ) -> ManagedUserGroup | None:
        """Say what a group is for."""
        async with info.context.write() as tx:
            group = await members.update_group(tx, str(input.id), description=input.description)
            info.context.about(group.id)
        return ManagedUserGroup(model=group)

    @mutation(SIGNED_IN)
    async def managed_user_group_delete(
        self, info: Info, id: strawberry.ID
    ) -> ManagedUserGroup | None:
        """The group lets nobody in any more, and its members lose what it gave them."""
        async with info.context.write() as tx:
            group = await members.delete_group(tx, str(id))
        return ManagedUserGroup(model=group)

    @mutation(SIGNED_IN)
    async def managed_user_group_integration_create(
        self, info: Info, input: ManagedUserGroupIntegrationCreateInput
    ) -> ManagedUserGroupIntegration | None:
        """Keep what whoever speaks in a channel is allowed. Without Slack it has no effect."""
        async with info.context.write() as tx:
            channel = await members.create_channel(
                tx,
                name=input.integration_name,
                kind=input.integration_type,
                slack_channel_id=input.slack_channel_id,
                rules=wanted_rules(input.access_rules),
            )
            info.context.about(channel.id)
        return ManagedUserGroupIntegration(model=channel)

    @mutation(SIGNED_IN)
    async def managed_user_group_integration_update(
        self, info: Info, input: ManagedUserGroupIntegrationUpdateInput
    ) -> ManagedUserGroupIntegration | None:
        """Change a channel, or allow whoever speaks there exactly this."""
        async with info.context.write() as tx:
            channel = await members.update_channel(
                tx,
                str(input.id),
                name=input.integration_name,
                slack_channel_id=input.slack_channel_id,
                rules=wanted_rules(input.access_rules),
            )
            info.context.about(channel.id)
        return ManagedUserGroupIntegration(model=channel)

    @mutation(SIGNED_IN)
    async def managed_user_group_integration_delete(
        self, info: Info, id: strawberry.ID
    ) -> ManagedUserGroupIntegration | None:
        """Nothing is allowed to a channel any more."""
        async with info.context.write() as tx:
            channel = await members.delete_channel(tx, str(id))
        return ManagedUserGroupIntegration(model=channel)
