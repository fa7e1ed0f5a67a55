"""Spans to an OpenTelemetry collector: OTLP over HTTP, in batches, from a thread of its own.

Imported only where traces are wanted: the library takes a moment and some megabytes.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from gantry.ports.traces import Span, SpanId

PATH = "/v1/traces"
"""Where a collector takes traces, below its address (OTLP specification 1.x, "OTLP/HTTP")."""

LAST_SECONDS = 2.0
"""For the last spans to be sent when the process ends: what a collector that is there needs."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Collector:
    """The `Traces` port before a collector. Nothing here waits for it but `close`."""

    def __init__(self, endpoint: str, *, service: str, version: str) -> None:
        self._resource = Resource.create(
            {"service.name": service, "service.namespace": "gantry", "service.version": version}
        )
        self._scope = InstrumentationScope("gantry", version)
        self._batches = BatchSpanProcessor(
            # Patience, headers, certificates and the queue's size (2,048 spans) are the library's
            # own variables and defaults.
            OTLPSpanExporter(endpoint.rstrip("/") + PATH)
        )

    def keep(self, spans: Sequence[Span]) -> None:
        """Queue them for a thread of their own; when the queue is full, the oldest make room."""
        for span in spans:
            self._batches.on_end(self._readable(span))

    def now(self) -> datetime:
        """This machine's clock."""
        return datetime.now(UTC)

    def close(self) -> None:
        """Send what is left. Blocking, for some seconds at the most."""
        # The library waits half a minute for a collector that is away: nothing ends so late for it.
        ending = threading.Thread(target=self._batches.shutdown, daemon=True)
        ending.start()
        ending.join(LAST_SECONDS)

    def _readable(self, span: Span) -> ReadableSpan:
        return ReadableSpan(
            span.name,
            context=_context(span.id),
            parent=None if span.parent is None else _context(span.parent, remote=True),
            resource=self._resource,
            attributes=dict(span.attributes),
            links=[Link(_context(link)) for link in span.links],
            kind=SpanKind.SERVER if span.serves else SpanKind.INTERNAL,
            status=Status(StatusCode.ERROR if span.failed else StatusCode.UNSET),
            start_time=_nanoseconds(span.began),
            end_time=_nanoseconds(span.ended),
            instrumentation_scope=self._scope,
        )


def _context(span: SpanId, *, remote: bool = False) -> SpanContext:
    return SpanContext(span.trace, span.span, is_remote=remote, trace_flags=TraceFlags(1))


def _nanoseconds(at: datetime) -> int:
    # In whole numbers: a float of today's seconds has no room for microseconds.
    return (at - _EPOCH) // _MICROSECOND * 1000
