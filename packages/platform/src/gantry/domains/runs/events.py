"""What has happened to runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from gantry.domains.runs.states import Kind, State
from gantry.kernel.tx import Event


@dataclass(frozen=True, slots=True)
class RunMoved(Event):
    """A run went from one state to the next; `before` is None when it was made."""

    run_id: str
    stack_id: str
    pool_id: str | None
    kind: Kind
    before: State | None
    after: State
    state_version: int
    at: datetime
    created_at: datetime
    """When the run was made."""
    space_id: str
    worker_id: str | None = None
    """The worker that made the move, or lost the run."""
    lasted: timedelta | None = None
    """How long it was in the state before, if that is known."""
    triggered_by: str | None = None
    """The name of whoever started it; None for a push."""


@dataclass(frozen=True, slots=True)
class RunLost(Event):
    """A run ended without its worker; `unknown` when that may have been changing things."""

    run_id: str
    unknown: bool


@dataclass(frozen=True, slots=True)
class StepDone(Event):
    """A worker did something for a run, and told of it with the report that moved the run on."""

    run_id: str
    stack_id: str
    state: State
    state_version: int
    """The state it was done in."""
    worker_id: str
    name: str
    """What it did: the worker's own word."""
    number: int
    """Which step of the state it was, from 0."""
    begun_at: datetime
    lasted: timedelta
    failed: bool


@dataclass(frozen=True, slots=True)
class LeasesRenewed(Event):
    """A worker was heard: these leases go on, and those it believed to hold do not."""

    renewed: int
    refused: int


@dataclass(frozen=True, slots=True)
class LeasesProlonged(Event):
    """Nobody had looked at leases for long, so those that had run out got their time again."""

    leases: int


@dataclass(frozen=True, slots=True)
class RunTouched(Event):
    """Something about a run changed, though not its state: a comment, a review, a priority."""

    run_id: str
    stack_id: str
    pool_id: str | None


@dataclass(frozen=True, slots=True)
class StopRequested(Event):
    """Somebody wants a run that a worker holds to stop."""

    run_id: str
    stack_id: str
    pool_id: str
    worker_id: str


@dataclass(frozen=True, slots=True)
class WorkAppeared(Event):
    """Something in the pool's queue can be taken that could not be before."""

    pool_id: str


@dataclass(frozen=True, slots=True)
class LogGrew(Event):
    """More bytes of a phase's log are stored."""

    run_id: str
    state_version: int
    size: int
