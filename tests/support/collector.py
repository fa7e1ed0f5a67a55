"""An OpenTelemetry collector: takes OTLP over HTTP, keeps what it was sent."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

ERROR = 2  # Status.StatusCode.STATUS_CODE_ERROR


@dataclass(frozen=True)
class Received:
    """A span as it came."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    began: int
    """Nanoseconds since 1970, as is `ended`."""
    ended: int
    failed: bool
    attributes: dict[str, Any]
    links: list[tuple[str, str]]


class Collector:
    """Listens until closed."""

    def __init__(self) -> None:
        self.spans: list[Received] = []
        self.changed = threading.Condition()
        keep = self._keep

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                assert self.path == "/v1/traces", self.path
                keep(ExportTraceServiceRequest.FromString(body))
                answer = ExportTraceServiceResponse().SerializeToString()
                self.send_response(200)
                self.send_header("content-type", "application/x-protobuf")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Hear no more; once more is no harm."""
        self._server.shutdown()
        self._server.server_close()

    def wait(self, enough: Callable[[list[Received]], bool], seconds: float = 60) -> list[Received]:
        """Everything received, once it is enough."""
        with self.changed:
            assert self.changed.wait_for(lambda: enough(self.spans), seconds), self.spans
            return list(self.spans)

    def _keep(self, request: ExportTraceServiceRequest) -> None:
        with self.changed:
            for group in request.resource_spans:
                about = {item.key: item.value.string_value for item in group.resource.attributes}
                for span in (span for scope in group.scope_spans for span in scope.spans):
                    self.spans.append(_received(about["service.name"], span))
            self.changed.notify_all()


def _received(service: str, span: Any) -> Received:
    return Received(
        service=service,
        name=span.name,
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        began=span.start_time_unix_nano,
        ended=span.end_time_unix_nano,
        failed=span.status.code == ERROR,
        attributes={
            item.key: getattr(item.value, item.value.WhichOneof("value"))
            for item in span.attributes
        },
        links=[(link.trace_id.hex(), link.span_id.hex()) for link in span.links],
    )
