"""What users, groups and channels are, before any row is looked at."""

from __future__ import annotations

import enum
import re
from datetime import datetime, timedelta

from gantry.kernel.errors import UserError
from gantry.kernel.texts import can_be_kept

INVITATION_LASTS = timedelta(hours=24)
"""Then it has to be sent again (contract notes, "Users and groups")."""

USERNAME_MAX = 255
GROUP_NAME_MAX = 255
CHANNEL_NAME_MAX = 255
DESCRIPTION_MAX = 4096
"""Characters: a page, which is more than anybody reads of a group or a key."""

_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,255}")
_SLACK_ID = re.compile(r"[A-Z0-9]{2,32}")
"""Slack's ids of channels and members: a letter for the kind, and capitals and digits."""


class Status(enum.StrEnum):
    """How far somebody has come."""

    QUEUED = "QUEUED"
    PENDING = "PENDING"
    EXPIRED = "EXPIRED"
    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"


class BadUser(UserError):
    """What no user, invitation, group or channel can have."""

    code = "BAD_USER"


def status(
    *,
    invited: bool,
    inactive: bool,
    expires_at: datetime | None,
    now: datetime,
) -> Status:
    """`invited`: whether they have not come yet; `expires_at`: until when they may."""
    if not invited:
        return Status.INACTIVE if inactive else Status.ACTIVE
    if expires_at is None:
        return Status.QUEUED
    return Status.PENDING if expires_at > now else Status.EXPIRED


def is_email(text: str) -> bool:
    """Whether the text has the form of an address; whether anybody is there, nobody knows."""
    return bool(_EMAIL.fullmatch(text))


def checked_username(name: str) -> str:
    """The name without spaces around it. Raises BadUser."""
    name = name.strip()
    if not name or len(name) > USERNAME_MAX:
        raise BadUser(f"A user name has 1 to {USERNAME_MAX} characters.")
    return name


def checked_email(email: str | None) -> str | None:
    """The address, None for an empty one. Raises BadUser."""
    email = (email or "").strip()
    if email and not is_email(email):
        raise BadUser(f'"{email[:100]}" is not an e-mail address.')
    return email or None


def checked_group_name(name: str) -> str:
    """The name exactly as it is, for spaces and capitals count. Raises BadUser."""
    if not name or len(name) > GROUP_NAME_MAX or not can_be_kept(name):
        raise BadUser(f"A group's name has 1 to {GROUP_NAME_MAX} characters.")
    return name


def checked_channel_name(name: str) -> str:
    """The name without spaces around it. Raises BadUser."""
    name = name.strip()
    if not name or len(name) > CHANNEL_NAME_MAX:
        raise BadUser(f"A channel's name has 1 to {CHANNEL_NAME_MAX} characters.")
    return name


def checked_description(text: str | None) -> str:
    """The description, empty for none. Raises BadUser."""
    if text and len(text) > DESCRIPTION_MAX:
        raise BadUser(f"A description has at most {DESCRIPTION_MAX} characters.")
    return text or ""


def checked_slack_id(text: str | None) -> str | None:
    """The id, None for an empty one. Raises BadUser."""
    if not text:
        return None
    if not _SLACK_ID.fullmatch(text):
        raise BadUser("A Slack id is a letter and more capitals and digits, such as C024BE91L.")
    return text
