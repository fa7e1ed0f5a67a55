"""What people and their keys are called, for whoever is shown that something was given to them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select

from gantry.domains.people.model import ApiKey, ChatChannel, User, UserGroup
from gantry.kernel.tx import Tx


async def of_users(tx: Tx, ids: Sequence[str]) -> dict[str, str]:
    """Logins of users, by id. Not authorised; what the name stands beside is."""
    login = func.concat(User.source, "::", User.username)
    rows = await tx.session.execute(select(User.id, login).where(User.id.in_(ids)))
    return dict(rows.tuples().all())


async def of_keys(tx: Tx, ids: Sequence[str]) -> dict[str, str]:
    """Names of API keys that are there, by id. Not authorised; what the name stands beside is."""
    query = select(ApiKey.id, ApiKey.name).where(ApiKey.id.in_(ids), ApiKey.deleted_at.is_(None))
    return dict((await tx.session.execute(query)).tuples().all())


async def of_groups(tx: Tx, ids: Sequence[str]) -> dict[str, str]:
    """Names of groups, by id. Not authorised; what the name stands beside is."""
    query = select(UserGroup.id, UserGroup.name).where(UserGroup.id.in_(ids))
    return dict((await tx.session.execute(query)).tuples().all())


async def of_channels(tx: Tx, ids: Sequence[str]) -> dict[str, str]:
    """Names of channels, by id. Not authorised; what the name stands beside is."""
    query = select(ChatChannel.id, ChatChannel.name).where(ChatChannel.id.in_(ids))
    return dict((await tx.session.execute(query)).tuples().all())
