"""Mapped classes of people: users, sessions and API keys."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from gantry.kernel.ids import new_id
from gantry.kernel.model import Model


class User(Model):
    """Somebody who has signed in, known by identity source and name."""

    __tablename__ = "app_user"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    source: Mapped[str]
    username: Mapped[str]
    admin: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]

    __table_args__ = (Index("user_source_name", "source", "username", unique=True),)


class ApiKey(Model):
    """A machine's way in. The secret is stored as an Argon2 hash only."""

    __tablename__ = "api_key"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str]
    secret_hash: Mapped[str]
    admin: Mapped[bool] = mapped_column(default=False)
    description: Mapped[str | None]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]


class Session(Model):
    """A sign-in that has not ended: the cookie and every API token name one."""

    __tablename__ = "session"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[str | None] = mapped_column(ForeignKey("app_user.id"), index=True)
    api_key_id: Mapped[str | None] = mapped_column(ForeignKey("api_key.id"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]
    address: Mapped[str | None]
    credential: Mapped[str | None]
    """A keyed digest of the admin password it was opened with: a new password ends it."""


class LoginFailure(Model):
    """A failed sign-in, kept for as long as it counts against the address and the name."""

    __tablename__ = "login_failure"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    subject: Mapped[str] = mapped_column(index=True)
    at: Mapped[datetime] = mapped_column(index=True)
