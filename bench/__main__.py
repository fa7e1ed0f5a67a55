"""`python -m bench`: every measurement, one after the other."""

from __future__ import annotations

import asyncio

from bench import logs, overhead, scale
from bench.report import write


async def main() -> None:
    """Measure and report."""
    write([*await overhead.measure(), *await logs.measure(), *await scale.measure()])


if __name__ == "__main__":
    asyncio.run(main())
