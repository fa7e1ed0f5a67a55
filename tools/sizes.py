"""Fail on a Python file that has grown past one idea, and show where the next one may be."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parent.parent
LIMITS = {"packages": 600, "tools": 600, "bench": 600, "tests": 700}
"""Lines. A test may be longer: it is read one case at a time, not as a whole."""
MOST = 350
"""Lines that 95 % of the files in packages/ stay under: what a reader keeps in mind at once."""
EXEMPT = "packages/platform/src/gantry/infra/migrations/versions"
"""Written once, by Alembic, and never changed again."""
SHOWN = 5


def sizes(folder: str) -> dict[str, int]:
    """Lines of every Python file under the folder, by path from the root."""
    found = {}
    for path in (ROOT / folder).rglob("*.py"):
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith(EXEMPT):
            found[name] = len(path.read_bytes().splitlines())
    return found


def percentile_95(numbers: Iterable[int]) -> int:
    """The smallest of the numbers that 95 % of them do not exceed (nearest rank); 0 of none."""
    ordered = sorted(numbers)
    return ordered[math.ceil(0.95 * len(ordered)) - 1] if ordered else 0


def main() -> int:
    """Print the longest files and what is wrong; 1 if anything is."""
    found = {folder: sizes(folder) for folder in LIMITS}
    everything = [(lines, name) for files in found.values() for name, lines in files.items()]
    for lines, name in sorted(everything, reverse=True)[:SHOWN]:
        print(f"{lines:5}  {name}")
    problems = [
        f"{name} has {lines} lines; {limit} is the limit. Give its second idea a file of its own."
        for folder, limit in LIMITS.items()
        for name, lines in sorted(found[folder].items())
        if lines > limit
    ]
    most = percentile_95(found["packages"].values())
    print(f"95 % of the files in packages/ have at most {most} lines.")
    if most > MOST:
        problems.append(f"{MOST} is the limit for 95 % of the files in packages/.")
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
