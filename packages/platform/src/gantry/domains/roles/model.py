"""Mapped classes of roles and of their bindings."""

from __future__ import annotations

import enum
from datetime import datetime

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from gantry.kernel.ids import new_id
from gantry.kernel.model import Model


class Subject(enum.StrEnum):
    """To whom a role may be given."""

    USER = "USER"
    GROUP = "GROUP"
    """Everybody whom an identity provider names as one of the group."""
    API_KEY = "API_KEY"
    CHANNEL = "CHANNEL"
    """Everybody who speaks in a channel of a chat."""
    STACK = "STACK"
    """The stack's runs, while they may speak."""


class Role(Model):
    """A set of actions with a name. Those of the system are the same everywhere."""

    __tablename__ = "role"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    actions: Mapped[list[str]]
    system: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class RoleBinding(Model):
    """The role is the subject's in the space, and in all spaces beneath it."""

    __tablename__ = "role_binding"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    subject: Mapped[Subject]
    subject_id: Mapped[str]
    role_id: Mapped[str] = mapped_column(ForeignKey("role.id"), index=True)
    space_id: Mapped[str] = mapped_column(ForeignKey("space.id"), index=True)
    created_at: Mapped[datetime]
    created_by: Mapped[str]

    __table_args__ = (
        # The first two columns are what every request asks by.
        Index("role_binding_once", "subject", "subject_id", "role_id", "space_id", unique=True),
    )
