"""Every query about users, sessions and API keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import ColumnElement, Select, delete, func, or_, select, true, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import InstrumentedAttribute

from gantry.domains.people.model import (
    ApiKey,
    ApiKeyTraits,
    LoginFailure,
    Session,
    SessionGroups,
    User,
)
from gantry.kernel.ids import new_id
from gantry.kernel.tx import Tx

Owner: TypeAlias = tuple[str, str]
"""Whose sessions: the kind of an actor, `user` or `api_key`, and its id."""


@dataclass(frozen=True, slots=True)
class Found:
    """A session and whose it is. `groups`: those of the key, and those its token named."""

    session: Session
    user: User | None
    key: ApiKey | None
    groups: frozenset[str]


async def remember_user(tx: Tx, *, source: str, username: str, admin: bool) -> User:
    """The user of that name, made at the first sign-in; two at once make one."""
    statement = (
        insert(User)
        .values(
            id=new_id(),
            source=source,
            username=username,
            admin=admin,
            created_at=tx.now,
            last_seen_at=tx.now,
        )
        .on_conflict_do_update(
            index_elements=[User.source, User.username],
            set_={"last_seen_at": tx.now, "admin": admin},
        )
        .returning(User)
    )
    return (
        await tx.session.scalars(statement, execution_options={"populate_existing": True})
    ).one()


async def session_with_owner(tx: Tx, session_id: str) -> Found | None:
    """The session that has neither ended nor expired, and whose it is, in one query."""
    query = (
        select(Session, User, ApiKey, ApiKeyTraits.teams, SessionGroups.groups)
        .outerjoin(User, User.id == Session.user_id)
        .outerjoin(ApiKey, (ApiKey.id == Session.api_key_id) & ApiKey.deleted_at.is_(None))
        .outerjoin(ApiKeyTraits, ApiKeyTraits.key_id == Session.api_key_id)
        .outerjoin(SessionGroups, SessionGroups.session_id == Session.id)
        .where(Session.id == session_id, Session.ended_at.is_(None), Session.expires_at > tx.now)
    )
    row = (await tx.session.execute(query)).first()
    if row is None:
        return None
    return Found(row[0], row[1], row[2], frozenset([*(row[3] or ()), *(row[4] or ())]))


async def end_session(tx: Tx, session_id: str) -> None:
    """The session is over, for good."""
    await tx.session.execute(
        update(Session)
        .where(Session.id == session_id, Session.ended_at.is_(None))
        .values(ended_at=tx.now)
    )


async def end_sessions_of_key(tx: Tx, api_key_id: str) -> None:
    """Every session that was opened with the key is over."""
    await tx.session.execute(
        update(Session)
        .where(Session.api_key_id == api_key_id, Session.ended_at.is_(None))
        .values(ended_at=tx.now)
    )


async def api_key(tx: Tx, key_id: str) -> ApiKey | None:
    """The key, unless it was deleted."""
    query = select(ApiKey).where(ApiKey.id == key_id, ApiKey.deleted_at.is_(None))
    return await tx.session.scalar(query)


async def any_api_key(tx: Tx) -> bool:
    """Whether there ever was a key."""
    return (await tx.session.scalars(select(ApiKey.id).limit(1))).first() is not None


async def api_keys_by_ids(tx: Tx, ids: Sequence[str]) -> dict[str, ApiKey]:
    """Those of the keys that are there."""
    rows = await tx.session.scalars(
        select(ApiKey).where(ApiKey.id.in_(ids), ApiKey.deleted_at.is_(None))
    )
    return {key.id: key for key in rows}


async def api_keys(tx: Tx) -> list[ApiKey]:
    """All keys that were not deleted, oldest first."""
    query = select(ApiKey).where(ApiKey.deleted_at.is_(None)).order_by(ApiKey.id)
    return list(await tx.session.scalars(query))


async def api_keys_made_by(tx: Tx, creator_id: str) -> list[ApiKey]:
    """The keys that were made by a user or key of this id, oldest first."""
    query = (
        select(ApiKey)
        .join(ApiKeyTraits, ApiKeyTraits.key_id == ApiKey.id)
        .where(ApiKey.deleted_at.is_(None), ApiKeyTraits.created_by_id == creator_id)
        .order_by(ApiKey.id)
    )
    return list(await tx.session.scalars(query))


async def traits_by_ids(tx: Tx, key_ids: Sequence[str]) -> dict[str, ApiKeyTraits]:
    """What the keys are besides; keys of earlier releases are not among them."""
    rows = await tx.session.scalars(select(ApiKeyTraits).where(ApiKeyTraits.key_id.in_(key_ids)))
    return {traits.key_id: traits for traits in rows}


async def groups_of(tx: Tx, ids: Sequence[str]) -> dict[str, list[str]]:
    """The names of the groups that users and API keys are members of, by their ids."""
    rows = await tx.session.execute(
        select(User.id, User.groups)
        .where(User.id.in_(ids))
        .union_all(
            select(ApiKeyTraits.key_id, ApiKeyTraits.teams).where(ApiKeyTraits.key_id.in_(ids))
        )
    )
    return dict(rows.tuples().all())


async def traits_shared(tx: Tx, key_id: str) -> ApiKeyTraits | None:
    """What the key is besides, which nobody changes until the transaction ends."""
    query = select(ApiKeyTraits).where(ApiKeyTraits.key_id == key_id).with_for_update(read=True)
    return (await tx.session.scalars(query)).one_or_none()


async def traits_held(tx: Tx, key_id: str) -> ApiKeyTraits:
    """What the key is besides, held until the transaction ends; made if there is nothing yet."""
    await tx.session.execute(
        insert(ApiKeyTraits)
        .values(key_id=key_id, created_by_id="", claim_mapping=[])
        .on_conflict_do_nothing()
    )
    return await tx.session.get_one(
        ApiKeyTraits, key_id, with_for_update=True, populate_existing=True
    )


async def forget_claimed_groups(tx: Tx, key_id: str) -> None:
    """Sessions of the key are in its own groups, and in none that their tokens named."""
    sessions = select(Session.id).where(Session.api_key_id == key_id)
    await tx.session.execute(delete(SessionGroups).where(SessionGroups.session_id.in_(sessions)))


def _open(tx: Tx) -> Select[Session, User, ApiKey]:
    return (
        select(Session, User, ApiKey)
        .outerjoin(User, User.id == Session.user_id)
        .outerjoin(ApiKey, ApiKey.id == Session.api_key_id)
        .where(Session.ended_at.is_(None), Session.expires_at > tx.now)
        .where(or_(Session.api_key_id.is_(None), ApiKey.deleted_at.is_(None)))
    )


def _whose(owner: Owner | None) -> ColumnElement[bool]:
    if owner is None:
        return true()
    kind, owner_id = owner
    return (Session.user_id if kind == "user" else Session.api_key_id) == owner_id


async def open_sessions(
    tx: Tx, owner: Owner | None, *, most: int | None = None
) -> list[tuple[Session, User | None, ApiKey | None]]:
    """Sessions that go on, the newest first: of one user or key, or everybody's."""
    query = _open(tx).where(_whose(owner)).order_by(Session.id.desc()).limit(most)
    return [(row[0], row[1], row[2]) for row in await tx.session.execute(query)]


async def open_session(
    tx: Tx, session_id: str, owner: Owner | None
) -> tuple[Session, User | None, ApiKey | None] | None:
    """The session, if it goes on and is the owner's; of None, anybody's."""
    query = _open(tx).where(_whose(owner), Session.id == session_id)
    row = (await tx.session.execute(query)).first()
    return None if row is None else (row[0], row[1], row[2])


async def end_sessions(tx: Tx, session_ids: Sequence[str]) -> None:
    """These are over."""
    await tx.session.execute(
        update(Session)
        .where(Session.id.in_(session_ids), Session.ended_at.is_(None))
        .values(ended_at=tx.now)
    )


async def end_sessions_but(tx: Tx, session_id: str | None) -> None:
    """Every session is over, except this one."""
    others = Session.ended_at.is_(None), Session.id != (session_id or "")
    await tx.session.execute(update(Session).where(*others).values(ended_at=tx.now))


async def open_sessions_of_keys(tx: Tx, key_ids: Sequence[str]) -> dict[str, int]:
    """How many sessions that were opened with each key go on."""
    return await _open_sessions_by(tx, Session.api_key_id, key_ids)


async def open_sessions_of_users(tx: Tx, user_ids: Sequence[str]) -> dict[str, int]:
    """How many sessions of each user go on."""
    return await _open_sessions_by(tx, Session.user_id, user_ids)


async def _open_sessions_by(
    tx: Tx, owner: InstrumentedAttribute[str | None], ids: Sequence[str]
) -> dict[str, int]:
    rows = await tx.session.execute(
        select(owner, func.count())
        .where(owner.in_(ids), Session.ended_at.is_(None), Session.expires_at > tx.now)
        .group_by(owner)
    )
    return {str(one): count for one, count in rows}


async def hold_subject(tx: Tx, subject: str) -> None:
    """Sign-ins of the subject come one after another, until the transaction ends."""
    await tx.session.execute(
        select(func.pg_advisory_xact_lock(func.hashtextextended(f"sign-in {subject}", 0)))
    )


async def failures_since(tx: Tx, subject: str, since: datetime) -> int:
    """How often a sign-in failed for the subject."""
    query = (
        select(func.count())
        .select_from(LoginFailure)
        .where(LoginFailure.subject == subject, LoginFailure.at > since)
    )
    return await tx.session.scalar(query) or 0


async def forget(tx: Tx, before: datetime) -> None:
    """Drop sessions and failures that no longer matter."""
    await tx.session.execute(delete(Session).where(Session.expires_at < before))
    await tx.session.execute(delete(LoginFailure).where(LoginFailure.at < before))
