"""What a run costs beyond bare Terraform: trigger to FINISHED, minus init + plan + apply.

Each round measures both on the same tree: a stack of one changing resource with autodeploy.
The bare commands run in a fresh directory with a local state that round after round grows alike.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import time
from pathlib import Path

from bench.report import Figure, percentile
from bench.site import TREE, Site, site

ROUNDS = 30
WARM_UP = 3


async def measure() -> list[Figure]:
    """Run the rounds and answer the figures."""
    async with site() as there:
        stack = await there.stack()
        ours, bare = [], []
        for number in range(WARM_UP + ROUNDS):
            bare_took = await asyncio.to_thread(bare_run, there.place / "bare")
            took, run = await _run(there, stack)
            await _require_an_apply(there, stack, run)
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


def bare_run(place: Path, tree: str = TREE) -> float:
    """Seconds that init, plan and apply take, each a process, in a tree without `.terraform`."""
    place.mkdir(exist_ok=True)
    (place / "main.tf").write_text(tree)
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


async def _require_an_apply(there: Site, stack: str, run: str) -> None:
    """A round that changes nothing ends early, and would pass for a fast one."""
    found = await there.run(stack, run)
    if "APPLYING" not in {move["state"] for move in found["history"]}:
        raise RuntimeError(f"run {run} applied nothing")


async def _run(there: Site, stack: str) -> tuple[float, str]:
    began = time.perf_counter()
    run = await there.trigger(stack)
    # The signal itself names the new state; the first question covers what came before it.
    if (await there.run(stack, run))["state"] == "FINISHED":
        return time.perf_counter() - began, run
    async for _, news in there.client.events("/events", topic=f"run:{run}"):
        if news.get("state") == "FINISHED":
            return time.perf_counter() - began, run
        if news.get("state") in ("FAILED", "STOPPED"):
            raise RuntimeError((await there.run(stack, run))["failureReason"])
    raise RuntimeError("the event stream ended")
