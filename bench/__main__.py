"""`python -m bench`: every measurement, one after the other."""

from __future__ import annotations

import asyncio

from bench import decisions, idle, logs, overhead, scale
from bench.report import write


async def main() -> None:
    """Measure and report."""
    figures = []
    for measure in (overhead.measure, logs.measure, scale.measure, decisions.measure, idle.measure):
        figures += await measure()
    write(figures)


if __name__ == "__main__":
    asyncio.run(main())
