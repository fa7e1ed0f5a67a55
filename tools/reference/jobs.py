"""docs/reference/jobs.md: what the drain does, what starts it, and who is told."""

from __future__ import annotations

import enum
import inspect
import itertools
import types
import typing
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

from gantry.infra.queue import MAX_ATTEMPTS
from gantry.jobs.catalog import TIMETABLE, Outside, catalog
from gantry.jobs.routing import ROUTES, SIGNALS
from gantry.kernel.tx import Event
from gantry.ports.queue import Job, Signal

from reference.markdown import codes, page, same_keys, sentence, table

JOBS = {
    "vcs.fetch": "Brings a commit's tree from its Git repository into object storage.",
    "runs.source_settled": "Lets runs start, or fail, that waited for the commit, ready ones too.",
    "runs.promote": "Lets the next runs of a stack start.",
    "runs.reconcile": "Ends runs whose worker was lost or that none can take; starts queued ones.",
    "logs.archive": "Puts the logs of a run's finished phases into object storage.",
    "logs.archive_forgotten": "Does the same for logs whose own job was lost.",
    "logs.expire": "Deletes archived logs that are older than the retention.",
    "tfstate.index": "Notes which resources a new state holds.",
    "pools.reconcile": "Marks workers as gone that have not been heard of.",
    "vcs.reconcile": "Asks once more for commits that were never settled; then gives them up.",
    "house.retry_stalled": "Puts jobs back whose drain died.",
    "house.tidy": "Forgets old events, sessions, sign-ins, notifications, and what old trees said.",
    "runs.forget_workspaces": "Deletes stored workspaces of runs that have ended.",
    "audit.seal": "Puts new entries of the audit trail into its chain, and signs its end hourly.",
    "audit.turn_months": "Makes the audit trail's months to come, and drops those past retention.",
    "keys.rekey": "Takes a re-key further: seals anew what an older data key sealed.",
    "keys.retire": "Forgets data keys with which nothing is sealed or signed any more.",
    "webhooks.deliver": "Sends what waits for a webhook, in order.",
    "webhooks.look": "Wakes webhooks for which audit entries, or deliveries to try again, wait.",
    "objects.tidy": "Deletes local objects that are past their retention.",
}
"""What each job is for. A job without a sentence here stops the generator."""


def jobs_page() -> str:
    """What the drain does, what starts it, and what is said to whoever watches."""
    handlers = catalog(_nothing())
    same_keys("a job", handlers, JOBS)
    started: dict[str, list[str]] = {name: [] for name in handlers}
    locks: dict[str, str] = {}
    for event, route in ROUTES.items():
        for job in _outcomes(event, route):
            started[job.name].append(f"`{event.__name__}`")
            locks[job.name] = f"`{job.lock}`" if job.lock else "none"
    for name, cron in TIMETABLE.items():
        started[name].append(f"{_when(cron)} (`{cron}`)")
        locks.setdefault(name, "one waiting at a time")
    jobs = [
        [
            f"`{name}`",
            JOBS[name],
            ", ".join(f"`{p}`" for p in inspect.signature(handler).parameters) or "none",
            "; ".join(dict.fromkeys(started[name])),
            locks.get(name, "none"),
        ]
        for name, handler in handlers.items()
    ]
    events = sorted({*ROUTES, *SIGNALS}, key=lambda event: event.__name__)
    followed = [
        [
            f"`{event.__name__}`",
            sentence(event),
            codes(job.name for job in _outcomes(event, ROUTES.get(event))),
            codes(signal.topic for signal in _outcomes(event, SIGNALS.get(event))),
        ]
        for event in events
    ]
    return page(
        [
            "# Jobs",
            "Jobs are rows in the database, written in the transaction that calls for them. A"
            " drain takes them. A job may run twice, late, or beside others: its arguments say"
            " where to look, and the database says what is there.",
            f"A job that fails is tried {MAX_ATTEMPTS} times in all, with growing pauses. Then it"
            " is failed and stays: see [failed jobs](../operations.md#failed-jobs).",
            "## Catalog",
            "Jobs with the same lock run one after another, in the order they were written. Cron"
            " lines have five fields and then the second.",
            table(["Job", "What it does", "Arguments", "Started by", "Lock"], jobs),
            "## Events",
            "What each event calls for: jobs for the drain, and signals that tell browsers and"
            " workers to look again.",
            table(["Event", "Meaning", "Jobs", "Signals"], followed),
        ],
        "gantry.jobs.catalog and gantry.jobs.routing",
    )


def _nothing() -> Outside:
    """The catalog binds its surroundings and calls none of them: only names are asked here."""
    return Outside(**{field.name: typing.cast(Any, None) for field in fields(Outside)})


Outcome = typing.TypeVar("Outcome", Job, Signal)


def _outcomes(
    event: type[Event], route: Callable[[Any], Sequence[Outcome]] | None
) -> list[Outcome]:
    """Everything the route may answer to such an event: each way its enums can be filled in."""
    if route is None:
        return []
    hints = typing.get_type_hints(event)
    choices = [_examples(field.name, hints[field.name]) for field in fields(event)]
    made: dict[str, Outcome] = {}
    for values in itertools.product(*choices):
        for outcome in route(event(*values)):
            made.setdefault(outcome.name if isinstance(outcome, Job) else outcome.topic, outcome)
    return list(made.values())


class _Number(int):
    """A number that shows as the name it stands for."""

    name = ""

    def __format__(self, spec: str) -> str:
        return self.name


def _examples(name: str, hint: Any) -> list[Any]:
    """Values for a field: every member of an enum, and of anything else its name in brackets."""
    shown, number = f"<{name}>", _Number(1)
    number.name = shown
    parts = typing.get_args(hint) or (hint,)
    found: list[Any] = []
    for part in parts:
        if isinstance(part, type) and issubclass(part, enum.Enum):
            found += list(part)
        elif part is types.NoneType:
            found += [] if str in parts else [None]
        else:
            found.append(number if part is int else shown)
    return found


def _when(cron: str) -> str:
    """The few shapes that the timetable uses, in words."""
    minute, *between, second = cron.split()
    if any(field != "*" for field in between):
        return "by the clock"
    if second.startswith("*/") and minute == "*":
        return f"every {second[2:]} seconds"
    return f"every minute, at second {second}" if minute == "*" else f"hourly, at minute {minute}"
