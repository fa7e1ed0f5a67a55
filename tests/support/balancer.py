"""Load balancers: connections go to a server that takes them."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
from collections.abc import Sequence

import httpx2

PIECE = 64 * 1024
LOOK_EVERY = 0.25
"""Seconds between two looks at a server: a fraction of the time that a leaving one goes on."""


class Balancer:
    """Listens on `port`; every new connection goes to the first of `servers` that answers."""

    def __init__(self, port: int, servers: Sequence[int]) -> None:
        self.port, self.servers = port, servers
        self._listening = socket.create_server(("127.0.0.1", port), backlog=128)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections; those there are live as long as their ends do."""
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def candidates(self) -> Sequence[int]:
        """The servers to try, in this order."""
        return self.servers

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                client, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        for port in self.candidates():
            with contextlib.suppress(OSError):
                # Whoever calls is who the server sees: all of 127.0.0.0/8 is this machine.
                caller = (client.getpeername()[0], 0)
                server = socket.create_connection(("127.0.0.1", port), source_address=caller)
                break
        else:
            client.close()
            return
        threading.Thread(target=pump, args=(client, server), daemon=True).start()
        self._back(server, client)

    def _back(self, server: socket.socket, client: socket.socket) -> None:
        pump(server, client)


class Health:
    """Which servers say that they are ready; looked at again and again until closed."""

    def __init__(self, servers: Sequence[int]) -> None:
        self._ready = dict.fromkeys(servers, False)
        self._closed = threading.Event()
        self._watching = [
            threading.Thread(target=self._watch, args=(port,), daemon=True) for port in servers
        ]
        for thread in self._watching:
            thread.start()

    def ready(self, port: int) -> bool:
        """What was found at the last look."""
        return self._ready[port]

    def close(self) -> None:
        """Look no more."""
        self._closed.set()
        for thread in self._watching:
            thread.join()

    def _watch(self, port: int) -> None:
        with httpx2.Client(timeout=2, limits=httpx2.Limits(max_keepalive_connections=0)) as http:
            while not self._closed.is_set():
                try:
                    answer = http.get(f"http://127.0.0.1:{port}/readiness")
                    self._ready[port] = answer.status_code == 200
                except httpx2.HTTPError:
                    self._ready[port] = False
                self._closed.wait(LOOK_EVERY)


class Rota(Balancer):
    """New connections go to the servers in turn, and to none that is not ready.

    `of` names for each port the one whose health counts: HTTP and MQTT of a server are one.
    """

    def __init__(self, port: int, of: dict[int, int], health: Health) -> None:
        self._of, self._health, self._turn = of, health, itertools.count()
        super().__init__(port, list(of))

    def candidates(self) -> Sequence[int]:
        """Those that are ready, another one first each time."""
        ready = [port for port in self.servers if self._health.ready(self._of[port])]
        first = next(self._turn) % len(ready) if ready else 0
        return [*ready[first:], *ready[:first]]


def pump(source: socket.socket, target: socket.socket) -> None:
    """Bytes from one to the other until either ends; then both have ended."""
    with contextlib.suppress(OSError):
        while piece := source.recv(PIECE):
            target.sendall(piece)
    # One side has ended, or was cut off: so is the other.
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
