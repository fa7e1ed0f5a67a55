"""Mapped class of configuration elements."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from gantry.domains.contexts.kinds import ElementType, OwnerKind
from gantry.kernel.model import Model


class ConfigElement(Model):
    """One variable or mounted file; every value is sealed, secret or not."""

    __tablename__ = "config_element"

    owner_kind: Mapped[OwnerKind] = mapped_column(primary_key=True)
    owner_id: Mapped[str] = mapped_column(primary_key=True)
    type: Mapped[ElementType] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(primary_key=True)
    value_sealed: Mapped[bytes]
    checksum: Mapped[str]
    """Lower-case hex SHA-256 of the exact string the client sent (contract notes)."""
    write_only: Mapped[bool]
    description: Mapped[str | None]
    created_at: Mapped[datetime]

    @property
    def identity(self) -> str:
        """What the sealed value is bound to."""
        return f"config:{self.owner_kind}:{self.owner_id}:{self.type}:{self.id}"
