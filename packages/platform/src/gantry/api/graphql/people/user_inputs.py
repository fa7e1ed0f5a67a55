"""Users, groups and channels as somebody wants them."""

from __future__ import annotations

import strawberry

from gantry.api.graphql.people.rules import SpaceAccessRuleInput
from gantry.api.graphql.people.words import ChannelKind


@strawberry.input
class ManagedUserInviteInput:
    """An invitation, with what is allowed then."""

    invitation_email: str | None = None
    username: str
    access_rules: list[SpaceAccessRuleInput]


@strawberry.input(name="ManagedUserInviteInputV2")
class ManagedUserInviteInputV2:
    """An invitation. Of the two addresses, `invitationEmail` counts if both are there."""

    email: str | None = None
    invitation_email: str | None = None
    username: str


@strawberry.input
class ManagedUserUpdateInput:
    """What is to change of a user; nothing keeps."""

    id: strawberry.ID
    access_rules: list[SpaceAccessRuleInput] | None = None
    slack_member_id: str | None = strawberry.field(name="slackMemberID", default=None)


@strawberry.input
class ManagedUserGroupCreateInput:
    """A group, with what its members are allowed."""

    group_name: str
    description: str | None = None
    access_rules: list[SpaceAccessRuleInput]


@strawberry.input(name="ManagedUserGroupCreateInputV2")
class ManagedUserGroupCreateInputV2:
    """A group; roles are given to it afterwards."""

    group_name: str
    description: str | None = None


@strawberry.input
class ManagedUserGroupUpdateInput:
    """What a group is for, if it is sent, and exactly what its members are allowed."""

    id: strawberry.ID
    description: str | None = None
    access_rules: list[SpaceAccessRuleInput]


@strawberry.input(name="ManagedUserGroupUpdateInputV2")
class ManagedUserGroupUpdateInputV2:
    """What a group is for."""

    id: strawberry.ID
    description: str | None = None


@strawberry.input
class ManagedUserGroupIntegrationCreateInput:
    """A channel, with what whoever speaks there is allowed."""

    integration_name: str
    integration_type: ChannelKind
    slack_channel_id: str | None = strawberry.field(name="slackChannelID", default=None)
    access_rules: list[SpaceAccessRuleInput] | None = None


@strawberry.input
class ManagedUserGroupIntegrationUpdateInput:
    """What is to change of a channel; nothing keeps."""

    id: strawberry.ID
    integration_name: str | None = None
    slack_channel_id: str | None = strawberry.field(name="slackChannelID", default=None)
    access_rules: list[SpaceAccessRuleInput] | None = None


@strawberry.input
class UserRoleBindingInput:
    """A role for a user."""

    user_id: strawberry.ID = strawberry.field(name="userID")
    role_id: strawberry.ID = strawberry.field(name="roleID")
    space_id: strawberry.ID = strawberry.field(name="spaceID")


@strawberry.input
class UserRoleBindingBatchInput:
    """Several at once: all of them or none."""

    bindings: list[UserRoleBindingInput]


@strawberry.input
class UserGroupRoleBindingInput:
    """A role for the members of a group."""

    user_group_id: strawberry.ID = strawberry.field(name="userGroupID")
    role_id: strawberry.ID = strawberry.field(name="roleID")
    space_id: strawberry.ID = strawberry.field(name="spaceID")


@strawberry.input
class UserGroupRoleBindingBatchInput:
    """Several at once: all of them or none."""

    bindings: list[UserGroupRoleBindingInput]
