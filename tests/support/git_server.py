"""A Git server on this machine that behaves as the first part of the path says."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class GitServer(ThreadingHTTPServer):
    """Serves the repositories below `root`.

    /smart/… speaks protocol 2, /old/… protocol 0, /dumb/… hands out files, /moved/… redirects to
    /smart/…, /hang/… never answers, and /<number>/… answers with that status.
    """

    daemon_threads = True

    def __init__(self, root):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.root = root
        self.port = self.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.seen = []
        self.headers_seen = []
        self.stopped = threading.Event()

    def __enter__(self):
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}).start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.seen.append(self.path)
        self.server.headers_seen.append(dict(self.headers))
        _, how, path = self.path.split("/", 2)
        path, _, query = path.partition("?")
        if how.isdigit():
            self._answer(
                int(how), {"WWW-Authenticate": 'Basic realm="git"'} if how == "401" else {}
            )
        elif how == "moved":
            self._answer(302, {"Location": f"/smart/{path}?{query}"})
        elif how == "hang":
            self.server.stopped.wait(30)
        elif how == "dumb":
            file = self.server.root / path
            self._answer(200, {}, file.read_bytes()) if file.is_file() else self._answer(404, {})
        else:
            self._backend(
                path, query, self.headers.get("Git-Protocol", "") if how == "smart" else ""
            )

    do_POST = do_GET

    def _backend(self, path, query, protocol):
        env = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.server.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": protocol,
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
            "PATH_INFO": f"/{path}",
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
        }
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        done = subprocess.run(["git", "http-backend"], env=env, input=body, capture_output=True)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self._answer(int(headers.pop("Status", "200").split()[0]), headers, content)

    def _answer(self, status, headers, content=b""):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


def is_running(pid):
    """Whether a process does anything still; one that only waits to be collected does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def wait_for(condition, seconds=10):
    """Whether the condition comes true in time."""
    end = time.monotonic() + seconds
    while not (met := condition()) and time.monotonic() < end:
        time.sleep(0.01)
    return met
