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
    width = max(len(f"{figure.name} {figure.metric}") for figure in figures)
    for figure in figures:
        than = "≥" if figure.more_is_better else "≤"
        aim = "" if figure.aim is None else f"  aim {than} {figure.aim:g} {figure.unit}"
        verdict = {True: "  met", False: "  MISSED", None: ""}[figure.met]
        title = f"{figure.name} {figure.metric}".ljust(width)
        print(f"{title}  {figure.value:8.3f} {figure.unit}{aim}{verdict}", flush=True)
        print(f"    {figure.definition}")
    taken = {"measurement": measurement, "commit": commit(), "at": f"{datetime.now(UTC):%F %R} UTC"}
    kept = [row for row in _kept() if row.get("measurement") not in (measurement, None)]
    fresh = [asdict(figure) | {"met": figure.met} | taken for figure in figures]
    head = {"name": "environment", "metric": "machine", "value": machine(), "unit": ""}
    RESULTS.mkdir(exist_ok=True)
    rows = [head | {"aim": None, "met": None}, *kept, *fresh]
    LATEST.write_text(json.dumps(rows, indent=2) + "\n")


def _kept() -> list[dict[str, Any]]:
    if not LATEST.exists():
        return []
    rows: list[dict[str, Any]] = json.loads(LATEST.read_text())
    return rows[1:]


def commit() -> str:
    """What was measured."""
    words = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip()


def machine() -> str:
    """Cores, memory, system and commit."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()},"
        f" Python {platform.python_version()}, commit {commit()}"
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the values lie, by nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered) + 0.5) - 1))]
