"""Every query about users, their identities and groups, and how they are managed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Text, cast, delete, func, select, update
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by, insert

from gantry.domains.people.model import (
    NO_SOURCE,
    ChannelKind,
    ChatChannel,
    Identity,
    Management,
    Session,
    User,
    UserGroup,
    UserIdentity,
)
from gantry.kernel.tx import Tx


async def management(tx: Tx, *, hold: bool = False) -> Management:
    """How people are managed. `hold`: nobody else lets anybody new in until this ends."""
    return await tx.session.get_one(
        Management, 1, with_for_update=True if hold else None, populate_existing=hold
    )


async def by_identity(tx: Tx, identity: Identity) -> User | None:
    """The user whom the provider knows so, held until the transaction ends."""
    query = (
        select(User)
        .join(UserIdentity, UserIdentity.user_id == User.id)
        .where(UserIdentity.source == identity.source, UserIdentity.subject == identity.subject)
        .with_for_update(of=User)
    )
    return await tx.session.scalar(query)


async def by_name(tx: Tx, source: str, username: str) -> User | None:
    """The user of that name."""
    query = select(User).where(User.source == source, User.username == username)
    return await tx.session.scalar(query)


async def invitation_by_name(tx: Tx, username: str) -> User | None:
    """Whoever was invited by exactly this name and has not come yet, held."""
    query = select(User).where(User.source == NO_SOURCE, User.username == username)
    return await tx.session.scalar(query.with_for_update())


async def invitation_by_email(tx: Tx, email: str) -> User | None:
    """Whoever was invited at this address and has not come yet, held."""
    query = select(User).where(
        User.source == NO_SOURCE, func.lower(User.invitation_email) == email.lower()
    )
    return await tx.session.scalar(query.order_by(User.id).limit(1).with_for_update())


async def seats(tx: Tx, since: datetime) -> int:
    """How many people have signed in since then, the built-in admin included. Whoever was invited
    and has not come takes none, and neither do API keys.
    """
    query = select(func.count()).where(User.source != NO_SOURCE, User.last_seen_at >= since)
    return await tx.session.scalar(query) or 0


async def name_taken(tx: Tx, username: str) -> bool:
    """Whether anybody is called so whom an identity provider knows, or knew."""
    query = select(User.id).where(User.username == username, User.source != NO_SOURCE).limit(1)
    return await tx.session.scalar(query) is not None


async def remember_identity(tx: Tx, user_id: str, identity: Identity) -> None:
    """From now on the provider's word for this subject is the user's."""
    values = {"source": identity.source, "subject": identity.subject}
    await tx.session.execute(
        insert(UserIdentity)
        .values(user_id=user_id, **values)
        .on_conflict_do_update(index_elements=[UserIdentity.user_id], set_=values)
    )


async def forget_identity(tx: Tx, user_id: str) -> None:
    """No provider's word is the user's any more."""
    await tx.session.execute(delete(UserIdentity).where(UserIdentity.user_id == user_id))


async def forget_all_identities(tx: Tx) -> None:
    """Nobody is known by any provider's word any more, and their sessions are over."""
    known = select(UserIdentity.user_id)
    await tx.session.execute(
        update(User).where(User.id.in_(known)).values(inactive_at=tx.now),
        execution_options={"synchronize_session": False},
    )
    await tx.session.execute(
        update(Session)
        .where(Session.user_id.in_(known), Session.ended_at.is_(None))
        .values(ended_at=tx.now),
        execution_options={"synchronize_session": False},
    )
    await tx.session.execute(delete(UserIdentity))


async def managed(tx: Tx, sources_not: Collection[str]) -> list[User]:
    """Every user who does not come from one of the sources, oldest first."""
    query = select(User).where(User.source.not_in(sources_not)).order_by(User.id)
    return list(await tx.session.scalars(query))


async def find(tx: Tx, user_id: str, *, lock: bool = False) -> User | None:
    """The user, held until the transaction ends if `lock`."""
    return await tx.session.get(
        User, user_id, with_for_update=True if lock else None, populate_existing=lock
    )


async def by_ids(tx: Tx, ids: Sequence[str]) -> dict[str, User]:
    """Those of the users that there are."""
    rows = await tx.session.scalars(select(User).where(User.id.in_(ids)))
    return {user.id: user for user in rows}


async def start_invitations(tx: Tx, until: datetime) -> None:
    """Invitations that waited for the management strategy can be accepted until then."""
    await tx.session.execute(
        update(User)
        .where(User.source == NO_SOURCE, User.invitation_expires_at.is_(None))
        .values(invitation_expires_at=until)
    )


async def remove(tx: Tx, user: User) -> None:
    """The user is gone, and so are their sessions. Whoever signs in meanwhile waits, and fails."""
    await tx.session.execute(delete(Session).where(Session.user_id == user.id))
    await tx.session.delete(user)
    await tx.session.flush()


async def known_groups(tx: Tx, names: Collection[str]) -> set[str]:
    """Those of the names that are groups of the account."""
    query = select(UserGroup.name).where(UserGroup.name == func.any(cast(list(names), ARRAY(Text))))
    return set(await tx.session.scalars(query))


async def groups(tx: Tx) -> list[UserGroup]:
    """Every group of the account, by name."""
    return list(await tx.session.scalars(select(UserGroup).order_by(UserGroup.name)))


async def group(tx: Tx, group_id: str, *, lock: bool = False) -> UserGroup | None:
    """The group, held until the transaction ends if `lock`."""
    return await tx.session.get(UserGroup, group_id, with_for_update=True if lock else None)


async def groups_by_ids(tx: Tx, ids: Sequence[str]) -> dict[str, UserGroup]:
    """Those of the groups that there are."""
    rows = await tx.session.scalars(select(UserGroup).where(UserGroup.id.in_(ids)))
    return {group.id: group for group in rows}


@dataclass(frozen=True, slots=True)
class Members:
    """The users whom an identity provider named a group of, at their last sign-ins."""

    count: int
    newest: datetime | None
    """When the last of them signed in."""
    source: str
    """Where that one came from."""


async def members(tx: Tx, names: Sequence[str]) -> dict[str, Members]:
    """By name of a group, if anybody is in it."""
    named = select(func.unnest(User.groups).label("name"), User.last_sign_in_at, User.source)
    row = named.subquery()
    newest_first = aggregate_order_by(row.c.source, row.c.last_sign_in_at.desc().nulls_last())
    query = (
        select(
            row.c.name,
            func.count(),
            func.max(row.c.last_sign_in_at),
            func.array_agg(newest_first),
        )
        .where(row.c.name.in_(names))
        .group_by(row.c.name)
    )
    rows = await tx.session.execute(query)
    return {name: Members(count, newest, sources[0]) for name, count, newest, sources in rows}


async def group_names_heard(tx: Tx) -> list[str]:
    """Every group that an identity provider named of anybody, by name."""
    name = func.unnest(User.groups).label("name")
    return list(await tx.session.scalars(select(name).distinct().order_by(name)))


async def channels(tx: Tx, kind: ChannelKind | None) -> list[ChatChannel]:
    """Every channel, of that kind if one is named, oldest first."""
    query = select(ChatChannel).order_by(ChatChannel.id)
    return list(
        await tx.session.scalars(query if kind is None else query.where(ChatChannel.kind == kind))
    )


async def channel(tx: Tx, channel_id: str, *, lock: bool = False) -> ChatChannel | None:
    """The channel, held until the transaction ends if `lock`."""
    return await tx.session.get(ChatChannel, channel_id, with_for_update=True if lock else None)


async def channel_taken(tx: Tx, slack_channel_id: str, *, but: str | None) -> bool:
    """Whether another channel has that id."""
    query = select(ChatChannel.id).where(ChatChannel.slack_channel_id == slack_channel_id)
    if but is not None:
        query = query.where(ChatChannel.id != but)
    return await tx.session.scalar(query) is not None
