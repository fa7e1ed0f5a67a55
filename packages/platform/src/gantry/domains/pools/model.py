"""Mapped classes of worker pools and workers."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from gantry.kernel.ids import new_id
from gantry.kernel.model import Model


class WorkerPool(Model):
    """Workers that share a key pair. `generation` rises with each reset."""

    __tablename__ = "worker_pool"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str]
    description: Mapped[str | None]
    labels: Mapped[list[str]] = mapped_column(default=list)
    space_id: Mapped[str] = mapped_column(ForeignKey("space.id"), index=True)
    public: Mapped[bool] = mapped_column(default=False)
    generation: Mapped[int] = mapped_column(default=1)
    public_key: Mapped[str]
    config: Mapped[str]
    """The pool token, stored as issued so that it reads back identically until a reset."""
    drift_detection_run_limit: Mapped[int | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]

    __table_args__ = (
        Index("one_public_pool", "public", unique=True, postgresql_where=text("public")),
        Index("pool_name", "name", unique=True, postgresql_where=text("deleted_at is null")),
    )


class Worker(Model):
    """A registered launcher. Gone when `gone_at` is set: it left, or was not heard of."""

    __tablename__ = "worker"

    id: Mapped[str] = mapped_column(primary_key=True)
    pool_id: Mapped[str] = mapped_column(ForeignKey("worker_pool.id"), index=True)
    generation: Mapped[int]
    # `metadata` is SQLAlchemy's own name on mapped classes.
    tags: Mapped[dict[str, str]] = mapped_column("metadata", default=dict)
    version: Mapped[str] = mapped_column(default="")
    concurrency: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    available_at: Mapped[datetime | None]
    drained: Mapped[bool] = mapped_column(default=False)
    shutdown_at: Mapped[datetime | None]
    """When the worker was told to finish and leave (cycle, reset)."""
    gone_at: Mapped[datetime | None]

    __table_args__ = (Index("worker_present", "pool_id", postgresql_where=text("gone_at is null")),)
