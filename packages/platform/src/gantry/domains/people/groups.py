"""What can be done with groups of the identity provider, and with channels of chats.

All of it needs root admin. What is given to them, `roles.members` looks after.
"""

from __future__ import annotations

from gantry.domains.people import access, user_repo
from gantry.domains.people.model import ChannelKind, ChatChannel, UserGroup
from gantry.domains.people.rules import (
    checked_channel_name,
    checked_description,
    checked_group_name,
    checked_slack_id,
)
from gantry.kernel.errors import Conflict, NotFound
from gantry.kernel.ids import new_id
from gantry.kernel.tx import Tx


async def listed(tx: Tx) -> list[UserGroup]:
    """Every group, by name."""
    access.require_admin(tx)
    return await user_repo.groups(tx)


async def names_heard(tx: Tx) -> list[str]:
    """Every group that an identity provider named of anybody, known to the account or not."""
    access.require_admin(tx)
    return await user_repo.group_names_heard(tx)


async def find(tx: Tx, group_id: str, *, lock: bool = False) -> UserGroup:
    """The group. Raises NotFound."""
    access.require_admin(tx)
    group = await user_repo.group(tx, group_id, lock=lock)
    if group is None:
        raise NotFound("user group not found")
    return group


async def create(tx: Tx, *, name: str, description: str | None) -> UserGroup:
    """A group that lets its members in. Raises BadUser, Conflict for a name that is there."""
    access.require_admin(tx)
    name, description = checked_group_name(name), checked_description(description)
    await user_repo.management(tx, hold=True)
    if await user_repo.known_groups(tx, [name]):
        raise Conflict(f'There is a group "{name}" already.')
    group = UserGroup(
        id=new_id(),
        name=name,
        description=description,
        created_at=tx.now,
        created_by=tx.actor.name,
    )
    tx.session.add(group)
    await tx.session.flush()
    return group


async def describe(tx: Tx, group_id: str, description: str | None) -> UserGroup:
    """What the group is for; None keeps. Raises NotFound, BadUser."""
    group = await find(tx, group_id, lock=True)
    if description is not None:
        group.description = checked_description(description)
    return group


async def delete(tx: Tx, group_id: str) -> UserGroup:
    """The group lets nobody in any more. Raises NotFound."""
    group = await find(tx, group_id, lock=True)
    await tx.session.delete(group)
    await tx.session.flush()
    return group


async def channels(tx: Tx, kind: ChannelKind | None) -> list[ChatChannel]:
    """Every channel, of that kind if one is named, the oldest first."""
    access.require_admin(tx)
    return await user_repo.channels(tx, kind)


async def find_channel(tx: Tx, channel_id: str, *, lock: bool = False) -> ChatChannel:
    """The channel. Raises NotFound."""
    access.require_admin(tx)
    channel = await user_repo.channel(tx, channel_id, lock=lock)
    if channel is None:
        raise NotFound("user group integration not found")
    return channel


async def create_channel(
    tx: Tx, *, name: str, kind: ChannelKind, slack_channel_id: str | None
) -> ChatChannel:
    """A channel that roles can be given to. Raises BadUser, Conflict for one that is there."""
    access.require_admin(tx)
    slack_id = checked_slack_id(slack_channel_id)
    channel = ChatChannel(
        id=new_id(),
        name=checked_channel_name(name),
        kind=kind,
        slack_channel_id=slack_id,
        created_at=tx.now,
        created_by=tx.actor.name,
    )
    await _require_free(tx, slack_id, but=None)
    tx.session.add(channel)
    await tx.session.flush()
    return channel


async def update_channel(
    tx: Tx, channel_id: str, *, name: str | None, slack_channel_id: str | None
) -> ChatChannel:
    """Change a channel; None keeps. Raises NotFound, BadUser, Conflict."""
    await _require_free(tx, checked_slack_id(slack_channel_id), but=channel_id)
    channel = await find_channel(tx, channel_id, lock=True)
    if name is not None:
        channel.name = checked_channel_name(name)
    if slack_channel_id is not None:
        channel.slack_channel_id = checked_slack_id(slack_channel_id)
    return channel


async def delete_channel(tx: Tx, channel_id: str) -> ChatChannel:
    """The channel is none of the account's any more. Raises NotFound."""
    channel = await find_channel(tx, channel_id, lock=True)
    await tx.session.delete(channel)
    await tx.session.flush()
    return channel


async def _require_free(tx: Tx, slack_id: str | None, *, but: str | None) -> None:
    access.require_admin(tx)
    await user_repo.management(tx, hold=True)
    if slack_id is not None and await user_repo.channel_taken(tx, slack_id, but=but):
        raise Conflict(f"The channel {slack_id} is there already.")
