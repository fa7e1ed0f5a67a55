"""One trace for each run: from its making to its end, with its states and its worker's steps.

Nothing is shared between processes: a trace's id is the run's own, 128 bits as a ULID has, and
spans have ids that follow from what they are about. So each process adds what it has made true.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import structlog

from gantry.domains.runs.events import RunLost, RunMoved, StepDone
from gantry.domains.runs.states import TERMINAL, State
from gantry.kernel.ids import as_number
from gantry.kernel.tx import Event
from gantry.ports.traces import REQUEST, Span, SpanId, Traces

log = structlog.get_logger()


def note(traces: Traces, events: Sequence[Event]) -> None:
    """Trace what a transaction has made true. Never fails."""
    try:
        spans = spans_of(events, REQUEST.get())
        if spans:
            traces.keep(spans)
    except Exception:
        # The work is done and kept; what is told of it must not make it look otherwise.
        log.exception("events not traced")


def run_span(run_id: str) -> SpanId:
    """The span of a whole run: its trace's root."""
    trace = as_number(run_id)
    return SpanId(trace, _short(run_id))


def state_span(run_id: str, state_version: int) -> SpanId:
    """The span of one state of a run."""
    return SpanId(as_number(run_id), _short(f"{run_id}/{state_version}"))


def _short(text: str) -> int:
    # Zero means "no span" on the wire; one in 2^64 would be it.
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) or 1


def spans_of(events: Sequence[Event], request: SpanId | None) -> list[Span]:
    """The spans that are over by these events; `request` is what led to them."""
    lost = {event.run_id: event.unknown for event in events if isinstance(event, RunLost)}
    found: list[Span] = []
    for event in events:
        match event:
            case StepDone():
                found.append(_step(event))
            case RunMoved() if event.before is not None:
                found += _moved(event, event.before, request, lost)
    return found


def _step(done: StepDone) -> Span:
    parent = state_span(done.run_id, done.state_version)
    return Span(
        SpanId(parent.trace, _short(f"{done.run_id}/{done.state_version}/{done.number}")),
        done.name,
        done.begun_at,
        done.begun_at + done.lasted,
        parent=parent,
        attributes={
            "gantry.run.id": done.run_id,
            "gantry.stack.id": done.stack_id,
            "gantry.run.state": done.state.value,
            "gantry.worker.id": done.worker_id,
        },
        failed=done.failed,
    )


def _moved(
    moved: RunMoved, before: State, request: SpanId | None, lost: dict[str, bool]
) -> list[Span]:
    whole = run_span(moved.run_id)
    about: dict[str, str | int | float | bool] = {
        "gantry.run.id": moved.run_id,
        "gantry.run.type": moved.kind.value,
        "gantry.stack.id": moved.stack_id,
        "gantry.space.id": moved.space_id,
    }
    if moved.pool_id is not None:
        about["gantry.worker_pool.id"] = moved.pool_id
    worker = {"gantry.worker.id": moved.worker_id} if moved.worker_id is not None else {}
    found = []
    if moved.lasted is not None:
        state = Span(
            state_span(moved.run_id, moved.state_version - 1),
            before.value,
            moved.at - moved.lasted,
            moved.at,
            parent=whole,
            attributes={
                **about,
                **worker,
                "gantry.run.state": before.value,
                "gantry.run.state_version": moved.state_version - 1,
                "gantry.run.next_state": moved.after.value,
            },
            links=() if request is None else (request,),
            failed=moved.after is State.FAILED,
        )
        found.append(state)
    if moved.after in TERMINAL:
        ended = {"gantry.run.outcome": moved.after.value}
        if moved.run_id in lost:
            ended["gantry.run.lost"] = "unknown" if lost[moved.run_id] else "known"
        found.append(
            Span(
                whole,
                f"run {moved.kind.value}",
                min(moved.created_at, moved.at),
                moved.at,
                attributes={**about, **ended},
                failed=moved.after is State.FAILED,
            )
        )
    return found
