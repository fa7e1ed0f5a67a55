"""The tables that say who may call what: read, compared, and given the rows that they lack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
UNASKED = "·"
"""A cell of somebody for whom the row makes no sense."""
UNKNOWN = "?"
"""A cell of a row of which a person has said what it needs, and that is still to be measured."""


@dataclass(frozen=True)
class Row:
    """What one field or route needs, and how each caller fares."""

    name: str
    needs: str
    cells: Mapping[str, str]

    @property
    def measured(self) -> bool:
        """Whether it says how everybody fares."""
        return UNKNOWN not in self.cells.values()


class Table:
    """A table of Markdown between whatever else a page says."""

    def __init__(self, file: str, callers: Sequence[str]) -> None:
        self.path, self.callers = HERE / file, list(callers)

    def rows(self) -> dict[str, Row]:
        """Every row of the page, by name. Raises AssertionError when its columns are others."""
        found: dict[str, Row] = {}
        head: list[str] | None = None
        for line in self.path.read_text().splitlines():
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if cells[1:2] == ["needs"]:
                head = cells[2:]
                assert head == self.callers, f"{self.path.name}: columns are {head}"
            elif not line.startswith("|"):
                head = None
            if head is None or cells[1] == "needs" or set(line) <= set("|-: "):
                continue
            name = cells[0].strip("`")
            assert name not in found, f"{self.path.name} has two rows of {name}"
            found[name] = Row(name, cells[1], dict(zip(self.callers, cells[2:], strict=True)))
        return found

    def line(self, row: Row) -> str:
        """The row as the page would have it."""
        cells = [f"`{row.name}`", row.needs, *(row.cells[caller] for caller in self.callers)]
        return f"| {' | '.join(cells)} |"

    def add(self, section: str, rows: Sequence[Row]) -> None:
        """Put rows into the section's table, each where the alphabet wants it."""
        lines = self.path.read_text().splitlines()
        at = lines.index(f"## {section}")
        first = next(n for n in range(at, len(lines)) if lines[n].startswith("|---")) + 1
        last = first
        while last < len(lines) and lines[last].startswith("|"):
            last += 1
        fresh = {f"| `{row.name}` |": self.line(row) for row in rows}
        kept = [line for line in lines[first:last] if not line.startswith(tuple(fresh))]
        known = {*kept, *fresh.values()}
        lines[first:last] = sorted(known)
        self.path.write_text("\n".join(lines) + "\n")
