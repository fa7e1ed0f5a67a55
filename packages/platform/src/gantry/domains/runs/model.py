"""Mapped classes of runs, and the invariants that the database itself keeps."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, and_
from sqlalchemy.orm import Mapped, mapped_column

from gantry.domains.runs.states import CLAIMABLE, LOCKING, TERMINAL, Kind, State
from gantry.kernel.ids import new_id
from gantry.kernel.model import Model
from gantry.kernel.sealed import sealed_for

_ENDED = tuple(sorted(TERMINAL))
"""In a fixed order: the indexes are made of it."""


class Run(Model):
    """One job that may touch a stack's infrastructure."""

    __tablename__ = "run"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    stack_id: Mapped[str] = mapped_column(ForeignKey("stack.id", onupdate="CASCADE"))
    kind: Mapped[Kind]
    state: Mapped[State] = mapped_column(default=State.QUEUED)
    state_version: Mapped[int] = mapped_column(default=0)
    """Counts the transitions; names the log of each."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    state_since: Mapped[datetime | None]
    """When it came into its state; None of runs that an earlier release moved last."""

    title: Mapped[str]
    triggered_by: Mapped[str | None]
    """Empty for a push; else the actor's name."""
    trigger_kind: Mapped[str] = mapped_column(default="user")
    commit_id: Mapped[str | None] = mapped_column(ForeignKey("commit.id"))
    branch: Mapped[str | None]
    command: Mapped[str | None]
    skip_init: Mapped[bool] = mapped_column(default=False)
    targets: Mapped[list[str]] = mapped_column(default=list)
    autodeploy: Mapped[bool] = mapped_column(default=False)
    """Taken from the stack when the run was made; a lock taken since switches it off."""
    runtime_config: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """The block of configuration given with this run alone, and `environment_names` and
    `override_names` for what is sealed of it."""
    overrides_sealed: Mapped[bytes | None] = sealed_for("run-overrides:{id}")
    """Environment given with this run alone, sealed JSON."""
    workspace_upload_key: Mapped[str | None]
    """A local preview's uploaded tree, used in place of the commit's."""
    user_metadata: Mapped[list[str]] = mapped_column(default=list)
    retry_of: Mapped[str | None]
    deletes_stack: Mapped[bool] = mapped_column(default=False)

    pool_id: Mapped[str] = mapped_column(ForeignKey("worker_pool.id"))
    priority: Mapped[int] = mapped_column(default=0)
    drift: Mapped[bool] = mapped_column(default=False)

    fence: Mapped[int] = mapped_column(default=0)
    """The number of the newest lease; whoever reports under a smaller one is too late."""
    stop_requested_at: Mapped[datetime | None]
    stop_note: Mapped[str | None]
    stop_by: Mapped[str | None]
    """Who asked for the stop: history names them when the run has stopped."""

    delta: Mapped[dict[str, Any] | None]
    plan_sha256: Mapped[str | None]
    plan_serial: Mapped[int | None]
    plan_lineage: Mapped[str | None]
    workspace_key: Mapped[str | None]
    plan_json_key: Mapped[str | None]
    """Where the newest plan lies as gzipped JSON, secrets replaced by words."""
    tool_version: Mapped[str | None]
    state_refusal: Mapped[str | None]
    """Why the state that the run sent last was not taken. Terraform shows a number instead."""
    failure: Mapped[str | None]
    """Why the run failed, as a sentence."""
    outcome_unknown: Mapped[bool] = mapped_column(default=False)
    """The worker was lost while it changed things: nobody knows how far it came."""

    @property
    def overrides_identity(self) -> str:
        """What the sealed overrides are bound to."""
        return f"run-overrides:{self.id}"

    @property
    def finished(self) -> bool:
        """Whether nothing will happen to it any more."""
        return self.state in TERMINAL


holding = and_(Run.kind.in_(LOCKING), Run.state.not_in((*_ENDED, State.QUEUED)))
"""The run owns its stack: no other run that can change it may start."""

Index("run_one_holder_per_stack", Run.stack_id, unique=True, postgresql_where=holding)
Index("run_by_stack", Run.stack_id, Run.id)
Index("run_waiting", Run.stack_id, Run.id, postgresql_where=Run.state == State.QUEUED)
Index("run_claimable", Run.pool_id, Run.id, postgresql_where=Run.state.in_(CLAIMABLE))
Index("run_unfinished", Run.pool_id, Run.state, postgresql_where=Run.state.not_in(_ENDED))
Index(
    "run_ended_with_workspace",
    Run.id,
    postgresql_where=and_(Run.workspace_key.is_not(None), Run.finished_at.is_not(None)),
)
Index("run_by_commit", Run.commit_id, postgresql_where=Run.state == State.QUEUED)


class RunConfiguration(Model):
    """What a run was made with, settled when it started (runs.configuration)."""

    __tablename__ = "run_configuration"

    run_id: Mapped[str] = mapped_column(ForeignKey("run.id", ondelete="CASCADE"), primary_key=True)
    taken: Mapped[dict[str, Any]]


class Transition(Model):
    """One line of a run's history."""

    __tablename__ = "run_transition"

    run_id: Mapped[str] = mapped_column(ForeignKey("run.id", ondelete="CASCADE"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    before: Mapped[State | None]
    after: Mapped[State]
    at: Mapped[datetime]
    actor: Mapped[str]
    note: Mapped[str | None]
    worker_id: Mapped[str | None]


class Lease(Model):
    """A worker's hold on a run, renewed by heartbeats."""

    __tablename__ = "run_lease"

    run_id: Mapped[str] = mapped_column(ForeignKey("run.id", ondelete="CASCADE"), primary_key=True)
    fence: Mapped[int]
    worker_id: Mapped[str] = mapped_column(ForeignKey("worker.id"), index=True)
    acquired_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class Share(Model):
    """What a space has had of a pool's workers (see queue_repo)."""

    __tablename__ = "queue_share"

    pool_id: Mapped[str] = mapped_column(
        ForeignKey("worker_pool.id", ondelete="CASCADE"), primary_key=True
    )
    space_id: Mapped[str] = mapped_column(
        ForeignKey("space.id", ondelete="CASCADE"), primary_key=True
    )
    served: Mapped[float]
    """Seconds of workers' time, divided by the space's weight, on the pool's clock."""
    started: Mapped[float]
    """Where on that clock the newest lease began."""
    turns: Mapped[int]
    """How many leases there have been."""


class Sweep(Model):
    """When leases were last looked at: one row."""

    __tablename__ = "lease_sweep"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]


class LogStream(Model):
    """The log of one state of a run: chunks in the database first, one object when it is over."""

    __tablename__ = "run_log"

    run_id: Mapped[str] = mapped_column(ForeignKey("run.id", ondelete="CASCADE"), primary_key=True)
    state_version: Mapped[int] = mapped_column(primary_key=True)
    size: Mapped[int] = mapped_column(default=0)
    over: Mapped[bool] = mapped_column(default=False)
    sha256: Mapped[str | None]
    object_key: Mapped[str | None]
    expired: Mapped[bool] = mapped_column(default=False)
    times: Mapped[list[Any]] = mapped_column(default=list)
    """[offset, unix milliseconds] of the chunks, so that lines keep their times when archived."""


class LogChunk(Model):
    """Some bytes of a log, as the worker sent them."""

    __tablename__ = "run_log_chunk"

    run_id: Mapped[str] = mapped_column(ForeignKey("run.id", ondelete="CASCADE"), primary_key=True)
    state_version: Mapped[int] = mapped_column(primary_key=True)
    offset: Mapped[int] = mapped_column(primary_key=True)
    data: Mapped[bytes]
    at: Mapped[datetime]


class ResourceChange(Model):
    """What the newest plan of a run does to one resource."""

    __tablename__ = "run_change"

    run_id: Mapped[str] = mapped_column(ForeignKey("run.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    address: Mapped[str]
    previous_address: Mapped[str | None]
    type: Mapped[str]
    action: Mapped[str]
    values: Mapped[dict[str, Any]]
    """`before` and `after`, secrets already replaced by words."""


class Comment(Model):
    """Something a person wrote on a run."""

    __tablename__ = "run_comment"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    run_id: Mapped[str] = mapped_column(ForeignKey("run.id", ondelete="CASCADE"), index=True)
    author: Mapped[str]
    body: Mapped[str]
    at: Mapped[datetime]


class Review(Model):
    """An approval or a rejection of a run in the state it was in."""

    __tablename__ = "run_review"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    run_id: Mapped[str] = mapped_column(ForeignKey("run.id", ondelete="CASCADE"), index=True)
    author: Mapped[str]
    decision: Mapped[str]
    note: Mapped[str | None]
    state: Mapped[State]
    at: Mapped[datetime]


class LocalWorkspace(Model):
    """An upload made for a local preview, to be used once."""

    __tablename__ = "local_workspace"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    stack_id: Mapped[str] = mapped_column(
        ForeignKey("stack.id", ondelete="CASCADE", onupdate="CASCADE")
    )
    object_key: Mapped[str]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    used_by_run: Mapped[str | None]
