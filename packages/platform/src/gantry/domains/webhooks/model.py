"""Mapped classes of webhooks and of their deliveries."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from gantry.domains.webhooks.kinds import DeliveryState, Kind
from gantry.kernel.ids import new_id
from gantry.kernel.model import Model
from gantry.kernel.sealed import sealed_for


class Webhook(Model):
    """An address, what it is told, and how often in a row it could not be told."""

    __tablename__ = "webhook"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[Kind]
    name: Mapped[str] = mapped_column(default="")
    """Of named ones."""
    space_id: Mapped[str | None] = mapped_column(ForeignKey("space.id"), index=True)
    """Of named ones; a stack's is in the stack's space, and the audit trail's in none."""
    stack_id: Mapped[str | None] = mapped_column(ForeignKey("stack.id", onupdate="CASCADE"))
    endpoint: Mapped[str]
    enabled: Mapped[bool]
    include_runs: Mapped[bool] = mapped_column(default=False)
    """Of the audit trail's: whether moves of runs are sent as well."""
    retry_on_failure: Mapped[bool | None]
    labels: Mapped[list[str]] = mapped_column(default=list)
    secret_sealed: Mapped[bytes | None] = sealed_for("webhook:{id}")
    failures: Mapped[int] = mapped_column(default=0)
    """Deliveries in a row that failed for good; of the audit trail's, attempts."""
    disabled_reason: Mapped[str | None]
    """Why the system switched it off; none when a person did."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    # How far the audit trail has been sent.
    position: Mapped[int] = mapped_column(default=0)
    """The place in the chain up to which everything was sent or waits as a delivery."""
    since: Mapped[datetime | None]
    """Entries from before are not sent."""
    until: Mapped[datetime | None]
    """Somebody switched it off then: the entry that says so is the only one still to be sent."""
    leaving: Mapped[bool] = mapped_column(default=False)
    """It is deleted as far as anybody can see, and goes when that entry is sent, or was not for an
    hour."""

    __table_args__ = (
        Index("webhook_once_per_stack", "stack_id", "endpoint", unique=True),
        Index(
            "webhook_one_audit",
            "kind",
            unique=True,
            postgresql_where=text("kind = 'AUDIT' and not leaving"),
        ),
    )

    @property
    def identity(self) -> str:
        """What the sealed secret is bound to."""
        return f"webhook:{self.id}"


class Header(Model):
    """A header of one's own that is sent along. Its value is sealed and never shown."""

    __tablename__ = "webhook_header"

    webhook_id: Mapped[str] = mapped_column(
        ForeignKey("webhook.id", ondelete="CASCADE"), primary_key=True
    )
    name: Mapped[str] = mapped_column(primary_key=True)
    """In lower case: headers have no other."""
    key: Mapped[str]
    """As it was given."""
    value_sealed: Mapped[bytes] = sealed_for("webhook-header:{webhook_id}:{name}")

    @property
    def identity(self) -> str:
        """What the sealed value is bound to."""
        return f"webhook-header:{self.webhook_id}:{self.name}"


class Delivery(Model):
    """Something that a webhook is told, and what came of it. Sent at least once."""

    __tablename__ = "webhook_delivery"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    """Sent along, so that whoever receives it twice can tell."""
    number: Mapped[int] = mapped_column(BigInteger, Identity(), unique=True)
    """The order in which they are sent."""
    webhook_id: Mapped[str] = mapped_column(ForeignKey("webhook.id", ondelete="CASCADE"))
    event: Mapped[str]
    """`run.state`, the action of an audit entry, or `test`."""
    body: Mapped[str]
    """JSON, as it is sent; empty once it is settled, when its trace has it."""
    state: Mapped[DeliveryState]
    created_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime]
    """Not before then."""
    attempted_at: Mapped[datetime | None]
    status: Mapped[int | None]
    """Of the newest answer; none when nobody answered."""
    took_ms: Mapped[int | None]
    error: Mapped[str | None]
    """Why the newest attempt failed, as a sentence."""

    __table_args__ = (
        Index("webhook_delivery_log", "webhook_id", "number"),
        Index(
            "webhook_delivery_waiting",
            "webhook_id",
            "number",
            postgresql_where=text("state = 'WAITING'"),
        ),
        Index("webhook_delivery_created", "created_at"),
    )

    @property
    def trace_key(self) -> str:
        """Where its newest exchange lies in the bucket of deliveries."""
        return f"webhooks/{self.webhook_id}/{self.id}.json"
