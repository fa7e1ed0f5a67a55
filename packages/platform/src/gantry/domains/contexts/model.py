"""Mapped classes of contexts and of configuration elements."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from gantry.domains.contexts.kinds import ElementType, OwnerKind
from gantry.kernel.ids import new_id
from gantry.kernel.model import Model
from gantry.kernel.sealed import sealed_for


class ConfigElement(Model):
    """One variable or mounted file; every value is sealed, secret or not."""

    __tablename__ = "config_element"

    owner_kind: Mapped[OwnerKind] = mapped_column(primary_key=True)
    owner_id: Mapped[str] = mapped_column(primary_key=True)
    type: Mapped[ElementType] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    value_sealed: Mapped[bytes] = sealed_for("config:{owner_kind}:{owner_id}:{type}:{id}")
    checksum: Mapped[str]
    """Lower-case hex SHA-256 of the exact string the client sent (contract notes)."""
    write_only: Mapped[bool]
    description: Mapped[str | None]
    created_at: Mapped[datetime]

    @property
    def identity(self) -> str:
        """What the sealed value is bound to."""
        return f"config:{self.owner_kind}:{self.owner_id}:{self.type}:{self.id}"


class Context(Model):
    """Variables, files and hooks with a name, for as many stacks as want them."""

    __tablename__ = "context"

    id: Mapped[str] = mapped_column(primary_key=True)
    """A slug of the first name; it never changes."""
    name: Mapped[str] = mapped_column(unique=True)
    description: Mapped[str | None]
    labels: Mapped[list[str]] = mapped_column(default=list)
    space_id: Mapped[str] = mapped_column(ForeignKey("space.id"), index=True)
    hooks: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Attachment(Model):
    """A context that somebody attached to a stack. Those by label are in no table."""

    __tablename__ = "context_attachment"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    context_id: Mapped[str] = mapped_column(ForeignKey("context.id"), index=True)
    stack_id: Mapped[str] = mapped_column(ForeignKey("stack.id", onupdate="CASCADE"))
    priority: Mapped[int]
    created_at: Mapped[datetime]

    __table_args__ = (Index("context_attached_once", "stack_id", "context_id", unique=True),)
