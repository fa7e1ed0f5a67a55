"""Root fields of users: inviting them, what they are allowed, and asking to be allowed more."""

from __future__ import annotations

import strawberry

from gantry.api.graphql.account.types import SpaceAccessLevel
from gantry.api.graphql.context import Info
from gantry.api.graphql.fields import PUBLIC, SIGNED_IN, mutation, query
from gantry.api.graphql.people.rules import wanted_rules
from gantry.api.graphql.people.user_inputs import (
    ManagedUserInviteInput,
    ManagedUserInviteInputV2,
    ManagedUserUpdateInput,
)
from gantry.api.graphql.people.user_types import ManagedUser
from gantry.api.graphql.people.words import Scheme
from gantry.domains.people import account_settings, user_repo, users
from gantry.domains.roles import members
from gantry.kernel.errors import NotFound


@strawberry.type
class UserQuery:
    """Reading."""

    @query(SIGNED_IN)
    async def managed_user(self, info: Info, id: strawberry.ID) -> ManagedUser | None:
        """A user; for root admins."""
        async with info.context.read() as tx:
            try:
                return ManagedUser(model=await users.find(tx, str(id)))
            except NotFound:
                return None

    @query(SIGNED_IN)
    async def managed_users(self, info: Info) -> list[ManagedUser]:
        """Everybody who was invited or has come, the oldest first; for root admins."""
        async with info.context.read() as tx:
            return [ManagedUser(model=user) for user in await users.listed(tx)]

    @query(SIGNED_IN)
    async def authorization_scheme(self, info: Info) -> Scheme:
        """Who decides which people may enter."""
        async with info.context.read() as tx:
            return (await user_repo.management(tx)).scheme


@strawberry.type
class UserMutation:
    """Writing."""

    @mutation(SIGNED_IN)
    async def managed_user_invite(
        self, info: Info, input: ManagedUserInviteInput
    ) -> ManagedUser | None:
        """Let somebody in who signs in by this name, or with this verified address, within a day.

        No mail is sent: tell them the address of this installation.
        """
        async with info.context.write() as tx:
            user = await members.invite(
                tx,
                username=input.username,
                email=input.invitation_email,
                rules=wanted_rules(input.access_rules),
            )
            info.context.about(user.id)
        return ManagedUser(model=user)

    @mutation(SIGNED_IN, name="managedUserInviteV2")
    async def managed_user_invite_v2(
        self, info: Info, input: ManagedUserInviteInputV2
    ) -> ManagedUser | None:
        """The same, and nothing is allowed until roles are given."""
        async with info.context.write() as tx:
            email = input.invitation_email or input.email
            user = await members.invite(tx, username=input.username, email=email)
            info.context.about(user.id)
        return ManagedUser(model=user)

    @mutation(SIGNED_IN)
    async def managed_user_resend_invite(self, info: Info, id: strawberry.ID) -> ManagedUser | None:
        """The invitation counts for another day; whoever is inactive is invited anew."""
        async with info.context.write() as tx:
            user = await users.invite_again(tx, str(id))
        return ManagedUser(model=user)

    @mutation(SIGNED_IN)
    async def managed_user_update(
        self, info: Info, input: ManagedUserUpdateInput
    ) -> ManagedUser | None:
        """Allow a user exactly this, besides other roles that they were given."""
        async with info.context.write() as tx:
            user = await members.update_user(
                tx,
                str(input.id),
                slack_member_id=input.slack_member_id,
                rules=wanted_rules(input.access_rules),
            )
            info.context.about(user.id)
        return ManagedUser(model=user)

    @mutation(SIGNED_IN)
    async def managed_user_delete(self, info: Info, id: strawberry.ID) -> ManagedUser | None:
        """Take back an invitation, or end everything that a user may do, and their sessions."""
        async with info.context.write() as tx:
            user = await members.delete_user(tx, str(id))
        return ManagedUser(model=user)

    @mutation(PUBLIC)
    async def managed_user_request_invite(self, info: Info, email: str, user_name: str) -> bool:
        """Ask to be invited. Administrators read it in the audit trail."""
        async with info.context.write() as tx:
            await users.ask_to_be_invited(
                tx, username=user_name, email=email, address=info.context.address
            )
        return True

    @mutation(SIGNED_IN)
    async def managed_user_request_role_change(
        self, info: Info, space_id: strawberry.ID, requested_access_level: SpaceAccessLevel
    ) -> bool:
        """Ask for a level in a space. Administrators read it in the audit trail."""
        async with info.context.write() as tx:
            await users.ask_for_rights(tx, str(space_id))
        return True

    @mutation(SIGNED_IN)
    async def account_update_authorization_scheme(
        self, info: Info, authorization_scheme: Scheme
    ) -> Scheme:
        """Who decides which people may enter. A change ends all sessions but this one."""
        async with info.context.write() as tx:
            return await account_settings.set_scheme(tx, authorization_scheme)
