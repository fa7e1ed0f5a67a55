"""Procrastinate behind the queue port: jobs live in the same Postgres and the same transaction."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar

import procrastinate
import structlog
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job as PgJob
from procrastinate.jobs import Status
from procrastinate.manager import JobManager
from procrastinate.periodic import PeriodicDeferrer, PeriodicRegistry, TaskAtTime
from sqlalchemy import text

from gantry.infra import job_waits
from gantry.infra.queue_connections import LISTEN_AGAIN_SECONDS, connector_of
from gantry.kernel.tx import Event, Tx
from gantry.ports.queue import DELIVERIES, Job, Signal

Routes = Mapping[type[Event], Callable[[Any], Sequence[Job]]]
Signals = Mapping[type[Event], Callable[[Any], Sequence[Signal]]]
Handler = Callable[..., Awaitable[None]]
T = TypeVar("T")

MAX_ATTEMPTS = 3
"""Then the job is dead: listed and retried by `gantry admin jobs` (deployment contract §2)."""

NOTIFY_CHANNEL = "gantry"
ORDINARY_QUEUE = "async"
PERIODIC_QUEUE = "cronjobs"
DELIVERIES_AT_ONCE = 4
"""Webhooks that a drain calls at a time: as many may hang without anything else being late."""
STALLED_AFTER_SECONDS = 30.0
"""A drain that has not beaten for this long is dead; beats come every ten seconds."""

log = structlog.get_logger()


LEAVE_SECONDS = 5.0
"""Before a job that this drain does not know is offered to others again."""
LEAVE_TIMES = 120
"""Ten minutes, in which an upgrade has come to the last drain; then nobody will ever know the job,
and it fails, so that it is seen."""


class _Manager(JobManager):
    """Leaves jobs that this release does not know to the newer drains beside it, where the library
    lets them fail.

    The library's heart stops for good when one beat of it fails, and nobody notices: after
    thirty seconds others would take the drain for dead, and do its jobs beside it.
    """

    known: Collection[str] = ()

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> PgJob | None:
        """The next job that waits and is known."""
        while job := await super().fetch_job(queues, worker_id):
            if job.task_name in self.known or job.attempts >= LEAVE_TIMES:
                break
            log.info("job left to newer drains", job=job.task_name, job_id=job.id)
            later = datetime.now(UTC) + timedelta(seconds=LEAVE_SECONDS)
            await self.retry_job(job, retry_at=later)
        return job

    async def update_heartbeat(self, worker_id: int) -> None:
        """Beat, as soon as the database lets it."""
        while True:
            try:
                return await super().update_heartbeat(worker_id)
            except ConnectorException as cause:
                log.warning("heartbeat not heard", reason=repr(cause.__cause__ or cause))
            await asyncio.sleep(LISTEN_AGAIN_SECONDS)


def open_queue(conninfo: str, *, pool_size: int = 4) -> procrastinate.App:
    """A queue on the database; open it with `async with app.open_async()`."""
    app = procrastinate.App(connector=connector_of(conninfo, pool_size=pool_size))
    app.job_manager = manager = _Manager(app.connector)
    manager.known = app.tasks
    return app


def outbox(
    app: procrastinate.App, routes: Routes, signals: Signals
) -> Callable[[Tx], Awaitable[None]]:
    """Write the jobs and signals of a transaction's events, inside that transaction."""

    async def flush(tx: Tx) -> None:
        if not tx.events:
            return
        await tx.session.flush()
        for event in tx.events:
            for job in _follow(routes, event):
                await defer(app, tx, job)
        wanted: dict[str, Signal] = {}
        for event in tx.events:
            for signal in _follow(signals, event):
                wanted[f"{signal.topic} {json.dumps(signal.payload, sort_keys=True)}"] = signal
        if wanted:
            await _announce(tx, list(wanted.values()))

    return flush


def _follow(
    routes: Mapping[type[Event], Callable[[Any], Sequence[T]]], event: Event
) -> Sequence[T]:
    route = routes.get(type(event))
    return () if route is None else route(event)


async def defer(app: procrastinate.App, tx: Tx, job: Job) -> None:
    """Write one job on the transaction's own connection."""
    if job.unique is not None and await _waits(tx, job.unique):
        return
    raw = await (await tx.session.connection()).get_raw_connection()
    task = app.configure_task(
        job.name,
        queue=job.queue,
        lock=job.lock,
        connection=raw.driver_connection,
    )
    await task.defer_async(**job.args, **({"unique": job.unique} if job.unique else {}))


async def _waits(tx: Tx, unique: str) -> bool:
    # Checked, not enforced: a second copy is harmless (handlers are idempotent), while a
    # violated constraint would undo the whole transaction that wanted the job.
    found = await tx.session.scalar(
        text(
            "select 1 from procrastinate_jobs"
            " where status = 'todo' and args->>'unique' = :unique limit 1"
        ),
        {"unique": unique},
    )
    return found is not None


async def _announce(tx: Tx, signals: Sequence[Signal]) -> None:
    # One statement for all: the rows make signals resumable, notifications make them prompt.
    # Payloads are ids and words; Postgres takes 8,000 bytes a notification.
    await tx.session.execute(
        text(
            "with row as (insert into live_event (topic, payload, at)"
            " select s->>'topic', s->'payload', clock_timestamp()"
            " from jsonb_array_elements(cast(:signals as jsonb)) s returning id, topic, payload)"
            " select pg_notify(:channel, jsonb_build_object("
            "'topic', topic, 'id', id, 'payload', payload)::text) from row order by id"
        ),
        {
            "channel": NOTIFY_CHANNEL,
            "signals": json.dumps(
                [{"topic": s.topic, "payload": dict(s.payload)} for s in signals]
            ),
        },
    )


class Measure(Protocol):
    """Is told how long a job took, in seconds, and how it ended."""

    def __call__(self, job: str, seconds: float, *, failed: bool) -> None:
        """A job has ended."""


def _unmeasured(job: str, seconds: float, *, failed: bool) -> None:
    """For queues that nobody watches."""


async def _nowhere(job_id: int, error: Exception) -> None:
    """For queues whose failures nobody asks about."""


Waited = Callable[[str, float], None]
"""Is told, as a job begins, for how many seconds it has been due."""


def serve(
    app: procrastinate.App,
    catalog: Mapping[str, Handler],
    *,
    timeout: float = 900.0,
    remember: Callable[[int, Exception], Awaitable[None]] = _nowhere,
    measure: Measure = _unmeasured,
    waited: Waited | None = None,
) -> None:
    """Register every job of the catalog; one may take `timeout` seconds before it is put back.

    `remember` is told of each failure, and raises nothing that matters; `waited` of each beginning,
    and `measure` of each end.
    """

    def register(name: str, handle: Handler) -> None:
        # The library counts retries; the first attempt is not one. Waits of 4 and 16 seconds.
        retry = procrastinate.RetryStrategy(max_attempts=MAX_ATTEMPTS - 1, exponential_wait=4)

        @app.task(name=name, retry=retry, pass_context=True)
        async def run(context: procrastinate.JobContext, /, **args: Any) -> None:
            args.pop("unique", None)
            tick = args.pop("timestamp", None)
            if waited is not None:
                seconds = await job_waits.waited(app, context.job, tick)
                if seconds is not None:
                    waited(name, seconds)
            begun, failed = time.perf_counter(), True
            with structlog.contextvars.bound_contextvars(job=name, **args):
                try:
                    async with asyncio.timeout(timeout):
                        await handle(**args)
                    failed = False
                except Exception as error:
                    await _told(remember, context.job.id, error)
                    raise
                finally:
                    measure(name, time.perf_counter() - begun, failed=failed)

    for name, handle in catalog.items():
        register(name, handle)


async def _told(
    remember: Callable[[int, Exception], Awaitable[None]], job_id: int | None, error: Exception
) -> None:
    try:
        if job_id is not None:
            await remember(job_id, error)
    except Exception:
        # The database is away, as like as not; the job's own error is the one that counts.
        log.exception("failure not remembered", job_id=job_id)


async def work(app: procrastinate.App, *, concurrency: int, periodic: int) -> None:
    """Take jobs until cancelled; a job in hand is finished within ten seconds or left to others.

    `periodic` slots are for periodic work alone: hanging repositories cannot keep the sweeper from
    noticing lost workers.

    Raises RuntimeError when the library's worker ends by itself, so that nobody believes that
    work is being done.
    """

    async def take(queues: list[str], slots: int, look_every: float) -> None:
        await app.run_worker_async(
            queues=queues,
            concurrency=slots,
            install_signal_handlers=False,
            fetch_job_polling_interval=look_every,
            delete_jobs="successful",
            shutdown_graceful_timeout=10.0,
        )
        raise RuntimeError("the queue's worker ended")

    async with asyncio.TaskGroup() as tasks:
        # Retries have a time of their own, at which nobody is notified; periodic work has ticks.
        tasks.create_task(take([ORDINARY_QUEUE], concurrency, 5.0))
        tasks.create_task(take([PERIODIC_QUEUE], periodic, 15.0))
        tasks.create_task(take([DELIVERIES], DELIVERIES_AT_ONCE, 5.0))


async def retry_stalled(app: procrastinate.App) -> int:
    """Put back the jobs whose drain died; returns how many were found.

    One that has taken several drains along is given up like any other that keeps failing.
    """
    jobs = list(
        await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER_SECONDS)
    )
    for job in jobs:
        if job.id is None:
            continue
        if job.queue == PERIODIC_QUEUE:
            # The next tick does the same; a second copy could stand in its way.
            await app.job_manager.finish_job_by_id_async(job.id, Status.FAILED, delete_job=True)
        elif job.attempts + 1 >= MAX_ATTEMPTS:
            await app.job_manager.finish_job_by_id_async(job.id, Status.FAILED, delete_job=False)
            log.error("job given up: its drain died each time", job=job.task_name, job_id=job.id)
        else:
            await app.job_manager.retry_job(job)
    return len(jobs)


class _Deferrer(PeriodicDeferrer):
    """Leaves out what would find nothing to do, but for once a minute."""

    def __init__(self, registry: PeriodicRegistry, spared: Callable[[str], bool]) -> None:
        super().__init__(registry=registry, max_delay=30)
        self._spared = spared

    async def defer_jobs(self, jobs_to_defer: Iterable[TaskAtTime]) -> None:
        """Defer those of the jobs that are due and not spared."""
        due = [
            (one, at) for one, at in jobs_to_defer if not at % 60 or not self._spared(one.task.name)
        ]
        await super().defer_jobs(due)


def _nothing(name: str) -> bool:
    """Spares no job."""
    return False


async def keep_time(
    app: procrastinate.App,
    timetable: Mapping[str, str],
    *,
    spared: Callable[[str], bool] = _nothing,
) -> None:
    """Defer each job of `timetable` (name → cron line, seconds last) when it is due. One that is
    `spared` at that moment is left out, but for full minutes.

    Several schedulers may run: the database lets one of them defer each tick.
    """
    for name, cron in timetable.items():
        task = app.tasks[name]
        if (name, name) in app.periodic_registry.periodic_tasks:
            continue  # begun again after an interruption
        app.periodic_registry.register_task(
            task=task,
            cron=cron,
            periodic_id=name,
            configure_kwargs={"queue": PERIODIC_QUEUE, "queueing_lock": name},
        )
    await _Deferrer(app.periodic_registry, spared).worker()
