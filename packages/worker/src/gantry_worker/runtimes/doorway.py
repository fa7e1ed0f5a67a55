"""Opens listening sockets inside the network of a sandbox and hands them out of it.

Run as a file by runtimes/gateway.py: joining namespaces takes a process with one thread, and ends
what it was before. Arguments: the sandbox's process as the host numbers it, the descriptor of a
Unix socket to answer on, then addresses and ports by turns. Answers one message: the sockets, or
in words why there are none. Then it waits to hear that the command begins: until it does, nothing
else ends the sandbox when the worker dies.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import signal
import socket
import sys
from collections.abc import Sequence

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000  # linux/sched.h
NS_GET_USERNS = 0xB701  # linux/nsfs.h: the user namespace that owns another one
# linux/in.h, linux/in6.h: the sandbox may still be bringing its loopback up
IP_FREEBIND, IPV6_FREEBIND = 15, 78
BACKLOG = 128  # connections that wait to be accepted; a tool's burst at its start


def main(pid: int, answer: int, where: Sequence[str]) -> None:
    """Join, listen, hand over, and end the sandbox if nobody is there to begin."""
    sandbox = os.pidfd_open(pid)
    with socket.socket(fileno=answer) as out:
        try:
            _join(pid)
            made = [
                _listening(address, int(port))
                for address, port in zip(where[::2], where[1::2], strict=True)
            ]
        except OSError as error:
            out.sendall(str(error).encode())
            return
        with contextlib.suppress(BrokenPipeError):
            socket.send_fds(out, [b"\0"], [one.fileno() for one in made])
        for one in made:
            one.close()
        if not out.recv(1):
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(sandbox, signal.SIGKILL)


def _join(pid: int) -> None:
    """Become part of the sandbox's network, by way of the user namespace that it belongs to."""
    network = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    owner = fcntl.ioctl(network, NS_GET_USERNS)
    libc = ctypes.CDLL(None, use_errno=True)
    for namespace, kind in ((owner, CLONE_NEWUSER), (network, CLONE_NEWNET)):
        if libc.setns(namespace, kind) != 0:
            number = ctypes.get_errno()
            raise OSError(number, f"setns: {os.strerror(number)}")


def _listening(address: str, port: int) -> socket.socket:
    if ":" in address:
        made = socket.socket(socket.AF_INET6)
        made.setsockopt(socket.IPPROTO_IPV6, IPV6_FREEBIND, 1)
    else:
        made = socket.socket(socket.AF_INET)
        made.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)
    made.bind((address, port))
    made.listen(BACKLOG)
    return made


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
