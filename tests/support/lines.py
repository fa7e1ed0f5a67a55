"""The way from workers to a broker: it can be cut, and lose, keep back or repeat what is rung."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

from tests.support.balancer import PIECE, Balancer, pump

PUBLISH, SUBACK = 3, 9
"""Types of MQTT packets (3.1.1, section 2.2.1): a message, and that messages will come."""


class Line(Balancer):
    """While it is cut, connections there were are gone, and none is made.

    `rings` says what becomes of the broker's messages: `heard`, `lost`, or `late and twice`.
    """

    LATE = 2.0
    """Seconds: below the five after which the broker hangs up on who does not acknowledge."""

    def __init__(self, port: int, broker: int) -> None:
        self.cut, self.refused = False, threading.Event()
        self.rings = "heard"
        self.rung: list[str] = []
        """What has become of each ring."""
        self._clients: list[socket.socket] = []
        self._listening_ends: set[socket.socket] = set()
        super().__init__(port, [broker])

    @property
    def listening(self) -> int:
        """How many workers hear what is rung."""
        return len(self._listening_ends)

    def take_away(self) -> None:
        """Cut it."""
        self.refused.clear()
        self.cut = True
        for client in self._clients:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
        self._clients.clear()

    def bring_back(self) -> None:
        """Mend it."""
        self.cut = False

    @contextlib.contextmanager
    def with_rings(self, how: str):
        """While this lasts, that becomes of them."""
        self.rings = how
        self.rung.clear()
        try:
            yield
        finally:
            self.rings = "heard"

    def _serve(self, client: socket.socket) -> None:
        if self.cut:
            client.close()
            self.refused.set()
            return
        self._clients.append(client)
        super()._serve(client)

    def _back(self, server: socket.socket, client: socket.socket) -> None:
        """Packet by packet, from the broker to a worker."""
        with contextlib.suppress(OSError, EOFError):
            while True:
                packet = _packet(server)
                kind = packet[0] >> 4
                if kind == PUBLISH:
                    self._ring(client, packet)
                else:
                    client.sendall(packet)
                if kind == SUBACK:
                    self._listening_ends.add(client)
        self._listening_ends.discard(client)
        pump(server, client)  # nothing more comes: ends both

    def _ring(self, client: socket.socket, packet: bytes) -> None:
        how = self.rings
        self.rung.append(how)
        if how == "heard":
            client.sendall(packet)
        elif how != "lost":
            time.sleep(self.LATE)
            client.sendall(packet * 2)


def _packet(source: socket.socket) -> bytes:
    """One MQTT packet, whole. Raises EOFError at the end of the stream."""
    head, length, factor = _exactly(source, 1), 0, 1
    while True:
        head += _exactly(source, 1)
        length += (head[-1] & 0x7F) * factor
        factor *= 128
        if not head[-1] & 0x80:
            return head + _exactly(source, length)


def _exactly(source: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = source.recv(min(size - len(data), PIECE))
        if not piece:
            raise EOFError
        data += piece
    return data
