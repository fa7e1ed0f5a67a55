"""Which stack and which run a root field is asked for, so that log lines about it say so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gantry.api.graphql.trail import ROWS
from gantry.domains.audit.kinds import Resource

REPEATED = 100
"""Characters of an id that a line repeats: ours have 26, and a stack's is its name's. Whatever a
client sends in its place is not worth more."""


def named(field: str, given: Mapping[str, Any]) -> dict[str, str]:
    """`stack_id` and `run_id`, as far as the arguments of the field are such. The arguments have
    their names in Python.
    """
    row = ROWS.get(field)
    of_stack = field == "stack" or (
        row is not None and (row.resource, row.given) == (Resource.STACK, "id")
    )
    found = {
        "stack_id": given.get("stack") or given.get("stack_id") or (of_stack and given.get("id")),
        "run_id": given.get("run") or given.get("run_id"),
    }
    return {name: value[:REPEATED] for name, value in found.items() if isinstance(value, str)}
