"""What one process counts and measures, in Prometheus' words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""Prometheus' text format."""

_QUICK = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Seconds, for requests and jobs: from an answer out of memory to what a proxy gives up on."""
_LONG = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 14400)
"""Seconds, for phases of runs: from an empty plan to an apply of hours."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One value read just now: a gauge of the name, with labels."""

    name: str
    help: str
    value: float
    labels: tuple[tuple[str, str], ...] = ()


class Meter:
    """A process' own counters. Safe to use from several threads."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._broker: Gauge | None = None
        self._responses = Histogram(
            "gantry_http_response_seconds",
            "Time until the answer to a request begins, by route.",
            ["method", "route", "status"],
            buckets=_QUICK,
            registry=self.registry,
        )
        self._jobs = Histogram(
            "gantry_job_seconds",
            "Time that jobs took, by how they ended.",
            ["job", "outcome"],
            buckets=_QUICK,
            registry=self.registry,
        )
        self._waits = Histogram(
            "gantry_job_wait_seconds",
            "Time from when a job was due until a drain began it.",
            ["job"],
            buckets=_QUICK,
            registry=self.registry,
        )
        self._resolvers = Counter(
            "gantry_resolver_failures",
            "Fields of the GraphQL API that a bug kept from being answered.",
            registry=self.registry,
        )
        self._sources = Counter(
            "gantry_sources",
            "Commits that drains were to fetch, by what became of them.",
            ["outcome"],
            registry=self.registry,
        )
        self._key_service = Counter(
            "gantry_key_service_failures",
            "Calls of the service that keeps the key which it did not answer, or refused.",
            registry=self.registry,
        )
        self._certificates = Gauge(
            "gantry_certificate_end_seconds",
            "When the certificate that a port shows ends, in seconds since 1970.",
            ["port"],
            registry=self.registry,
        )
        self._moves = Counter(
            "gantry_run_moves",
            "Runs that went into a state.",
            ["kind", "state"],
            registry=self.registry,
        )
        self._phases = Histogram(
            "gantry_run_state_seconds",
            "Time that runs were in a state, counted when they leave it.",
            ["state"],
            buckets=_LONG,
            registry=self.registry,
        )
        self._steps = Histogram(
            "gantry_run_step_seconds",
            "Time that workers took for the steps of runs, as they tell it.",
            ["step", "outcome"],
            buckets=_LONG,
            registry=self.registry,
        )
        self._leases = Counter(
            "gantry_lease_renewals",
            "Leases that workers asked to renew, by what became of them.",
            ["outcome"],
            registry=self.registry,
        )
        self._lost = Counter(
            "gantry_runs_lost",
            "Runs that ended without their worker; with an unknown outcome or without.",
            ["outcome"],
            registry=self.registry,
        )
        # Shown before they happen: a counter's first step can only be seen from a zero.
        for outcome in ("known", "unknown"):
            self._lost.labels(outcome)
        for outcome in ("renewed", "refused", "prolonged"):
            self._leases.labels(outcome)
        for outcome in ("stored", "failed"):
            self._sources.labels(outcome)

    def broker(self, up: bool) -> None:
        """Whether the connection to an external broker stands; there is no such value before."""
        if self._broker is None:
            self._broker = Gauge(
                "gantry_broker_up",
                "Whether this server's connection to the external broker stands.",
                registry=self.registry,
            )
        self._broker.set(1 if up else 0)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request's answer has begun. `route` is the door's pattern, never a path."""
        self._responses.labels(method, route, str(status)).observe(seconds)

    def worked(self, job: str, seconds: float, *, failed: bool) -> None:
        """A job has ended."""
        self._jobs.labels(job, "failed" if failed else "done").observe(seconds)

    def begun(self, job: str, waited: float) -> None:
        """A job was begun, so many seconds after it was due."""
        self._waits.labels(job).observe(waited)

    def resolver_failed(self) -> None:
        """A bug kept a field of the API from being answered; the answer's status is 200."""
        self._resolvers.inc()

    def source(self, *, stored: bool) -> None:
        """A commit's tree is stored, or cannot be had."""
        self._sources.labels("stored" if stored else "failed").inc()

    def key_service_failed(self) -> None:
        """The service that keeps the key did not answer, or refused."""
        self._key_service.inc()

    def certificate(self, port: str, ends_at: float) -> None:
        """The certificate that a port shows ends then. `port` is one of ours: http or mqtt."""
        self._certificates.labels(port).set(ends_at)

    def moved(self, kind: str, before: str | None, after: str, seconds: float | None) -> None:
        """A run has moved; it was `seconds` in the state before, if that is known."""
        self._moves.labels(kind, after).inc()
        if before is not None and seconds is not None:
            self._phases.labels(before).observe(seconds)

    def stepped(self, step: str, seconds: float, *, failed: bool) -> None:
        """A worker has done a step. `step` is a word of the protocol, whatever a worker says."""
        self._steps.labels(step, "failed" if failed else "done").observe(seconds)

    def leases(self, *, renewed: int = 0, refused: int = 0, prolonged: int = 0) -> None:
        """Leases go on, are not their worker's any more, or got their time again."""
        for outcome, count in (
            ("renewed", renewed),
            ("refused", refused),
            ("prolonged", prolonged),
        ):
            if count:
                self._leases.labels(outcome).inc(count)

    def lost(self, *, unknown: bool) -> None:
        """A run has ended without its worker."""
        self._lost.labels("unknown" if unknown else "known").inc()

    def page(self, readings: Sequence[Reading] = ()) -> bytes:
        """Everything in Prometheus' text format, with what was read besides."""
        now = CollectorRegistry()
        now.register(_Read(readings))
        return generate_latest(self.registry) + generate_latest(now)


class _Read(Collector):
    def __init__(self, readings: Sequence[Reading]) -> None:
        self._readings = readings

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """One family for each name, in the order given."""
        families: dict[str, GaugeMetricFamily] = {}
        for reading in self._readings:
            names = [name for name, _ in reading.labels]
            family = families.setdefault(
                reading.name, GaugeMetricFamily(reading.name, reading.help, labels=names)
            )
            family.add_metric([value for _, value in reading.labels], reading.value)
        return families.values()
