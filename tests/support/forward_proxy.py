"""A forward proxy as companies have them: it makes connections for those who know its password."""

from __future__ import annotations

import base64
import contextlib
import socket
import ssl
import threading

PIECE = 64 * 1024
_WHO = (
    b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=proxy\r\n"
    b"Content-Length: 0\r\nConnection: close\r\n\r\n"
)
USER, PASSWORD = "gantry", "pr0xy-s3cret"


class ForwardProxy:
    """Takes CONNECT for any host, which it finds on this machine whatever its name.

    `asked` are the hosts and ports that were asked for, in order. `refusing` answers 403.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.asked: list[str] = []
        self.refusing = False
        self._listening = socket.create_server(("127.0.0.1", 0))
        if tls is not None:
            self._listening = tls.wrap_socket(self._listening, server_side=True)
        self.port = int(self._listening.getsockname()[1])
        self.url = f"{'http' if tls is None else 'https'}://{USER}:{PASSWORD}@127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> ForwardProxy:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def hosts(self) -> set[str]:
        """The hosts that were asked for."""
        return {asked.rpartition(":")[0] for asked in self.asked}

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                client, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client:
            head = b""
            while b"\r\n\r\n" not in head:
                piece = client.recv(PIECE)
                if not piece:
                    return
                head += piece
            lines = head.decode("latin-1").split("\r\n")
            method, target, _ = lines[0].split(" ", 2)
            pair = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
            if method != "CONNECT":
                client.sendall(b"HTTP/1.1 405 Method Not Allowed\r\n\r\n")
            elif f"proxy-authorization: basic {pair}".lower() not in [x.lower() for x in lines]:
                client.sendall(_WHO)
            elif self.refusing:
                self.asked.append(target)
                client.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")
            else:
                self.asked.append(target)
                self._connect(client, int(target.rpartition(":")[2]))

    def _connect(self, client: socket.socket, port: int) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", port))
        except OSError:
            client.sendall(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")
            return
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with server:
            forth = threading.Thread(target=_pump, args=(client, server), daemon=True)
            forth.start()
            _pump(server, client)
            forth.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(PIECE):
            target.sendall(piece)
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
