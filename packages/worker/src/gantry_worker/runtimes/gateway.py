"""The only way out of a sandbox whose network is its own: a forward proxy of the worker's.

The listening sockets are inside the sandbox's network, the rest is here outside: the command sees
a proxy on its loopback, and there is no other interface. The proxy looks names up itself, so that
the command needs no DNS, and asks for a name only once the operator's list has it.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog

from gantry_worker.runtimes import doorway
from gantry_worker.runtimes.aside import Aside
from gantry_worker.runtimes.base import CouldNotStart
from gantry_worker.runtimes.egress import VARIABLE, Address, AllowList, as_address
from gantry_worker.runtimes.proxying import (
    MAX_HEAD,
    BadRequest,
    Request,
    answer_of_one,
    is_interim,
    understood,
)
from gantry_worker.runtimes.supervision import wait_until_readable

log = structlog.get_logger()

Resolve = Callable[[str, int], Awaitable[list[Address]]]
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

INSIDE = "127.0.0.1"
PORTS = range(3128, 3384)  # where proxies are looked for by custom, and further if that is taken
READ = 64 * 1024  # bytes; what a pipe or a socket of Linux hands over at once
CONNECTIONS = 128
"""Of one command at a time, two descriptors of the worker each; further ones wait. Terraform does
ten things at a time, and a provider keeps a few connections for each."""
HEAD_WITHIN, CONNECT_WITHIN = 30.0, 10.0  # seconds; tools give up after about as long themselves
DOORWAY_WITHIN = timedelta(seconds=10)  # it takes milliseconds
TOLD = 100  # hosts of which one command's log tells; who tries more reads no more of it


async def look_up(host: str, port: int) -> list[Address]:
    """The addresses of a host, as this machine knows them. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = (as_address(str(at[0]).partition("%")[0]) for *_, at in found)
    return list(dict.fromkeys(address for address in addresses if address is not None))


@dataclass(frozen=True, slots=True)
class Egress:
    """What a sandbox's way out is made of."""

    allowed: AllowList
    resolve: Resolve = look_up

    @property
    def port(self) -> int:
        """Where the proxy is, inside."""
        taken = {port for _, port in self.allowed.local()}
        return next(port for port in PORTS if port not in taken)

    def variables(self) -> dict[str, str]:
        """How programs learn of the proxy, by both customs. Nobody asks it for the loopback."""
        proxy, direct = f"http://{INSIDE}:{self.port}", f"localhost,{INSIDE},::1"
        names = {"HTTP_PROXY": proxy, "HTTPS_PROXY": proxy, "NO_PROXY": direct}
        return names | {name.lower(): value for name, value in names.items()}


class Gateway:
    """The way out of one sandbox. `open` it before the command begins, `close` it afterwards."""

    def __init__(self, egress: Egress, aside: Aside) -> None:
        self._egress, self._aside = egress, aside
        self._room = asyncio.Semaphore(CONNECTIONS)
        self._tasks: set[asyncio.Task[None]] = set()
        self._told: set[str] = set()
        self._line: socket.socket | None = None

    async def open(self, pid: int) -> None:
        """Listen inside the network of the sandbox whose process this is. Raises CouldNotStart."""
        local = self._egress.allowed.local()
        where = [(INSIDE, self._egress.port), *local]
        (proxy, *direct), self._line = await _listening(pid, where)
        self._begin(self._accept(proxy, self._serve))
        for listener, (host, port) in zip(direct, local, strict=True):
            self._begin(self._accept(listener, self._straight(host, port)))

    def begun(self) -> None:
        """The command runs; from now on it ends with the worker by itself."""
        if self._line is not None:
            with suppress(OSError):  # the doorway was killed; that does no harm any more
                self._line.send(b"\0")
            self._line.close()

    def close(self) -> None:
        """End every connection. May be called again."""
        if self._line is not None:
            self._line.close()
        for task in self._tasks:
            task.cancel()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self, listener: socket.socket, serve: Serve) -> None:
        loop = asyncio.get_running_loop()
        with listener:
            while True:
                await self._room.acquire()
                try:
                    client, _ = await loop.sock_accept(listener)
                except OSError as error:  # out of descriptors; those who wait stay in line
                    self._room.release()
                    log.warning("egress connection not accepted", reason=str(error))
                    await asyncio.sleep(1.0)
                    continue
                except asyncio.CancelledError:
                    self._room.release()
                    raise
                self._begin(self._with(client, serve))

    async def _with(self, client: socket.socket, serve: Serve) -> None:
        try:
            reader, writer = await asyncio.open_connection(sock=client, limit=MAX_HEAD)
            try:
                await serve(reader, writer)
            except (OSError, EOFError, TimeoutError):
                pass  # one side has gone; the other learns of it by the end of its connection
            finally:
                writer.close()
        finally:
            self._room.release()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(HEAD_WITHIN):
                request = understood(await reader.readuntil(b"\r\n\r\n"))
        except (BadRequest, asyncio.LimitOverrunError) as error:
            await _answer(writer, "400 Bad Request", f"{error}")
            return
        allowed, problem = self._egress.allowed, ""
        where = f"{request.host}:{request.port}"
        if not allowed.knows(request.host, request.port):
            problem = f"egress to {where} refused: not in {VARIABLE}"
        else:
            found = await self._addresses(request)
            fit = [a for a in found if allowed.leads_to(request.host, request.port, a)]
            if found and not fit:
                problem = (
                    f"egress to {where} refused: it leads to {found[0]}, which is no public"
                    f" address and not in {VARIABLE}"
                )
        if problem:
            await self._tell(where, problem)
            await _answer(writer, "403 Forbidden", problem)
            return
        there = await _connected(fit, request.port)
        if there is None:
            problem = f"egress to {where} failed: it cannot be reached"
            problem = problem if found else f"egress to {where} failed: there is no such host"
            await self._tell(where, problem)
            await _answer(writer, "502 Bad Gateway", problem)
            return
        try:
            await _through(request, (reader, writer), there)
        finally:
            there[1].close()

    async def _addresses(self, request: Request) -> list[Address]:
        literal = as_address(request.host)
        if literal is not None:
            return [literal]
        with suppress(OSError, UnicodeError):
            return await self._egress.resolve(request.host, request.port)
        return []

    async def _tell(self, where: str, problem: str) -> None:
        if where not in self._told and len(self._told) < TOLD:
            self._told.add(where)
            log.warning("egress refused or failed", to=where, reason=problem)
            await self._aside.say(problem)

    def _straight(self, host: str, port: int) -> Serve:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            async with asyncio.timeout(CONNECT_WITHIN):
                back, on = await asyncio.open_connection(host, port)
            try:
                await _both_ways((reader, writer), (back, on))
            finally:
                on.close()

        return serve


async def _connected(addresses: list[Address], port: int) -> Streams | None:
    for address in addresses:
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(CONNECT_WITHIN):
                return await asyncio.open_connection(str(address), port, limit=MAX_HEAD)
    return None


async def _through(request: Request, client: Streams, there: Streams) -> None:
    if request.tunnel:
        client[1].write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await _both_ways(client, there)
        return
    there[1].write(request.opening)
    sending = asyncio.create_task(_one_way(client[0], there[1]))
    try:
        while True:
            head = await there[0].readuntil(b"\r\n\r\n")
            if not is_interim(head):
                break
            client[1].write(head)
        client[1].write(answer_of_one(head))
        await _one_way(there[0], client[1])
    except asyncio.LimitOverrunError:
        await _answer(client[1], "502 Bad Gateway", "the answer's head is too large")
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)


async def _both_ways(one: Streams, other: Streams) -> None:
    """Until both have said all they had to, or one is gone: each may outlast the other's end."""
    ways = {
        asyncio.create_task(_one_way(one[0], other[1])),
        asyncio.create_task(_one_way(other[0], one[1])),
    }
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)


async def _one_way(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while data := await source.read(READ):
        target.write(data)
        await target.drain()
    if target.can_write_eof():
        target.write_eof()


async def _answer(writer: asyncio.StreamWriter, status: str, words: str) -> None:
    body = f"{words}\n".encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    writer.write(head.encode() + body)
    await writer.drain()


async def _listening(
    pid: int, where: list[tuple[str, int]]
) -> tuple[list[socket.socket], socket.socket]:
    """Sockets that listen inside the network of a process' sandbox, and the line to the doorway,
    which ends the sandbox unless it hears a byte before this line ends. Raises CouldNotStart.
    """
    ours, theirs = socket.socketpair()
    with ExitStack() as kept:
        kept.callback(ours.close)
        with theirs:
            await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", "-X", "utf8", doorway.__file__),
                *(str(pid), str(theirs.fileno())),
                *(str(word) for pair in where for word in pair),
                pass_fds=(theirs.fileno(),),
                env={},
                start_new_session=True,
            )
        ours.setblocking(False)
        try:
            async with asyncio.timeout(DOORWAY_WITHIN.total_seconds()):
                await wait_until_readable(ours.fileno())
        except TimeoutError:
            raise CouldNotStart("the sandbox's network did not answer") from None
        words, handles, _, _ = socket.recv_fds(ours, 4096, len(where))
        if len(handles) != len(where):
            for handle in handles:
                os.close(handle)
            reason = words.decode(errors="replace").strip("\0") or "it ended without a word"
            raise CouldNotStart(f"the sandbox's network cannot be joined: {reason}")
        kept.pop_all()
    return [_taken(handle) for handle in handles], ours


def _taken(handle: int) -> socket.socket:
    made = socket.socket(fileno=handle)
    made.setblocking(False)
    os.set_inheritable(handle, False)
    return made
