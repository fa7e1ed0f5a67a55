"""Where figures go: a table for people, and bench/results/latest.json for tools."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
LATEST = RESULTS / "latest.json"


@dataclass(frozen=True)
class Figure:
    """One measured value. `aim` is the largest value that satisfies, or the smallest if more is
    better; None: no aim.
    """

    name: str
    metric: str
    value: float
    unit: str
    aim: float | None
    definition: str
    more_is_better: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the aim was met."""
        if self.aim is None:
            return None
        return self.value >= self.aim if self.more_is_better else self.value <= self.aim


def write(figures: Sequence[Figure], *, measurement: str) -> None:
    """Print a table with definitions, and put the figures in the place of the measurement's
    earlier ones in the file. Each says at which commit and when it was taken.
    """
    taken = {"measurement": measurement, "commit": commit(), "at": f"{datetime.now(UTC):%F %R} UTC"}
    print(f"{measurement}, at commit {taken['commit']}, {taken['at']}")
    width = max(len(f"{figure.name} {figure.metric}") for figure in figures)
    for figure in figures:
        than = "≥" if figure.more_is_better else "≤"
        aim = "" if figure.aim is None else f"  aim {than} {figure.aim:g} {figure.unit}"
        verdict = {True: "  met", False: "  MISSED", None: ""}[figure.met]
        title = f"{figure.name} {figure.metric}".ljust(width)
        print(f"{title}  {figure.value:8.3f} {figure.unit}{aim}{verdict}", flush=True)
        print(f"    {figure.definition}")
    kept = [row for row in _kept() if row.get("measurement") not in (measurement, None)]
    fresh = [asdict(figure) | {"met": figure.met} | taken for figure in figures]
    RESULTS.mkdir(exist_ok=True)
    rows = [*kept, *fresh]
    LATEST.write_text(json.dumps([head(rows), *rows], indent=2) + "\n")


def head(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The first row: the machine, and at which commit each measurement of the rest was taken."""
    commits = {row["measurement"]: row["commit"] for row in rows}
    by_commit: dict[str, list[str]] = {}
    for name, at in commits.items():
        by_commit.setdefault(at, []).append(name)
    said = "; ".join(f"{at}: {', '.join(names)}" for at, names in by_commit.items())
    return {
        "name": "environment",
        "metric": "machine",
        "value": f"{machine()}; commit of each measurement: {said}",
        "unit": "",
        "aim": None,
        "met": None,
        "commits": commits,
    }


def _kept() -> list[dict[str, Any]]:
    if not LATEST.exists():
        return []
    rows: list[dict[str, Any]] = json.loads(LATEST.read_text())
    return rows[1:]


def commit() -> str:
    """What is measured; a plus says that there are changes which are not in the commit."""
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", ":/", ":!/bench/results")
    return _git("rev-parse", "--short", "HEAD") + ("+" if changed else "")


def _git(*words: str) -> str:
    found = subprocess.run(["git", *words], capture_output=True, text=True, check=False)
    return found.stdout.strip()


def machine() -> str:
    """Cores, memory and system."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()},"
        f" Python {platform.python_version()}"
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the values lie, by nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered) + 0.5) - 1))]
