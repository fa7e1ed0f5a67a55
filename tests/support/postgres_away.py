"""A Postgres that can be away for a while, and come back somewhere else."""

from __future__ import annotations

import os
import signal
import subprocess

import psycopg
from gantry.infra.postmaster import end_with_owner

from tests.support.balancer import Balancer
from tests.support.platform import free_port
from tests.support.postgres_cluster import ACCOUNT, Cluster


class Database(Cluster):
    """Loses nothing that it has confirmed. Everybody comes by one address, behind which the
    server may change its own, as with a failover.
    """

    def __init__(self) -> None:
        super().__init__()
        self._command = list(self._server.args)  # type: ignore[arg-type]
        self._address = Balancer(free_port(), [])
        self.take_away()
        self._url = (
            f"postgresql://{ACCOUNT}@127.0.0.1:{self._address.port}/postgres?sslmode=disable"
        )
        self.bring_back()
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(f"alter role {ACCOUNT} set synchronous_commit = on")

    def stop(self) -> None:
        """End the server and remove its data."""
        super().stop()
        if address := getattr(self, "_address", None):
            address.close()

    def take_away(self) -> None:
        """An immediate shutdown: nobody is asked, and the next start recovers."""
        self._server.send_signal(signal.SIGQUIT)
        self._server.wait(20)

    def bring_back(self) -> None:
        """Start it again, on another port; return when it answers at its one address."""
        account = {"user": ACCOUNT, "group": ACCOUNT, "extra_groups": []}
        port = free_port()
        with (self.place / "log").open("ab") as log:
            self._server = subprocess.Popen(
                [*self._command, "-c", "listen_addresses=127.0.0.1", "-p", str(port)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
                preexec_fn=end_with_owner(),
                **(account if os.geteuid() == 0 else {}),
            )
        self._address.servers = [port]
        self._wait()
