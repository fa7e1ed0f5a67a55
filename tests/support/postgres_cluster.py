"""A Postgres server of its own for tests that start the product as separate processes.

Debian's PostgreSQL 15 where it is installed, which is what operators bring; otherwise the one
that embedded mode carries. Nothing of it is left when it was stopped.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from gantry.infra.postmaster import end_with_owner

DEBIAN = Path("/usr/lib/postgresql/15/bin")
ACCOUNT = "postgres"
READY_SECONDS = 60
"""A fresh cluster takes one; a machine that is busy with everything else, some more."""

SETTINGS = {
    # Several servers, drains and schedulers, each with pools of their own.
    "max_connections": "300",
    # Tests lose nothing when the machine does.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "listen_addresses": "",
}

_EMBEDDED = """
import asyncio, sys
from pathlib import Path
from gantry.infra.embedded_postgres import EmbeddedPostgres

async def main():
    postgres = EmbeddedPostgres(Path(sys.argv[1]))
    print(await postgres.start(), flush=True)
    try:
        await asyncio.to_thread(sys.stdin.read)
    finally:
        await postgres.stop()

asyncio.run(main())
"""


class Cluster:
    """A running server; `database` makes a database in it and gives its URL."""

    def __init__(self) -> None:
        # Below /tmp: the path of a socket has at most 107 bytes.
        self.place = Path(tempfile.mkdtemp(prefix="gantry-pg-", dir="/tmp"))
        self._made = 0
        try:
            if (DEBIAN / "initdb").exists():
                self._start_debian()
            else:
                self._start_embedded()
        except BaseException:
            self.stop()
            raise

    def database(self) -> str:
        """The URL of a new, empty database."""
        self._made += 1
        name = f"gantry_{self._made}"
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(f"create database {name}")
        return self._url.replace("/postgres?", f"/{name}?")

    def stop(self) -> None:
        """End the server and remove its data."""
        if server := getattr(self, "_server", None):
            if server.stdin is not None:
                server.stdin.close()
            else:
                server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
        shutil.rmtree(self.place, ignore_errors=True)

    def _start_debian(self) -> None:
        account = {"user": ACCOUNT, "group": ACCOUNT, "extra_groups": []}
        child: dict[str, Any] = account if os.geteuid() == 0 else {}
        if child:
            shutil.chown(self.place, ACCOUNT, ACCOUNT)
        data = self.place / "data"
        command = [str(DEBIAN / "initdb"), "-D", str(data), "-U", ACCOUNT, "-A", "trust"]
        command += ["--encoding=UTF8", "--locale=C", "--no-sync"]
        subprocess.run(command, check=True, capture_output=True, cwd="/", **child)
        options = [word for item in SETTINGS.items() for word in ("-c", "=".join(item))]
        with (self.place / "log").open("wb") as log:
            self._server = subprocess.Popen(
                [str(DEBIAN / "postgres"), "-D", str(data), "-k", str(self.place), *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
                preexec_fn=end_with_owner(),
                **child,
            )
        self._url = f"postgresql://{ACCOUNT}@localhost/postgres?host={quote(str(self.place), '')}"
        self._wait()

    def _start_embedded(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, "-c", _EMBEDDED, str(self.place / "embedded")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._server.stdout is not None
        # It logs to the same place.
        lines = (line.strip() for line in self._server.stdout)
        self._url = next((line for line in lines if line.startswith("postgresql://")), "")
        assert self._url, "the embedded Postgres did not start"

    def _wait(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while True:
            try:
                psycopg.connect(self._url, connect_timeout=5).close()
                return
            except psycopg.OperationalError:
                said = (self.place / "log").read_text(errors="replace")
                assert self._server.poll() is None, f"Postgres ended: {said}"
                assert time.monotonic() < deadline, f"Postgres does not answer: {said}"
                time.sleep(0.05)
