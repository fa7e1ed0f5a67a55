"""An installation to measure: everything in this process, on a directory that goes afterwards."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from gantry.apps import embedded, process
from gantry.apps.demo import Client, sign_in

from tests.support.platform import free_port

TREE = """
resource "terraform_data" "one" { input = uuid() }
output "when" { value = terraform_data.one.output }
"""
"""One resource that changes with every run: a round that changes nothing ends early."""

_CREATE = "mutation ($i: StackInput!) { stackCreate(input: $i, manageState: true) { id } }"
_TRIGGER = "mutation ($s: ID!) { runTrigger(stack: $s) { id } }"
_STATE = """query ($s: ID!, $r: ID!) { stack(id: $s) { run(id: $r) {
  state failureReason history { state stateVersion } } } }"""


@dataclass(frozen=True)
class Site:
    """The installation, somebody signed in, and a directory for whatever else is needed."""

    up: embedded.Running
    client: Client
    place: Path

    async def stack(self, *, autodeploy: bool = True) -> str:
        """A stack of TREE, the only one of this site; its id."""
        made = await self.client.ask(
            _CREATE,
            i={
                "name": "bench",
                "administrative": False,
                "autodeploy": autodeploy,
                "branch": "main",
                "repository": "bench",
                "provider": "GIT",
                "repositoryURL": _repository(self.place / "repository").as_uri(),
            },
        )
        return str(made["stackCreate"]["id"])

    async def trigger(self, stack: str) -> str:
        """Start a run; its id."""
        return str((await self.client.ask(_TRIGGER, s=stack))["runTrigger"]["id"])

    async def run(self, stack: str, run: str) -> dict[str, Any]:
        """Where a run is, why it failed, and where it has been."""
        found: dict[str, Any] = (await self.client.ask(_STATE, s=stack, r=run))["stack"]["run"]
        return found


@asynccontextmanager
async def site(*, worker: bool = True) -> AsyncIterator[Site]:
    """Start everything, and end it."""
    process.configure_logging("error")
    overrides = {
        "GANTRY_GIT_ALLOW_FILE_URLS": "true",
        "GANTRY_SERVER_PORT": str(free_port()),
        "GANTRY_MQTT_BROKER_PORT": str(free_port()),
        "GANTRY_LOG_LEVEL": "error",
    }
    with tempfile.TemporaryDirectory(prefix="gantry-bench-") as root:
        place = Path(root)
        async with (
            embedded.platform(data_dir=place / "data", overrides=overrides, worker=worker) as up,
            httpx2.AsyncClient(base_url=up.url, timeout=60) as http,
        ):
            yield Site(up, Client(http, await sign_in(http, up)), place)


def _repository(place: Path) -> Path:
    place.mkdir()
    (place / "main.tf").write_text(TREE)
    identity = ["-c", "user.name=bench", "-c", "user.email=bench@gantry.invalid"]
    commit = [*identity, "commit", "-qm", "bench"]
    for arguments in (["init", "-q", "-b", "main"], ["add", "."], commit):
        subprocess.run(["git", "-C", str(place), *arguments], check=True)
    return place
