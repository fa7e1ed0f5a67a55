"""Mapped classes of Terraform state."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from gantry.kernel.ids import new_id
from gantry.kernel.model import Model
from gantry.kernel.sealed import sealed_for


class StateLock(Model):
    """Who holds a stack's state. The holder's run ends the lock if its owner cannot."""

    __tablename__ = "state_lock"

    stack_id: Mapped[str] = mapped_column(
        ForeignKey("stack.id", ondelete="CASCADE", onupdate="CASCADE"), primary_key=True
    )
    lock_id: Mapped[str]
    info: Mapped[dict[str, Any]]
    run_id: Mapped[str | None]
    locked_at: Mapped[datetime]


class StateVersion(Model):
    """One stored state; the bytes lie sealed in the states bucket."""

    __tablename__ = "state_version"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    stack_id: Mapped[str] = mapped_column(
        ForeignKey("stack.id", ondelete="CASCADE", onupdate="CASCADE")
    )
    serial: Mapped[int]
    lineage: Mapped[str]
    size: Mapped[int]
    sha256: Mapped[str]
    object_key: Mapped[str]
    run_id: Mapped[str | None]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    imported: Mapped[bool] = mapped_column(default=False)
    rollback_of: Mapped[str | None]
    outputs_sealed: Mapped[bytes] = sealed_for("state-outputs:{id}")
    """The outputs as JSON, sealed: they may be secret."""
    terraform_version: Mapped[str | None]
    resource_count: Mapped[int | None]
    """How many resources it manages. Neither is known of what older releases wrote."""

    __table_args__ = (Index("state_version_newest", "stack_id", "serial", unique=True),)


class StackOutput(Model):
    """An output of the last successful apply; `value_sealed` is None when it is held back."""

    __tablename__ = "stack_output"

    stack_id: Mapped[str] = mapped_column(
        ForeignKey("stack.id", ondelete="CASCADE", onupdate="CASCADE"), primary_key=True
    )
    name: Mapped[str] = mapped_column(primary_key=True)
    value_sealed: Mapped[bytes | None] = sealed_for("output:{stack_id}:{name}")
    value_hash: Mapped[str]
    sensitive: Mapped[bool]
    description: Mapped[str | None]
    run_id: Mapped[str | None]

    @property
    def identity(self) -> str:
        """What the sealed value is bound to."""
        return f"output:{self.stack_id}:{self.name}"


class StackResource(Model):
    """A resource that the stack manages, as of the last state."""

    __tablename__ = "stack_resource"

    stack_id: Mapped[str] = mapped_column(
        ForeignKey("stack.id", ondelete="CASCADE", onupdate="CASCADE"), primary_key=True
    )
    address: Mapped[str] = mapped_column(primary_key=True)
    type: Mapped[str]
    name: Mapped[str]
    mode: Mapped[str]
    module: Mapped[str]
    provider: Mapped[str]
    tainted: Mapped[bool]
    values: Mapped[str]
    values_digest: Mapped[str]
    creator_run_id: Mapped[str | None]
    updater_run_id: Mapped[str | None]
    updated_at: Mapped[datetime]


class UnsavedState(Model):
    """A state that a run left and no backend took, gzipped and sealed."""

    __tablename__ = "unsaved_state"

    run_id: Mapped[str] = mapped_column(primary_key=True)
    stack_id: Mapped[str] = mapped_column(
        ForeignKey("stack.id", ondelete="CASCADE", onupdate="CASCADE")
    )
    serial: Mapped[int]
    lineage: Mapped[str]
    size: Mapped[int]
    """Bytes, unpacked."""
    sha256: Mapped[str]
    sealed: Mapped[bytes] = sealed_for("unsaved-state:{run_id}", large=True)
    kept_at: Mapped[datetime]
