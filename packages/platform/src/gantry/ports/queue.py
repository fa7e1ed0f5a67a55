"""The queue as the program sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DELIVERIES = "deliveries"
"""The queue of what waits for others' servers, which may be slow: nothing else waits behind it."""


@dataclass(frozen=True, slots=True)
class Job:
    """Work to be done after the current transaction is kept.

    Two jobs with the same `lock` never run at once and run in the order they
    were deferred. A job with a `unique` key is not written while one with that key still
    waits. Arguments are JSON; pass identifiers, not objects.
    """

    name: str
    args: Mapping[str, Any] = field(default_factory=dict)
    lock: str | None = None
    unique: str | None = None
    queue: str = "async"


@dataclass(frozen=True, slots=True)
class Signal:
    """Something to look at again: pushed to browsers, and to workers, when the transaction is kept.

    `topic` is what subscribers named (`stack:<id>`, `run:<id>`, `pool:<id>`, `worker:<pool>/<id>`).
    """

    topic: str
    payload: Mapping[str, Any] = field(default_factory=dict)
