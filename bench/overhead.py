"""What a run costs beyond bare Terraform: trigger to FINISHED, minus init + plan + apply.

Each round measures both on the same tree: a stack of one changing resource with autodeploy.
The bare commands run in a fresh directory with a local state that round after round grows alike.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import httpx2
from gantry.apps import embedded, process
from gantry.apps.demo import Client, _sign_in

from bench.report import Figure, percentile

ROUNDS = 30
WARM_UP = 3
TREE = """
resource "terraform_data" "one" { input = uuid() }
output "when" { value = terraform_data.one.output }
"""

_CREATE = "mutation ($i: StackInput!) { stackCreate(input: $i, manageState: true) { id } }"
_TRIGGER = "mutation ($s: ID!) { runTrigger(stack: $s) { id } }"
_STATE = """query ($s: ID!, $r: ID!) { stack(id: $s) { run(id: $r) {
  state failureReason history { state } } } }"""


async def measure() -> list[Figure]:
    """Run the rounds and answer the figures."""
    process.configure_logging("error")
    with tempfile.TemporaryDirectory(prefix="gantry-bench-") as place:
        root = Path(place)
        repository = _repository(root / "repository")
        overrides = {
            "GANTRY_GIT_ALLOW_FILE_URLS": "true",
            "GANTRY_SERVER_PORT": "21983",
            "GANTRY_LOG_LEVEL": "error",
        }
        async with (
            embedded.platform(data_dir=root / "data", overrides=overrides) as up,
            httpx2.AsyncClient(base_url=up.url, timeout=60) as http,
        ):
            client = Client(http, await _sign_in(http, up))
            stack = await _stack(client, repository)
            ours, bare = [], []
            for number in range(WARM_UP + ROUNDS):
                bare_took = await asyncio.to_thread(_bare, root / "bare")
                took, run = await _run(client, stack)
                await _require_an_apply(client, stack, run)
                if number >= WARM_UP:
                    ours.append(took)
                    bare.append(bare_took)
    overhead = [a - b for a, b in zip(ours, bare, strict=True)]
    about = f"{ROUNDS} rounds after {WARM_UP} of warm-up, one resource, embedded mode"
    minus = f"run minus bare; {about}"
    bare_is = f"init+plan+apply with local state; {about}"
    ours_is = f"trigger to FINISHED; {about}"
    return [
        Figure("run overhead", "p50", percentile(overhead, 0.5), "s", 0.3, minus),
        Figure("run overhead", "p95", percentile(overhead, 0.95), "s", 1.0, minus),
        Figure("run", "p50", percentile(ours, 0.5), "s", None, ours_is),
        Figure("bare terraform", "p50", percentile(bare, 0.5), "s", None, bare_is),
    ]


def _repository(place: Path) -> Path:
    place.mkdir()
    (place / "main.tf").write_text(TREE)
    identity = ["-c", "user.name=bench", "-c", "user.email=bench@gantry.invalid"]
    commit = [*identity, "commit", "-qm", "bench"]
    for arguments in (["init", "-q", "-b", "main"], ["add", "."], commit):
        subprocess.run(["git", "-C", str(place), *arguments], check=True)
    return place


def _bare(place: Path) -> float:
    """Seconds that init, plan and apply take, each a process, in a tree without `.terraform`."""
    place.mkdir(exist_ok=True)
    (place / "main.tf").write_text(TREE)
    shutil.rmtree(place / ".terraform", ignore_errors=True)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TF_")}
    began = time.perf_counter()
    for arguments in (
        ["init", "-input=false"],
        ["plan", "-input=false", "-out=plan.tfplan"],
        ["apply", "-input=false", "plan.tfplan"],
    ):
        command = ["terraform", *arguments]
        subprocess.run(command, cwd=place, env=environment, check=True, capture_output=True)
    return time.perf_counter() - began


async def _stack(client: Client, repository: Path) -> str:
    made = await client.ask(
        _CREATE,
        i={
            "name": "bench",
            "administrative": False,
            "autodeploy": True,
            "branch": "main",
            "repository": "bench",
            "provider": "GIT",
            "repositoryURL": repository.as_uri(),
        },
    )
    return str(made["stackCreate"]["id"])


async def _require_an_apply(client: Client, stack: str, run: str) -> None:
    """A round that changes nothing ends early, and would pass for a fast one."""
    found = (await client.ask(_STATE, s=stack, r=run))["stack"]["run"]
    if "APPLYING" not in {move["state"] for move in found["history"]}:
        raise RuntimeError(f"run {run} applied nothing")


async def _run(client: Client, stack: str) -> tuple[float, str]:
    began = time.perf_counter()
    run = (await client.ask(_TRIGGER, s=stack))["runTrigger"]["id"]
    # The signal itself names the new state; the first question covers what came before it.
    found = (await client.ask(_STATE, s=stack, r=run))["stack"]["run"]
    if found["state"] == "FINISHED":
        return time.perf_counter() - began, run
    async for _, news in client.events("/events", topic=f"run:{run}"):
        if news.get("state") == "FINISHED":
            return time.perf_counter() - began, run
        if news.get("state") in ("FAILED", "STOPPED"):
            found = (await client.ask(_STATE, s=stack, r=run))["stack"]["run"]
            raise RuntimeError(found["failureReason"])
    raise RuntimeError("the event stream ended")
