"""Somebody who is called: an HTTP or HTTPS server on this machine that behaves as its path says."""

from __future__ import annotations

import contextlib
import ssl
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Call:
    """What came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Receiver(ThreadingHTTPServer):
    """`calls` are those that came, in order.

    /<status>/… answers with that status, /to/<status>?<address> redirects, /trickle never ends,
    /large answers a mebibyte; all else is 200 and "thank you". `answers` are statuses to give to
    the next calls, whatever their path. `open` lets calls be answered; clear it to make them wait.
    """

    daemon_threads = True

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.port = int(self.server_address[1])
        self.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{self.port}"
        self.calls: list[Call] = []
        self.answers: list[int] = []
        self.names: list[str | None] = []
        """Which names were asked for in TLS."""
        self.open, self.came, self.stopped = threading.Event(), threading.Event(), threading.Event()
        self.open.set()
        if tls is not None:
            tls.sni_callback = lambda _line, name, _context: self.names.append(name)
            self.socket = tls.wrap_socket(self.socket, server_side=True)

    def handle_error(self, request, client_address) -> None:
        """Whoever called may be gone."""

    def __enter__(self) -> Receiver:
        threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        ).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        self.open.set()
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Receiver

    def do_GET(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        given = {name.lower(): value for name, value in self.headers.items()}
        self.server.calls.append(Call(self.command, self.path, given, self.rfile.read(size)))
        self.server.came.set()
        self.server.open.wait(30)
        _, how, *rest = self.path.split("/")
        if self.server.answers:
            self._answer(self.server.answers.pop(0), b"as told")
        elif how == "to":
            status, _, address = "/".join(rest).partition("?")
            self._answer(int(status), b"", Location=address)
        elif how == "trickle":
            self._trickle()
        elif how == "large":
            self._answer(200, b"x" * 1024 * 1024)
        elif how.isdigit():
            self._answer(int(how), b"as told")
        else:
            self._answer(200, b"thank you")

    do_POST = do_GET

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        with contextlib.suppress(OSError):
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def _trickle(self) -> None:
        with contextlib.suppress(OSError):
            self.send_response(200)
            self.end_headers()
            while not self.server.stopped.wait(0.01):
                self.wfile.write(b".")

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""
