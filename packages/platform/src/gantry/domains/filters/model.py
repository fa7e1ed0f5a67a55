"""Mapped classes of saved filters."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from gantry.kernel.ids import new_id
from gantry.kernel.model import Model


class SavedFilter(Model):
    """How somebody looked at a list, under a name. What `data` says is the client's own."""

    __tablename__ = "saved_filter"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str]
    type: Mapped[str]
    """Which list it is a view of, as the client calls it."""
    public: Mapped[bool]
    data: Mapped[str]
    owner: Mapped[str]
    """The id of whoever made it."""
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    __table_args__ = (
        Index("saved_filter_owner", "owner"),
        Index("saved_filter_public", "name", postgresql_where=text("public")),
    )
