"""A load balancer as simple as can be: connections go to the first server that takes them."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Sequence

PIECE = 64 * 1024


class Balancer:
    """Listens on `port`; every new connection goes to the first of `servers` that answers."""

    def __init__(self, port: int, servers: Sequence[int]) -> None:
        self.port, self.servers = port, servers
        self._listening = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections; those there are live as long as their ends do."""
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                client, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        for port in self.servers:
            with contextlib.suppress(OSError):
                server = socket.create_connection(("127.0.0.1", port))
                break
        else:
            client.close()
            return
        threading.Thread(target=pump, args=(client, server), daemon=True).start()
        self._back(server, client)

    def _back(self, server: socket.socket, client: socket.socket) -> None:
        pump(server, client)


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
