"""Users, groups and channels together with what is given to them: made, changed, and gone."""

from __future__ import annotations

from collections.abc import Sequence

from gantry.domains.people import access, groups, users
from gantry.domains.people.model import ChannelKind, ChatChannel, User, UserGroup
from gantry.domains.roles import access_rules, repo
from gantry.domains.roles.access_rules import AccessRule
from gantry.domains.roles.model import Subject
from gantry.domains.spaces import repo as space_repo
from gantry.kernel.tx import Tx

Rules = Sequence[AccessRule] | None
"""Exactly these, or those that there are."""


async def invite(tx: Tx, *, username: str, email: str | None, rules: Rules = None) -> User:
    """Invite somebody, with what they will be allowed. Raises as `users.invite` and
    `access_rules.put` do.
    """
    user = await users.invite(tx, username=username, email=email)
    await _put(tx, Subject.USER, user.id, rules)
    return user


async def update_user(
    tx: Tx, user_id: str, *, slack_member_id: str | None, rules: Rules = None
) -> User:
    """Change what a user is allowed, or who they are on Slack; None keeps. Raises NotFound,
    BadUser, and as `access_rules.put` does.
    """
    await _hold(tx)
    user = await users.find(tx, user_id)
    if slack_member_id is not None:
        user = await users.set_slack_member(tx, user_id, slack_member_id)
    await _put(tx, Subject.USER, user.id, rules)
    return user


async def delete_user(tx: Tx, user_id: str) -> User:
    """The user is gone, with their sessions and all that was given to them. Raises NotFound."""
    await _hold(tx)
    user = await users.delete(tx, user_id)
    await repo.remove_all_of(tx, Subject.USER, user.id)
    return user


async def create_group(
    tx: Tx, *, name: str, description: str | None, rules: Rules = None
) -> UserGroup:
    """Make a group known, with what its members are allowed. Raises as `groups.create` and
    `access_rules.put` do.
    """
    group = await groups.create(tx, name=name, description=description)
    await _put(tx, Subject.GROUP, group.id, rules)
    return group


async def update_group(
    tx: Tx, group_id: str, *, description: str | None, rules: Rules = None
) -> UserGroup:
    """Change a group; None keeps. Raises NotFound, BadUser, and as `access_rules.put` does."""
    await _hold(tx)
    group = await groups.describe(tx, group_id, description)
    await _put(tx, Subject.GROUP, group.id, rules)
    return group


async def delete_group(tx: Tx, group_id: str) -> UserGroup:
    """The group is gone, with all that was given to it. Raises NotFound."""
    await _hold(tx)
    group = await groups.delete(tx, group_id)
    await repo.remove_all_of(tx, Subject.GROUP, group.id)
    return group


async def create_channel(
    tx: Tx, *, name: str, kind: ChannelKind, slack_channel_id: str | None, rules: Rules = None
) -> ChatChannel:
    """A channel, with what whoever speaks there is allowed. Raises as `groups.create_channel` and
    `access_rules.put` do.
    """
    channel = await groups.create_channel(
        tx, name=name, kind=kind, slack_channel_id=slack_channel_id
    )
    await _put(tx, Subject.CHANNEL, channel.id, rules)
    return channel


async def update_channel(
    tx: Tx,
    channel_id: str,
    *,
    name: str | None,
    slack_channel_id: str | None,
    rules: Rules = None,
) -> ChatChannel:
    """Change a channel; None keeps. Raises as `create_channel` does, and NotFound."""
    await _hold(tx)
    channel = await groups.update_channel(
        tx, channel_id, name=name, slack_channel_id=slack_channel_id
    )
    await _put(tx, Subject.CHANNEL, channel.id, rules)
    return channel


async def delete_channel(tx: Tx, channel_id: str) -> ChatChannel:
    """The channel is gone, with all that was given to it. Raises NotFound."""
    await _hold(tx)
    channel = await groups.delete_channel(tx, channel_id)
    await repo.remove_all_of(tx, Subject.CHANNEL, channel.id)
    return channel


async def _put(tx: Tx, subject: Subject, subject_id: str, rules: Rules) -> None:
    if rules is not None:
        await access_rules.put(tx, subject, subject_id, rules)


async def _hold(tx: Tx) -> None:
    """Held before any row: nothing is given meanwhile to somebody who goes, and nobody waits in a
    circle.
    """
    access.require_admin(tx)
    await space_repo.hold_tree(tx)
