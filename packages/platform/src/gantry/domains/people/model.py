"""Mapped classes of people: users, their sessions, API keys, and who decides about them."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from gantry.kernel.ids import new_id
from gantry.kernel.model import Model

NO_SOURCE = ""
"""Where somebody comes from who was invited, and whom no identity provider has named yet."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody as an identity provider has just vouched for them.

    `source` is a short word for the provider; the same `subject` of one source is the same person
    for ever, whatever else changes. `groups` are the names as the provider says them, exactly.
    """

    source: str
    subject: str
    username: str
    email: str | None
    email_verified: bool
    name: str | None
    groups: frozenset[str]


class User(Model):
    """Somebody who has signed in, or who was invited to; known by identity source and name."""

    __tablename__ = "app_user"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    source: Mapped[str]
    """NO_SOURCE until an invitation is accepted."""
    username: Mapped[str]
    """As invited, or as first signed in with; it stays, whatever the provider says later."""
    admin: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    email: Mapped[str | None]
    name: Mapped[str | None]
    groups: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}", default=list)
    """Those that the identity provider named at the last sign-in, sorted."""
    last_sign_in_at: Mapped[datetime | None]
    inactive_at: Mapped[datetime | None]
    """When the identity provider that knew them went; they have to be invited again."""
    invited_at: Mapped[datetime | None]
    invited_by: Mapped[str | None]
    invitation_email: Mapped[str | None]
    invitation_expires_at: Mapped[datetime | None]
    """None while invitations wait for the management strategy that they are for."""
    slack_member_id: Mapped[str | None]

    __table_args__ = (Index("user_source_name", "source", "username", unique=True),)


class UserIdentity(Model):
    """By what the present identity provider knows a user; gone when the provider goes."""

    __tablename__ = "user_identity"

    user_id: Mapped[str] = mapped_column(
        ForeignKey("app_user.id", ondelete="CASCADE"), primary_key=True
    )
    source: Mapped[str]
    subject: Mapped[str]

    __table_args__ = (Index("user_identity_subject", "source", "subject", unique=True),)


class UserGroup(Model):
    """A group of the identity provider that the account knows: its members may enter."""

    __tablename__ = "user_group"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(unique=True)
    """Exactly as the provider says it, capitals and spaces included."""
    description: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    created_by: Mapped[str]


class ChannelKind(enum.StrEnum):
    """Where a channel is."""

    SLACK = "SLACK"


class ChatChannel(Model):
    """A channel that roles can be given to, for whoever speaks in it."""

    __tablename__ = "chat_channel"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str]
    kind: Mapped[ChannelKind]
    slack_channel_id: Mapped[str | None] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    created_by: Mapped[str]


class Scheme(enum.StrEnum):
    """Who decides which people may enter."""

    USER_MANAGEMENT = "USER_MANAGEMENT"
    """Whoever was invited, or is in a group that the account knows."""
    LOGIN_POLICY = "LOGIN_POLICY"


class Management(Model):
    """How people and keys are managed; one row. Whoever lets somebody new in holds it."""

    __tablename__ = "management"

    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    scheme: Mapped[Scheme]
    space_admins_manage_keys: Mapped[bool]
    """Whether admins of single spaces may make API keys."""


class ApiKey(Model):
    """A machine's way in. The secret is stored as an Argon2 hash only."""

    __tablename__ = "api_key"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str]
    secret_hash: Mapped[str]
    """Empty for a key without a secret, which nothing fits."""
    admin: Mapped[bool] = mapped_column(default=False)
    description: Mapped[str | None]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]


class ApiKeyTraits(Model):
    """What a key is besides: whose, in which groups, and whose tokens it takes for a secret.

    Keys of earlier releases have no such row.
    """

    __tablename__ = "api_key_traits"

    key_id: Mapped[str] = mapped_column(
        ForeignKey("api_key.id", ondelete="CASCADE"), primary_key=True
    )
    created_by_id: Mapped[str] = mapped_column(index=True)
    """The id of the user or key that made it: names may be had by others later."""
    teams: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}", default=list)
    """Names of groups that it counts as a member of."""
    issuer: Mapped[str | None]
    """Who signs the tokens that it takes; None for a key with a secret."""
    client_id: Mapped[str | None]
    subject_expression: Mapped[str | None]
    claim_mapping: Mapped[list[Any]] = mapped_column(default=list)
    """Pairs of a claim's name and what it says of whoever comes with the token: `groups`."""


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


class SessionGroups(Model):
    """Groups that the token named with which an API key's session was opened."""

    __tablename__ = "session_groups"

    session_id: Mapped[str] = mapped_column(
        ForeignKey("session.id", ondelete="CASCADE"), primary_key=True
    )
    groups: Mapped[list[str]] = mapped_column(ARRAY(Text))


class LoginFailure(Model):
    """A failed sign-in, kept for as long as it counts against the address and the name."""

    __tablename__ = "login_failure"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    subject: Mapped[str] = mapped_column(index=True)
    at: Mapped[datetime] = mapped_column(index=True)
