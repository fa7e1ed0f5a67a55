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

RESULTS = Path(__file__).parent / "results"


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


def write(figures: Sequence[Figure], *, keep: bool = True) -> None:
    """Print a table with definitions, and write the file if the figures are to be kept."""
    width = max(len(f"{figure.name} {figure.metric}") for figure in figures)
    for figure in figures:
        than = "≥" if figure.more_is_better else "≤"
        aim = "" if figure.aim is None else f"  aim {than} {figure.aim:g} {figure.unit}"
        verdict = {True: "  met", False: "  MISSED", None: ""}[figure.met]
        title = f"{figure.name} {figure.metric}".ljust(width)
        print(f"{title}  {figure.value:8.3f} {figure.unit}{aim}{verdict}")
        print(f"    {figure.definition}")
    if not keep:
        return
    RESULTS.mkdir(exist_ok=True)
    rows = [
        {
            "name": "environment",
            "metric": "machine",
            "value": machine(),
            "unit": "",
            "aim": None,
            "met": None,
        }
    ]
    for figure in figures:
        row = asdict(figure)
        row["met"] = figure.met
        rows.append(row)
    (RESULTS / "latest.json").write_text(json.dumps(rows, indent=2) + "\n")


def machine() -> str:
    """Cores, memory, system, commit and time."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()},"
        f" Python {platform.python_version()}, commit {commit},"
        f" {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the values lie, by nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered) + 0.5) - 1))]
