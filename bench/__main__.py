"""`python -m bench [name …]`: every measurement, or those that are named, one after the other."""

from __future__ import annotations

import asyncio
import sys

from bench import crowd, decisions, dispatch, fairness, idle, logs, overhead, scale, states
from bench.report import write

ALL = {
    "overhead": overhead.measure,
    "logs": logs.measure,
    "states": states.measure,
    "crowd": crowd.measure,
    "dispatch": dispatch.measure,
    "fairness": fairness.measure,
    "scale": scale.measure,
    "decisions": decisions.measure,
    "idle": idle.measure,
}


async def main(names: list[str]) -> None:
    """Measure and report. Only the whole of it is kept as a result."""
    unknown = [name for name in names if name not in ALL]
    if unknown:
        sys.exit(f"bench: no measurement is called {unknown[0]}; there are {', '.join(ALL)}.")
    figures = []
    for name in names or ALL:
        figures += await ALL[name]()
    write(figures, keep=not names)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
