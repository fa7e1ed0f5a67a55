"""Mapped class of spaces."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from gantry.kernel.model import Model

ROOT = "root"
LEGACY = "legacy"
"""Where things are made that name no space, on installations that have it (contract notes): those
whose operator asked for it (`service.make_legacy`).
"""


class Space(Model):
    """A node of the tree. `root` is fixed and has no parent."""

    __tablename__ = "space"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    parent_id: Mapped[str | None] = mapped_column(ForeignKey("space.id"), index=True)
    inherit_entities: Mapped[bool] = mapped_column(default=False)
    labels: Mapped[list[str]] = mapped_column(default=list)
    created_at: Mapped[datetime]
    path: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    """The space itself and every one above it, the root first."""
    inherits: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    """Those above it that it may use things of: as far up as nobody switched inheriting off."""


class SpaceTree(Model):
    """One row: the tree as a whole."""

    __tablename__ = "space_tree"

    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[str]
    """After each change of the tree one that no tree ever had: a trigger of the database's sees to
    that.
    """
