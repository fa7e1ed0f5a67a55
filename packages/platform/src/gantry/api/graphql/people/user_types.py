"""Users, groups and channels as the API shows them."""

from __future__ import annotations

import strawberry

from gantry.api.graphql.context import Info
from gantry.api.graphql.people.rules import SpaceAccessRule, load_given, rules_view
from gantry.api.graphql.people.words import ChannelKind, Status
from gantry.api.graphql.roles.types import Given
from gantry.api.graphql.shared.convert import seconds_or_none
from gantry.domains.people import access, repo, user_repo, users
from gantry.domains.people import model as people
from gantry.domains.people.actions import Action
from gantry.domains.people.model import NO_SOURCE
from gantry.domains.roles import repo as roles
from gantry.kernel.errors import NotFound


def _is_admin(info: Info) -> bool:
    return access.may(info.context.actor, Action.SPACE_ADMIN, "root")


@strawberry.type(description="Somebody who has signed in, or who was invited to.")
class ManagedUser:
    """A user: `model` is the row."""

    model: strawberry.Private[people.User]

    @strawberry.field
    def id(self) -> strawberry.ID:
        """A ULID."""
        return strawberry.ID(self.model.id)

    @strawberry.field
    def username(self) -> str:
        """As invited, or as first signed in with."""
        return self.model.username

    @strawberry.field
    def invitation_email(self, info: Info) -> str | None:
        """Where they were invited at; for root admins."""
        return self.model.invitation_email if _is_admin(info) else None

    @strawberry.field
    def invited_by(self, info: Info) -> str | None:
        """The login of whoever invited them last; for root admins."""
        return self.model.invited_by if _is_admin(info) else None

    @strawberry.field
    def invitation_expires_at(self, info: Info) -> int | None:
        """Unix seconds until which they may accept the invitation; for root admins."""
        waits = _is_admin(info) and self.model.source == NO_SOURCE
        return seconds_or_none(self.model.invitation_expires_at) if waits else None

    @strawberry.field
    def name(self, info: Info) -> str | None:
        """What the identity provider calls them; for root admins."""
        return self.model.name if _is_admin(info) else None

    @strawberry.field
    def email(self, info: Info) -> str | None:
        """Their address, as the identity provider says it; for root admins."""
        return self.model.email if _is_admin(info) else None

    @strawberry.field
    async def open_sessions(self, info: Info) -> int:
        """How many of their sessions go on; for root admins."""
        if not _is_admin(info):
            return 0
        return await info.context.load(repo.open_sessions_of_users, self.model.id) or 0

    @strawberry.field
    def login_method(self) -> str | None:
        """The identity source that they signed in with; none before they did."""
        return None if self.model.source == NO_SOURCE else self.model.source

    @strawberry.field
    async def status(self, info: Info) -> Status:
        """QUEUED, PENDING or EXPIRED before they accept the invitation, ACTIVE then; INACTIVE
        when the identity provider they came with is no more.
        """
        found = await info.context.load(users.statuses, self.model.id)
        # They were deleted by this very request.
        return Status.INACTIVE if found is None else found

    @strawberry.field
    def last_login_time(self) -> int | None:
        """Unix seconds of the last sign-in."""
        return seconds_or_none(self.model.last_sign_in_at)

    @strawberry.field
    async def access_rules(self, info: Info) -> list[SpaceAccessRule]:
        """The levels that they have by space, of those that the caller may see."""
        return rules_view(await load_given(info, roles.of_users, self.model.id))

    @strawberry.field
    async def role_bindings(self, info: Info) -> list[UserRoleBinding]:
        """What they were given themselves, in spaces that the caller may see."""
        held = await load_given(info, roles.of_users, self.model.id)
        return [UserRoleBinding(model=one) for one in held]

    @strawberry.field
    async def space_count(self, info: Info) -> int:
        """In how many spaces they have roles of their own, of those that the caller may see."""
        held = await load_given(info, roles.of_users, self.model.id)
        return len({one.space_id for one in held})

    @strawberry.field
    def groups(self) -> list[str]:
        """Groups that the identity provider named at their last sign-in."""
        return self.model.groups

    @strawberry.field
    def group_count(self) -> int:
        """How many groups that are."""
        return len(self.model.groups)

    @strawberry.field(name="slackMemberID")
    def slack_member_id(self) -> str | None:
        """Who they are on Slack."""
        return self.model.slack_member_id


@strawberry.type(description="A group of the identity provider that the account knows.")
class ManagedUserGroup:
    """A group: `model` is the row."""

    model: strawberry.Private[people.UserGroup]

    @strawberry.field
    def id(self) -> strawberry.ID:
        """A ULID."""
        return strawberry.ID(self.model.id)

    @strawberry.field
    def group_name(self) -> str:
        """Exactly as the identity provider says it."""
        return self.model.name

    @strawberry.field
    def description(self) -> str:
        """What it is for."""
        return self.model.description

    @strawberry.field
    async def access_rules(self, info: Info) -> list[SpaceAccessRule]:
        """The levels that its members have by space, of those that the caller may see."""
        return rules_view(await load_given(info, roles.of_groups, self.model.id))

    @strawberry.field
    async def role_bindings(self, info: Info) -> list[UserGroupRoleBinding]:
        """What its members were given with it, in spaces that the caller may see."""
        held = await load_given(info, roles.of_groups, self.model.id)
        return [UserGroupRoleBinding(model=one) for one in held]

    @strawberry.field
    async def space_count(self, info: Info) -> int:
        """In how many spaces it has roles, of those that the caller may see."""
        held = await load_given(info, roles.of_groups, self.model.id)
        return len({one.space_id for one in held})

    @strawberry.field
    async def identity_provider(self, info: Info) -> str | None:
        """The identity source that last named it of anybody."""
        found = await self._members(info)
        return None if found is None else found.source

    @strawberry.field
    async def status(self, info: Info) -> str:
        """ACTIVE when somebody of it has signed in, PENDING before."""
        return "PENDING" if await self._members(info) is None else "ACTIVE"

    @strawberry.field
    async def last_login_time(self, info: Info) -> int | None:
        """Unix seconds of the last sign-in of a member."""
        found = await self._members(info)
        return None if found is None else seconds_or_none(found.newest)

    @strawberry.field
    async def member_count(self, info: Info) -> int:
        """How many users the identity provider named it of, at their last sign-ins."""
        found = await self._members(info)
        return 0 if found is None else found.count

    async def _members(self, info: Info) -> user_repo.Members | None:
        return await info.context.load(user_repo.members, self.model.name)


@strawberry.type(description="A channel of a chat that roles are given to.")
class ManagedUserGroupIntegration:
    """A channel: `model` is the row."""

    model: strawberry.Private[people.ChatChannel]

    @strawberry.field
    def id(self) -> strawberry.ID:
        """A ULID."""
        return strawberry.ID(self.model.id)

    @strawberry.field
    def integration_name(self) -> str:
        """What people call it."""
        return self.model.name

    @strawberry.field
    def integration_type(self) -> ChannelKind:
        """Where it is."""
        return self.model.kind

    @strawberry.field(name="slackChannelID")
    def slack_channel_id(self) -> str | None:
        """Its id on Slack."""
        return self.model.slack_channel_id

    @strawberry.field
    async def access_rules(self, info: Info) -> list[SpaceAccessRule]:
        """The levels that whoever speaks there has by space."""
        return rules_view(await load_given(info, roles.of_channels, self.model.id))


@strawberry.type
class _GivenToPeople(Given):
    """What bindings of users and of groups say besides."""

    @strawberry.field(name="roleID")
    def role_id(self) -> strawberry.ID:
        """Of which role."""
        return strawberry.ID(self.model.role_id)

    @strawberry.field(name="spaceID")
    def space_id(self) -> strawberry.ID:
        """Where."""
        return strawberry.ID(self.model.space_id)


@strawberry.type(description="A role that a user has in a space.")
class UserRoleBinding(_GivenToPeople):
    """A binding."""

    @strawberry.field(name="userID")
    def user_id(self) -> strawberry.ID:
        """To whom."""
        return strawberry.ID(self.model.subject_id)

    @strawberry.field
    async def user(self, info: Info) -> ManagedUser:
        """To whom."""
        found = await info.context.load(user_repo.by_ids, self.model.subject_id)
        if found is None:
            raise NotFound("user not found")
        return ManagedUser(model=found)


@strawberry.type(description="A role that the members of a group have in a space.")
class UserGroupRoleBinding(_GivenToPeople):
    """A binding."""

    @strawberry.field
    async def user_group(self, info: Info) -> ManagedUserGroup:
        """To whom."""
        found = await info.context.load(user_repo.groups_by_ids, self.model.subject_id)
        if found is None:
            raise NotFound("user group not found")
        return ManagedUserGroup(model=found)
