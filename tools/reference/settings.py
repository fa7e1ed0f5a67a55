"""docs/reference/settings.md: every variable of the control plane and of the worker."""

from __future__ import annotations

import ast
import enum
import inspect
import re
import typing
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import gantry
from gantry.apps.settings import Settings
from gantry.ports.objects import Bucket
from gantry_worker.settings import WorkerSettings
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from reference.markdown import last_name, page, table

MACHINE_DEFAULTS = {
    "GANTRY_DATA_DIR": "`$XDG_DATA_HOME/gantry`, else `~/.local/share/gantry`",
    "GANTRY_TERRAFORM_KEYRING": "built in",
    "GANTRY_OPENTOFU_KEYRING": "built in",
}
"""Defaults that are another value on every machine, in words."""


def settings_page() -> str:
    """Every variable of the control plane and of the worker."""
    parts = [
        "# Settings",
        "Settings come from environment variables and are read once, when a process starts. An"
        " empty variable counts as unset. A value that cannot be used stops the process with one"
        " line that names the variable.",
        "Variables that start with `GANTRY_` are Gantry's own. The others have the names and"
        " meanings that existing deployments and launchers use.",
        "## Control plane",
        "Read by `gantry backend server`, `gantry backend drain`, `gantry scheduler` and"
        " `gantry admin`. All of them need the same values. `gantry up` fills in what is missing;"
        " see [operations](../operations.md#everything-in-one-process).",
    ]
    sections = _sections(Settings)
    unread = _unread()
    for section in dict.fromkeys(sections.values()):
        names = [name for name, where in sections.items() if where == section]
        parts += [
            f"### {section[0].upper()}{section[1:]}",
            _settings_table(Settings, names, unread),
        ]
    parts += [
        "## Worker",
        "Read by `gantry worker`.",
        _settings_table(WorkerSettings, list(WorkerSettings.model_fields), frozenset()),
        "Variables named `SPACELIFT_METADATA_<key>` become tags of the worker.",
    ]
    return page(parts, "gantry.apps.settings.Settings and gantry_worker.settings.WorkerSettings")


def _sections(kind: type[BaseSettings]) -> dict[str, str]:
    """Which `# -- …` comment each field stands under, in the order of the source."""
    found, section = {}, "general"
    for line in _source(kind).splitlines():
        if heading := re.match(r"    # -- (.+)", line):
            section = heading[1]
        elif (name := re.match(r"    (\w+): ", line)) and name[1] in kind.model_fields:
            found[name[1]] = section
    return found


def _source(kind: type[BaseSettings]) -> str:
    """The texts of the groups that a class is made of, in the order of its fields, and its own."""
    groups = [base for base in reversed(kind.__bases__) if base is not BaseSettings]
    return "".join(inspect.getsource(part) for part in (*groups, kind))


def _unread() -> frozenset[str]:
    """Fields that nothing but the settings reads: `….settings.<field>` occurs nowhere."""
    read = {f"bucket_{bucket.name.lower()}" for bucket in Bucket}  # through Settings.bucket
    for path in Path(gantry.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and last_name(node.value).endswith("settings"):
                read.add(node.attr)
    read |= {
        node.attr
        for node in ast.walk(ast.parse(_source(Settings)))
        if isinstance(node, ast.Attribute) and last_name(node.value) == "self"
    }
    return frozenset(Settings.model_fields) - read


def _settings_table(kind: type[BaseSettings], names: Sequence[str], unread: frozenset[str]) -> str:
    rows = []
    for name in names:
        field = kind.model_fields[name]
        variable = str(field.validation_alias)
        choices = _choices(field.annotation)
        meaning = field.description or ""
        if len(choices) > 1:
            meaning += f" One of {', '.join(f'`{choice}`' for choice in choices)}."
        meaning += _bounds(field)
        if name in unread and len(choices) != 1:
            meaning += " *Accepted; this release does not act on it.*"
        rows.append([f"`{variable}`", _default(variable, field), meaning])
    return table(["Variable", "Default", "Meaning"], rows)


def _choices(annotation: Any) -> list[str]:
    if typing.get_origin(annotation) is typing.Literal:
        return [str(choice) for choice in typing.get_args(annotation)]
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return [str(member.value) for member in annotation]
    return []


def _bounds(field: FieldInfo) -> str:
    least = next((item.ge for item in field.metadata if hasattr(item, "ge")), None)
    most = next((item.le for item in field.metadata if hasattr(item, "le")), None)
    if least is not None and most is not None:
        return f" From {least:g} to {most:g}."
    return "" if least is None else f" At least {least:g}."


def _default(variable: str, field: FieldInfo) -> str:
    if variable in MACHINE_DEFAULTS:
        return MACHINE_DEFAULTS[variable]
    if field.is_required():
        return "**required**"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, enum.Enum):
        return f"`{value.value}`"
    if value is None or value in ([], ()):
        return "—"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, timedelta):
        return f"`{value.total_seconds() / 60:g}m`"
    if variable.endswith("_BYTES"):
        return f"`{value}` ({value / 1024**2:g} MiB)"
    return f"`{value}`" if isinstance(value, str | Path) else f"`{value:g}`"
