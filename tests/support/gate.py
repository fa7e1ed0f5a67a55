"""The way to an object store, which can refuse, be cut, be slow, or keep requests waiting."""

from __future__ import annotations

import contextlib
import http.client
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

LONG = 120.0
"""Seconds: nobody waits here for longer, whatever a test forgets."""
OF_ONE_HOP = ("connection", "transfer-encoding", "keep-alive", "content-length", "date", "server")


class Gate(ThreadingHTTPServer):
    """Passes on to the store at `url` what it is sent, as its ways say."""

    daemon_threads = True

    def __init__(self, url: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.store = urlsplit(url)
        self.address = f"127.0.0.1:{self.server_address[1]}"
        self.asked: list[tuple[str, str]] = []
        """(method, path) of everything that came, whatever became of it."""
        self.refused: list[tuple[str, str]] = []
        self.slow = 0.0
        """Seconds before a request is passed on."""
        self._away = ""
        self._held, self._let_through = "", threading.Event()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}).start()

    def close(self) -> None:
        """Take nothing more."""
        self._let_through.set()
        self.shutdown()
        self.server_close()

    @contextlib.contextmanager
    def away(self, how: str) -> Iterator[None]:
        """While this lasts the store is `refusing` (503), or its line is `cut`."""
        self._away = how
        self.refused.clear()
        try:
            yield
        finally:
            self._away = ""

    @contextlib.contextmanager
    def slowly(self, seconds: float) -> Iterator[None]:
        """While this lasts every request takes so much longer."""
        self.slow = seconds
        try:
            yield
        finally:
            self.slow = 0.0

    def hold(self, words: str) -> None:
        """Requests with these words in method or path wait from now on."""
        self._held = words
        self._let_through.clear()
        self.asked.clear()

    def let_through(self) -> None:
        """They wait no more."""
        self._held = ""
        self._let_through.set()

    def waits(self) -> bool:
        """Whether a request is being held."""
        return bool(self._held) and any(self._held in " ".join(one) for one in self.asked)

    def way_of(self, method: str, path: str) -> str:
        """How a request is treated, once it has waited as long as it had to."""
        self.asked.append((method, path))
        if self._held and self._held in f"{method} {path}":
            self._let_through.wait(LONG)
        time.sleep(self.slow)
        if self._away:
            self.refused.append((method, path))
        return self._away

    def handle_error(self, request, client_address) -> None:
        """Whoever asked may be dead by now."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Gate

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        way = self.server.way_of(self.command, self.path)
        if way == "cut":
            self.close_connection = True
            return
        if way == "refusing":
            self._answer(503, [], b"<Error><Code>SlowDown</Code></Error>")
            return
        store = http.client.HTTPConnection(self.server.store.netloc, timeout=LONG)
        with contextlib.closing(store):
            store.request(self.command, self.path, body, dict(self.headers.items()))
            answer = store.getresponse()
            content = answer.read()
            kept = [(k, v) for k, v in answer.getheaders() if k.lower() not in OF_ONE_HOP]
            if self.command == "HEAD":
                kept.append(("content-length", answer.getheader("content-length", "0")))
                self._answer(answer.status, kept, None)
            else:
                self._answer(answer.status, kept, content)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _pass_on

    def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes | None) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if content is not None:
            self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content or b"")

    def log_message(self, *_: object) -> None:
        """Tests have enough to say."""
