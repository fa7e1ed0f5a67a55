"""Every query about users, sessions and API keys."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from gantry.domains.people.model import ApiKey, LoginFailure, Session, User
from gantry.kernel.ids import new_id
from gantry.kernel.tx import Tx


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


async def session_with_owner(
    tx: Tx, session_id: str
) -> tuple[Session, User | None, ApiKey | None] | None:
    """The session that has neither ended nor expired, and whose it is, in one query."""
    query = (
        select(Session, User, ApiKey)
        .outerjoin(User, User.id == Session.user_id)
        .outerjoin(ApiKey, (ApiKey.id == Session.api_key_id) & ApiKey.deleted_at.is_(None))
        .where(Session.id == session_id, Session.ended_at.is_(None), Session.expires_at > tx.now)
    )
    row = (await tx.session.execute(query)).first()
    return None if row is None else (row[0], row[1], row[2])


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


async def api_keys(tx: Tx) -> list[ApiKey]:
    """All keys that were not deleted, oldest first."""
    query = select(ApiKey).where(ApiKey.deleted_at.is_(None)).order_by(ApiKey.id)
    return list(await tx.session.scalars(query))


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
