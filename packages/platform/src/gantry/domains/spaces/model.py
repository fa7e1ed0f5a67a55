"""Mapped class of spaces."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from gantry.kernel.model import Model

ROOT = "root"


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
