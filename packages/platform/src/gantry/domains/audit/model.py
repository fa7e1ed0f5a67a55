"""Mapped classes of the audit trail."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from gantry.domains.audit.kinds import Resource
from gantry.kernel.ids import new_id
from gantry.kernel.model import Model


class AuditEntry(Model):
    """One thing that somebody did. Written with it, in the same transaction, and never changed.

    Its place in the chain comes a moment later (`chain.seal`): were it taken at once, everything
    that anybody does would wait for everything else.
    """

    __tablename__ = "audit_entry"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    action: Mapped[str]
    """`stack.create`: the noun and what was done to it."""
    actor: Mapped[str]
    """`<identity source>::<name>`, as in histories."""
    actor_kind: Mapped[str]
    actor_id: Mapped[str]
    address: Mapped[str]
    """Where the request came from; empty for what came from no client."""
    resource: Mapped[Resource]
    resource_id: Mapped[str | None]
    related: Mapped[Resource | None]
    related_id: Mapped[str | None]
    body: Mapped[str]
    """JSON, kept as the text that it was, secrets left out. Empty for nothing to say."""
    seq: Mapped[int | None]
    """Its place in the chain, from 1, without gaps."""
    digest: Mapped[bytes | None]

    __table_args__ = (
        Index("audit_entry_newest", "at", "id"),
        Index("audit_entry_actor", "actor", "at"),
        Index("audit_entry_action", "action", "at"),
        Index("audit_entry_resource", "resource", "resource_id", "at"),
        Index("audit_entry_seq", "seq"),
        # A month is a table of its own, and goes as one when its time is over.
        {"postgresql_partition_by": "RANGE (at)"},
    )


class AuditChain(Model):
    """Where the chain ends; one row. Whoever seals holds it."""

    __tablename__ = "audit_chain"

    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    seq: Mapped[int]
    digest: Mapped[bytes]
    checkpoint_seq: Mapped[int] = mapped_column(default=0)
    """How far the newest checkpoint in the object storage goes."""
    checkpoint_at: Mapped[datetime | None]
    floor_seq: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    """Up to this place entries are gone, or about to go, because they were old. Believed only with
    the signed word of it in the object storage (`chain.sign_floor`)."""
