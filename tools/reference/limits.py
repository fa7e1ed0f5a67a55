"""docs/reference/limits.md: how much of anything is taken, and what is said to more."""

from __future__ import annotations

import ast
import importlib
import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import gantry
import gantry_protocol
import gantry_worker
from gantry.apps.settings import Settings
from gantry_worker.settings import WorkerSettings

from reference.markdown import page, same_keys, table

PACKAGES = (gantry, gantry_protocol, gantry_worker)
A_LIMIT = re.compile(
    r"_?(MAX_[A-Z_]+|[A-Z_]+_MAX|[A-Z_]*LIMITS?|[A-Z_]*_LASTS|FAILURES_ALLOWED|READ_AT_MOST)"
)
"""Names of constants that are limits."""


SOURCE = Path(__file__).with_suffix(".toml")


@dataclass(frozen=True)
class Limit:
    """One limit: its constant or setting, and what whoever goes beyond meets."""

    what: str
    where: str
    more: str
    unit: str = ""
    part: Any = None
    """Which value of the constant, if that is a mapping: its key."""


def limits_page() -> str:
    """How much of anything is taken, and what is said to more."""
    written = tomllib.loads(SOURCE.read_text())
    sections = [
        (section["title"], section.get("words"), [Limit(**each) for each in section["limit"]])
        for section in written["section"]
    ]
    described = {limit.where for _, _, limits in sections for limit in limits if ":" in limit.where}
    same_keys("a limit", _constants(), described | set(written["internal"]))
    parts = [
        "# Limits",
        "How much of anything is taken, and what whoever sends more is told. A limit with a"
        " variable can be [set](settings.md); the others are fixed. Codes are in"
        " [errors](errors.md).",
    ]
    for title, words, limits in sections:
        parts += [f"## {title}", *([words] if words else []), _table(limits)]
    return page(parts, "tools/reference/limits.toml and the constants that it names")


def _table(limits: Iterable[Limit]) -> str:
    rows = []
    for limit in limits:
        setting = "" if ":" in limit.where else f"`{limit.where}`"
        rows.append([limit.what, _shown(_value(limit), limit.unit), setting, limit.more])
    return table(["What", "Most", "Variable", "More than that"], rows)


def _value(limit: Limit) -> Any:
    if ":" not in limit.where:
        for kind in (Settings, WorkerSettings):
            for field in kind.model_fields.values():
                if field.validation_alias == limit.where:
                    return field.default
        raise SystemExit(f"there is no setting {limit.where}")
    module, _, name = limit.where.partition(":")
    value = getattr(importlib.import_module(module), name)
    return value if limit.part is None else value[limit.part]


def _shown(value: Any, unit: str) -> str:
    if isinstance(value, timedelta):
        return _duration(int(value.total_seconds()))
    if unit == "seconds":
        return _duration(int(value))
    if unit == "bytes":
        for word, size in (("GiB", 1024**3), ("MiB", 1024**2), ("KiB", 1024)):
            if value >= size:
                return f"{round(value / size, 1):g} {word}"
    return f"{value:,} {unit}".strip()


def _duration(seconds: int) -> str:
    for word, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds % size == 0 and seconds >= size:
            count = seconds // size
            return f"{count} {word if count > 1 else word[:-1]}"
    return f"{seconds} seconds"


def _constants() -> Iterator[str]:
    """Every constant of the product whose name is that of a limit."""
    for package in PACKAGES:
        root = Path(package.__path__[0])
        for path in root.rglob("*.py"):
            steps = [package.__name__, *path.relative_to(root).with_suffix("").parts]
            for node in ast.parse(path.read_text()).body:
                targets = (
                    node.targets
                    if isinstance(node, ast.Assign)
                    else [node.target]
                    if isinstance(node, ast.AnnAssign)
                    else []
                )
                for target in targets:
                    if isinstance(target, ast.Name) and A_LIMIT.fullmatch(target.id):
                        yield f"{'.'.join(steps)}:{target.id}"
