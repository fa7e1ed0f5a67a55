"""A plan as JSON that may be shown and kept: what `show -json` says, without secrets.

Left out: the values of variables and the state before, which say nothing that the changes do not.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

from gantry_worker.tools.redaction import BadPlan, redacted

_PLAIN = (
    *("format_version", "terraform_version", "timestamp", "applyable", "complete", "errored"),
    # As it stands in the repository.
    *("configuration", "relevant_attributes"),
)
_LEVEL = 1
"""Of gzip: half the time of the usual 6 for a fifth more bytes, while a run waits."""


def shareable(plan: dict[str, Any]) -> dict[str, Any]:
    """The plan with words in place of secrets and unknowns. Raises BadPlan."""
    shown = {name: plan[name] for name in _PLAIN if name in plan}
    shown["variables"] = {name: {} for name in plan.get("variables") or {}}
    for name in ("resource_changes", "resource_drift"):
        shown[name] = [_entry(entry) for entry in plan.get(name) or []]
    outputs = plan.get("output_changes") or {}
    shown["output_changes"] = {name: _change(change) for name, change in outputs.items()}
    return shown


def masked(value: Any, mask: Callable[[str], str]) -> Any:
    """A copy of a JSON value, each text in it, names included, as `mask` answers it."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, list):
        return [masked(item, mask) for item in value]
    if isinstance(value, dict):
        return {mask(str(key)): masked(item, mask) for key, item in value.items()}
    return value


def packed(document: dict[str, Any]) -> bytes:
    """The document as gzipped JSON. Blocking."""
    return gzip.compress(json.dumps(document).encode(), _LEVEL, mtime=0)


def _entry(entry: Any) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise BadPlan("An item of the plan's changes is no object.")
    return {**entry, "change": _change(entry.get("change"))}


def _change(change: Any) -> dict[str, Any]:
    if not isinstance(change, dict):
        raise BadPlan("A change of the plan is no object.")
    before, after = change.get("before_sensitive"), change.get("after_sensitive")
    return {
        **{name: value for name, value in change.items() if name not in _SHOWN},
        "before": redacted(change.get("before"), before),
        "after": redacted(change.get("after"), after, change.get("after_unknown")),
    }


_SHOWN = ("before", "after", "before_sensitive", "after_sensitive", "generated_config")
