"""The mapped class of notifications."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from gantry.domains.notifications.kinds import Group, Severity
from gantry.kernel.ids import new_id
from gantry.kernel.model import Model


class Notification(Model):
    """Something that administrators should know of, and how often it has happened.

    It is open until somebody dismisses it, for all, or what it is about is well again.
    """

    __tablename__ = "notification"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    group_key: Mapped[Group]
    about: Mapped[str] = mapped_column(default="")
    """The id of what it is about; empty where the group says it already."""
    severity: Mapped[Severity]
    title: Mapped[str]
    body: Mapped[str]
    space_id: Mapped[str | None] = mapped_column(
        ForeignKey("space.id", ondelete="CASCADE"), index=True
    )
    """Whose administrators are told; the root for the whole installation. None for a stack's:
    wherever the stack is by then."""
    stack_id: Mapped[str | None] = mapped_column(
        ForeignKey("stack.id", onupdate="CASCADE", ondelete="CASCADE"), index=True
    )
    times: Mapped[int] = mapped_column(default=1)
    """How often it was told; within a minute, once."""
    created_at: Mapped[datetime]
    last_at: Mapped[datetime] = mapped_column(index=True)
    closed_at: Mapped[datetime | None]
    """Since when it is not open any more."""
    dismissed_by: Mapped[str | None]
    """The name of whoever dismissed it; none while it is open, and when it closed by itself."""

    __table_args__ = (
        # What comes again reopens what was well again, so that things that come and go leave one.
        Index(
            "notification_once",
            "group_key",
            "about",
            unique=True,
            postgresql_where=text("dismissed_by is null"),
        ),
    )
