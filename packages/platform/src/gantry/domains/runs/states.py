"""The life of a run, as one table. Only `service.advance` may act on it.

To change what a run can do, change `TABLE`: the code, the tests, the API's `can…` answers and
the diagram in docs/reference/runs.md are all read from it. Terminal states are derived: a
state that nobody leaves.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from gantry.kernel.errors import Conflict


class State(enum.StrEnum):
    """Every state of the API. PENDING is kept for old clients; no run enters it."""

    QUEUED = "QUEUED"
    READY = "READY"
    PREPARING = "PREPARING"
    INITIALIZING = "INITIALIZING"
    PLANNING = "PLANNING"
    PENDING_REVIEW = "PENDING_REVIEW"
    UNCONFIRMED = "UNCONFIRMED"
    REPLAN_REQUESTED = "REPLAN_REQUESTED"
    PREPARING_REPLAN = "PREPARING_REPLAN"
    CONFIRMED = "CONFIRMED"
    PREPARING_APPLY = "PREPARING_APPLY"
    APPLYING = "APPLYING"
    PERFORMING = "PERFORMING"
    DESTROYING = "DESTROYING"
    PENDING = "PENDING"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    STOPPED = "STOPPED"
    CANCELED = "CANCELED"
    DISCARDED = "DISCARDED"
    SKIPPED = "SKIPPED"


class Kind(enum.StrEnum):
    """What a run is for: the API's RunType."""

    TRACKED = "TRACKED"
    PROPOSED = "PROPOSED"
    TASK = "TASK"
    DESTROY = "DESTROY"
    TESTING = "TESTING"
    PARSE = "PARSE"


class Signal(enum.StrEnum):
    """What can happen to a run. A verb that finishes "somebody or something wants to …"."""

    UNBLOCK = "unblock"  # its turn has come: source fetched, stack free
    LEASE = "lease"  # a worker won it
    START = "start"  # the worker has everything it needs
    START_TASK = "start without initialising"
    PHASE_OK = "complete the phase"
    NO_CHANGES = "finish without changes"
    DEPLOY = "apply without confirmation"
    ASK_CONFIRMATION = "ask for confirmation"
    ASK_REVIEW = "ask for review"
    CONFIRM = "confirm"
    APPROVE = "approve"
    REJECT = "reject"
    DISCARD = "discard"
    CANCEL = "cancel"
    SKIP = "skip"
    REPLAN = "replan"
    STOP = "stop"  # it stopped, because somebody asked
    FAIL = "fail"


class IllegalMove(Conflict):
    """The table has no row for this signal in this state."""

    code = "ILLEGAL_RUN_TRANSITION"

    def __init__(self, state: State, signal: Signal, kind: Kind) -> None:
        words = state.value.lower().replace("_", " ")
        super().__init__(
            f"cannot {signal.value}: the {kind.value.lower()} run is {words}",
            detail=f"state={state} signal={signal.name} kind={kind}",
        )


@dataclass(frozen=True, slots=True)
class Row:
    """While in one of `source`, `signal` leads to `target`; only for runs of `kinds`."""

    source: tuple[State, ...]
    signal: Signal
    target: State
    kinds: tuple[Kind, ...]


def _row(source: State | tuple[State, ...], signal: Signal, target: State, *kinds: Kind) -> Row:
    sources = source if isinstance(source, tuple) else (source,)
    return Row(sources, signal, target, kinds or tuple(Kind))


S, On, K = State, Signal, Kind

LOCKING = (K.TRACKED, K.DESTROY, K.TASK)
"""Runs that may change what the stack manages; one at a time holds the stack."""

APPLYABLE = (K.TRACKED, K.DESTROY)
"""Runs whose plan is applied after a decision."""

WAITING = (S.QUEUED, S.READY)
"""No worker has touched it."""

STOPPABLE = (S.PREPARING, S.INITIALIZING, S.PLANNING, S.PREPARING_REPLAN, S.PREPARING_APPLY)
"""A worker is on it and nothing of the infrastructure has changed yet."""

EXECUTING = (S.APPLYING, S.DESTROYING, S.PERFORMING)
"""The infrastructure may be changing right now; a stop is a request, a loss is an unknown."""

WORKING = (*STOPPABLE, *EXECUTING)
"""A worker holds a lease."""

PREPARING = (S.PREPARING, S.PREPARING_REPLAN, S.PREPARING_APPLY)
"""A worker has just won it and has begun nothing."""

CLAIMABLE = (S.READY, S.CONFIRMED, S.REPLAN_REQUESTED)
"""Waits for a worker."""

DECIDING = (S.UNCONFIRMED, S.PENDING_REVIEW)
"""Waits for a person."""

# fmt: off
TABLE: tuple[Row, ...] = (
    #    while in              this happens         it becomes           only for
    _row(S.QUEUED,             On.UNBLOCK,          S.READY),
    _row(S.QUEUED,             On.SKIP,             S.SKIPPED),
    _row(WAITING,              On.CANCEL,           S.CANCELED),
    _row(WAITING,              On.DISCARD,          S.DISCARDED),
    _row(WAITING,              On.FAIL,             S.FAILED),

    _row(S.READY,              On.LEASE,            S.PREPARING),
    _row(S.PREPARING,          On.START,            S.INITIALIZING),
    _row(S.PREPARING,          On.START_TASK,       S.PERFORMING,        K.TASK),
    _row(S.INITIALIZING,       On.PHASE_OK,         S.PLANNING,
         K.TRACKED, K.PROPOSED, K.DESTROY, K.TESTING),
    _row(S.INITIALIZING,       On.PHASE_OK,         S.PERFORMING,        K.TASK),
    _row(S.INITIALIZING,       On.PHASE_OK,         S.FINISHED,          K.PARSE),

    _row(S.PLANNING,           On.NO_CHANGES,       S.FINISHED),
    _row(S.PLANNING,           On.PHASE_OK,         S.FINISHED,          K.PROPOSED),
    _row(S.PLANNING,           On.ASK_REVIEW,       S.PENDING_REVIEW,    K.PROPOSED),
    _row(S.PLANNING,           On.DEPLOY,           S.APPLYING,          K.TRACKED, K.TESTING),
    _row(S.PLANNING,           On.DEPLOY,           S.DESTROYING,        K.DESTROY),
    _row(S.PLANNING,           On.ASK_CONFIRMATION, S.UNCONFIRMED,       *APPLYABLE),

    _row(S.PENDING_REVIEW,     On.APPROVE,          S.FINISHED,          K.PROPOSED),
    _row(S.PENDING_REVIEW,     On.REJECT,           S.FAILED,            K.PROPOSED),
    _row(S.PENDING_REVIEW,     On.DISCARD,          S.DISCARDED,         K.PROPOSED),

    _row(S.UNCONFIRMED,        On.CONFIRM,          S.CONFIRMED,         *APPLYABLE),
    _row(S.UNCONFIRMED,        On.DISCARD,          S.DISCARDED,         *APPLYABLE),
    _row(S.UNCONFIRMED,        On.REPLAN,           S.REPLAN_REQUESTED,  *APPLYABLE),
    _row(S.UNCONFIRMED,        On.FAIL,             S.FAILED,            *APPLYABLE),

    _row(S.REPLAN_REQUESTED,   On.LEASE,            S.PREPARING_REPLAN,  *APPLYABLE),
    _row(S.REPLAN_REQUESTED,   On.DISCARD,          S.DISCARDED,         *APPLYABLE),
    _row(S.REPLAN_REQUESTED,   On.FAIL,             S.FAILED,            *APPLYABLE),
    _row(S.PREPARING_REPLAN,   On.START,            S.PLANNING,          *APPLYABLE),

    _row(S.CONFIRMED,          On.LEASE,            S.PREPARING_APPLY,   *APPLYABLE),
    _row(S.CONFIRMED,          On.FAIL,             S.FAILED,            *APPLYABLE),
    _row(S.PREPARING_APPLY,    On.START,            S.APPLYING,          K.TRACKED),
    _row(S.PREPARING_APPLY,    On.START,            S.DESTROYING,        K.DESTROY),

    _row(S.APPLYING,           On.PHASE_OK,         S.FINISHED,          K.TRACKED),
    _row(S.APPLYING,           On.PHASE_OK,         S.DESTROYING,        K.TESTING),
    _row(S.DESTROYING,         On.PHASE_OK,         S.FINISHED,          K.DESTROY, K.TESTING),
    _row(S.PERFORMING,         On.PHASE_OK,         S.FINISHED,          K.TASK),

    _row((S.CONFIRMED, S.REPLAN_REQUESTED),
                               On.STOP,             S.STOPPED,           *APPLYABLE),
    _row(STOPPABLE,            On.STOP,             S.STOPPED),
    _row(EXECUTING,            On.STOP,             S.STOPPED),
    _row(WORKING,              On.FAIL,             S.FAILED),
)
# fmt: on

_BY_KEY = {
    (source, row.signal, kind): row.target
    for row in TABLE
    for source in row.source
    for kind in row.kinds
}
TERMINAL: frozenset[State] = (
    frozenset(State) - {source for source, _, _ in _BY_KEY} - {State.PENDING}
)


def step(state: State, signal: Signal, kind: Kind) -> State:
    """Where `signal` takes a run of `kind` that is in `state`.

    Raises IllegalMove when the table has no such row.
    """
    try:
        return _BY_KEY[state, signal, kind]
    except KeyError:
        raise IllegalMove(state, signal, kind) from None


def can(state: State, signal: Signal, kind: Kind) -> bool:
    """Whether the table has a row for the question. Rights are not asked here."""
    return (state, signal, kind) in _BY_KEY


def has_logs(state: State) -> bool:
    """Whether a worker writes a log while a run is in this state."""
    return state in WORKING


def diagram() -> str:
    """The table as a Mermaid state diagram, for docs/reference/runs.md."""
    edges: dict[tuple[State, State], list[str]] = {}
    for row in TABLE:
        only = (
            "" if len(row.kinds) == len(Kind) else f" [{', '.join(k.lower() for k in row.kinds)}]"
        )
        for source in row.source:
            edges.setdefault((source, row.target), []).append(f"{row.signal.value}{only}")
    lines = ["stateDiagram-v2", "    [*] --> QUEUED"]
    lines += [f"    {a} --> {b}: {' / '.join(why)}" for (a, b), why in edges.items()]
    lines += [f"    {state} --> [*]" for state in State if state in TERMINAL]
    return "\n".join(lines)
