"""`python -m bench [name …]`: every measurement, or those that are named, one after the other."""

from __future__ import annotations

import asyncio
import sys

from bench import (
    crowd,
    decisions,
    dispatch,
    fairness,
    idle,
    interface,
    log_view,
    logs,
    overhead,
    rekey,
    rights,
    scale,
    states,
    trail,
)
from bench.report import write

ALL = {
    "overhead": overhead.measure,
    "logs": logs.measure,
    "states": states.measure,
    "crowd": crowd.measure,
    "dispatch": dispatch.measure,
    "fairness": fairness.measure,
    "scale": scale.measure,
    "interface": interface.measure,
    "decisions": decisions.measure,
    "idle": idle.measure,
    "log_view": log_view.measure,
    "rekey": rekey.measure,
    "rights": rights.measure,
    "trail": trail.measure,
}


async def main(names: list[str]) -> None:
    """Measure and report, and keep each result as soon as there is one."""
    unknown = [name for name in names if name not in ALL]
    if unknown:
        sys.exit(f"bench: no measurement is called {unknown[0]}; there are {', '.join(ALL)}.")
    for name in names or ALL:
        write(await ALL[name](), measurement=name)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
