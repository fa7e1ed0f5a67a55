"""Which jobs and which live signals each event calls for: all asynchrony on one page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gantry.domains.audit.events import EntriesSealed, EntryWritten
from gantry.domains.notifications.events import NotificationsChanged
from gantry.domains.people.events import SessionsChanged
from gantry.domains.pools.events import PoolChanged, WorkerOrdered
from gantry.domains.runs.events import LogGrew, RunMoved, RunTouched, StopRequested, WorkAppeared
from gantry.domains.runs.states import CLAIMABLE, DECIDING, TERMINAL, WORKING
from gantry.domains.stacks.events import StackChanged, StackUnlocked
from gantry.domains.tfstate.events import StateWritten
from gantry.domains.vcs.events import CommitSettled, CommitWanted
from gantry.domains.webhooks.events import DeliveriesWait, DeliveryTried
from gantry.kernel.tx import Event
from gantry.ports.queue import DELIVERIES, Job, Signal

# -- jobs


def _fetch(event: CommitWanted) -> list[Job]:
    return [Job("vcs.fetch", {"commit_id": event.commit_id}, lock=f"commit:{event.commit_id}")]


def _start_waiting(event: CommitSettled) -> list[Job]:
    return [Job("runs.source_settled", {"commit_id": event.commit_id})]


def _start_next(event: StackUnlocked) -> list[Job]:
    return [Job("runs.promote", {"stack_id": event.stack_id}, lock=f"stack:{event.stack_id}")]


def _archive_logs(event: RunMoved) -> list[Job]:
    # Once per stretch of work, not once per phase: archiving is not urgent.
    if event.before in WORKING and event.after not in WORKING:
        return [Job("logs.archive", {"run_id": event.run_id})]
    return []


def _index(event: StateWritten) -> list[Job]:
    args = {"stack_id": event.stack_id, "version_id": event.version_id}
    return [Job("tfstate.index", args, lock=f"state:{event.stack_id}")]


def _deliver(event: DeliveriesWait) -> list[Job]:
    # One at a time for each webhook, so that what it is told comes in order.
    key, args = f"webhook:{event.webhook_id}", {"webhook_id": event.webhook_id}
    return [Job("webhooks.deliver", args, lock=key, unique=key, queue=DELIVERIES)]


ROUTES: Mapping[type[Event], Callable[[Any], Sequence[Job]]] = {
    CommitWanted: _fetch,
    CommitSettled: _start_waiting,
    StackUnlocked: _start_next,
    RunMoved: _archive_logs,
    StateWritten: _index,
    DeliveriesWait: _deliver,
}

# -- live signals

ACTIVITY = Signal("activity", {"kind": "activity"})
"""Something moved somewhere. It names nothing: whoever may see anything may hear it."""
ACCOUNT = Signal("account", {"kind": "account"})
"""Something that the account shares has changed. It names nothing: whoever has signed in may hear
it."""
AUDIT = Signal("audit", {"kind": "audit"})
SESSIONS = Signal("sessions", {"kind": "sessions"})


def _run_moved(event: RunMoved) -> list[Signal]:
    moved = {
        "kind": "run",
        "run_id": event.run_id,
        "state": event.after.value,
        "state_version": event.state_version,
    }
    signals = [
        Signal(f"run:{event.run_id}", moved),
        Signal(f"stack:{event.stack_id}", moved),
        Signal(f"queue:{event.pool_id}", {"kind": "queue"}),
        ACTIVITY,
    ]
    if event.triggered_by and (event.after in DECIDING or event.after in TERMINAL):
        # Whoever started it wants to know, wherever they are by now.
        signals.append(Signal(f"person:{event.triggered_by}", moved))
    if event.after in CLAIMABLE:
        signals.append(Signal(f"pool:{event.pool_id}", {"kind": "work"}))
    return signals


def _run_touched(event: RunTouched) -> list[Signal]:
    touched = {"kind": "run", "run_id": event.run_id}
    return [
        Signal(f"run:{event.run_id}", touched),
        Signal(f"stack:{event.stack_id}", touched),
        Signal(f"queue:{event.pool_id}", {"kind": "queue"}),
    ]


def _stop_requested(event: StopRequested) -> list[Signal]:
    return [
        Signal(
            f"worker:{event.pool_id}/{event.worker_id}", {"kind": "stop", "run_id": event.run_id}
        ),
        Signal(f"run:{event.run_id}", {"kind": "run", "run_id": event.run_id}),
    ]


def _work_appeared(event: WorkAppeared) -> list[Signal]:
    return [Signal(f"pool:{event.pool_id}", {"kind": "work"})]


def _log_grew(event: LogGrew) -> list[Signal]:
    return [
        Signal(f"log:{event.run_id}/{event.state_version}", {"kind": "log", "size": event.size})
    ]


def _stack_changed(event: StackChanged) -> list[Signal]:
    return [Signal(f"stack:{event.stack_id}", {"kind": "stack"}), ACTIVITY]


def _pool_changed(event: PoolChanged) -> list[Signal]:
    return [Signal(f"queue:{event.pool_id}", {"kind": "pool"}), ACTIVITY]


def _worker_ordered(event: WorkerOrdered) -> list[Signal]:
    return [Signal(f"worker:{event.pool_id}/{event.worker_id}", {"kind": "orders"})]


def _deliveries_changed(event: DeliveriesWait | DeliveryTried) -> list[Signal]:
    return [Signal(f"webhook:{event.webhook_id}", {"kind": "deliveries"})]


def _notifications_changed(event: NotificationsChanged) -> list[Signal]:
    return [Signal("notifications", {"kind": "notifications"})]


def _entry_written(event: EntryWritten) -> list[Signal]:
    return [AUDIT, ACCOUNT] if event.of_account else [AUDIT]


def _entries_sealed(_: EntriesSealed) -> list[Signal]:
    return [AUDIT]


def _sessions_changed(event: SessionsChanged) -> list[Signal]:
    # Of many, those who have lost theirs learn it from their streams, which end.
    owner = [Signal(f"person:{event.owner}", {"kind": "sessions"})] if event.owner else []
    return [SESSIONS, *owner]


SIGNALS: Mapping[type[Event], Callable[[Any], Sequence[Signal]]] = {
    RunMoved: _run_moved,
    RunTouched: _run_touched,
    StopRequested: _stop_requested,
    LogGrew: _log_grew,
    WorkAppeared: _work_appeared,
    StackChanged: _stack_changed,
    PoolChanged: _pool_changed,
    WorkerOrdered: _worker_ordered,
    DeliveriesWait: _deliveries_changed,
    DeliveryTried: _deliveries_changed,
    NotificationsChanged: _notifications_changed,
    EntryWritten: _entry_written,
    EntriesSealed: _entries_sealed,
    SessionsChanged: _sessions_changed,
}
