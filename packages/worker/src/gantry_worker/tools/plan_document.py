"""A plan as JSON that may be shown and kept: what `show -json` says, without secrets.

Left out: the values of variables and the state before, which say nothing that the changes do not.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any, TypeVar

from gantry_worker.tools.redaction import BadPlan, redacted

T = TypeVar("T", dict[str, Any], list[Any])

_PLAIN = (
    *("format_version", "terraform_version", "timestamp", "applyable", "complete", "errored"),
    # As it stands in the repository.
    *("configuration", "relevant_attributes"),
)
_LEVEL = 1
"""Of gzip: half the time of the usual 6 for a fifth more bytes, while a run waits."""


def shareable(plan: dict[str, Any]) -> dict[str, Any]:
    """The plan with words in place of secrets and unknowns. Raises BadPlan."""
    # Nothing in there is marked; what is nested too deeply for those who read it is refused.
    shown = {name: redacted(plan[name], None) for name in _PLAIN if name in plan}
    shown["variables"] = {name: {} for name in _members(plan, "variables", dict)}
    for name in ("resource_changes", "resource_drift"):
        shown[name] = [_entry(entry) for entry in _members(plan, name, list)]
    outputs = _members(plan, "output_changes", dict)
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


def _members(plan: dict[str, Any], name: str, kind: type[T]) -> T:
    found = plan.get(name) or kind()
    if not isinstance(found, kind):
        raise BadPlan(f"The plan's {name!r} is not what it should be.")
    return found


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
