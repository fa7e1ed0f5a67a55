"""Outlives a worker that uses a container engine by the moment it takes to remove its containers.

Run as a file by runtimes/docker.py with the engine's socket and a label: when its standard input
ends, so has the worker, however suddenly. It knows nothing of the worker, so that it stays small.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import socket
import sys
import time
from typing import Any
from urllib.parse import quote

TIMEOUT = 30.0  # seconds for one answer; killing and removing takes a fraction of one
PATIENCE = 60.0  # seconds in which an engine that is being restarted comes back
PAUSE = 0.5
"""Seconds between two looks. A container that was just being made is there by the second."""


class _Local(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("engine", timeout=TIMEOUT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(TIMEOUT)
        self.sock.connect(self._path)


def main(path: str, label: str) -> None:
    """Wait for the end of standard input, then remove every container of that label."""
    # Asked to end together with the worker, it has to outlive it all the same.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while sys.stdin.buffer.read(1):
        pass
    until, clear = time.monotonic() + PATIENCE, 0
    while clear < 2 and time.monotonic() < until:
        try:
            left = sweep(path, label)
        except (OSError, http.client.HTTPException, ValueError):
            left = 1
        clear = clear + 1 if left == 0 else 0
        time.sleep(PAUSE)


def sweep(path: str, label: str) -> int:
    """Kill and remove the containers with a label; how many there were."""
    wanted = quote(json.dumps({"label": [label]}))
    found = json.loads(_ask(path, "GET", f"/containers/json?all=1&filters={wanted}") or b"[]")
    for container in found:
        with contextlib.suppress(OSError, http.client.HTTPException):
            _ask(path, "DELETE", f"/containers/{container['Id']}?force=1&v=1")
    return len(found)


def _ask(path: str, method: str, at: str) -> bytes:
    connection = _Local(path)
    try:
        connection.request(method, at)
        answer: Any = connection.getresponse()
        content: bytes = answer.read()
        return content
    finally:
        connection.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
