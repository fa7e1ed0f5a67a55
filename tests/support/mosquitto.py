"""Mosquitto, configured as docs/external-broker.md shows."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest
from gantry.infra.postmaster import end_with_owner

PAGE = Path(__file__).parents[2] / "docs" / "external-broker.md"
PLACE = "/etc/mosquitto"
"""Where the page has its files."""


def mosquitto() -> str:
    """The program; skips the test where there is none."""
    # Debian puts it where a user's PATH does not look.
    found = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        pytest.skip("mosquitto is not installed (tools/bootstrap.sh test)")
    return found


def documented(name: str) -> str:
    """A file's content in the page."""
    found = re.search(rf"`{re.escape(name)}`:\n\n```\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found is not None, f"{PAGE.name} shows no {name}"
    return found[1]


class Mosquitto:
    """A broker on `port` that can be stopped and started again."""

    def __init__(self, place: Path, port: int, *, clients: str, server: tuple[Path, Path]) -> None:
        place.mkdir(parents=True)
        self._program, self.port, self._place = mosquitto(), port, place
        self.log = place / "mosquitto.log"
        (place / "gantry-clients.pem").write_text(clients)
        shutil.copy(server[0], place / "server.pem")
        shutil.copy(server[1], place / "server.key")
        (place / "gantry.acl").write_text(documented(f"{PLACE}/gantry.acl"))
        config = documented(f"{PLACE}/mosquitto.conf").replace(PLACE, str(place))
        config = config.replace("listener 8883", f"listener {port} 127.0.0.1")
        # Started by root it would become another user, who cannot read a test's directory.
        (place / "mosquitto.conf").write_text(f"{config}user root\n")
        self._popen: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; it takes connections afterwards."""
        with self.log.open("ab") as log:
            self._popen = subprocess.Popen(
                [self._program, "-c", str(self._place / "mosquitto.conf"), "-v"],
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=end_with_owner(),
            )
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                assert self._popen.poll() is None, self.said()
                assert time.monotonic() < deadline, self.said()
                time.sleep(0.05)

    def stop(self) -> None:
        """End it, with every connection."""
        if self._popen is not None:
            self._popen.terminate()
            self._popen.wait(10)
            self._popen = None

    def said(self) -> str:
        """Everything it logged."""
        return self.log.read_text(errors="replace")
