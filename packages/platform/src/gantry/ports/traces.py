"""Traces, as whoever makes them sees them: finished spans, handed over and forgotten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class SpanId:
    """Which span, in which trace: 128 and 64 bits, neither of them zero."""

    trace: int
    span: int


@dataclass(frozen=True, slots=True)
class Span:
    """Something that began and is over. Never a secret, nor what people wrote."""

    id: SpanId
    name: str
    began: datetime
    ended: datetime
    parent: SpanId | None = None
    attributes: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    links: Sequence[SpanId] = ()
    failed: bool = False
    serves: bool = False
    """Whether it is the answer to somebody else's request."""


class Traces(Protocol):
    """Where spans go."""

    def now(self) -> datetime:
        """The moment, by the clock that spans are stamped with."""

    def keep(self, spans: Sequence[Span]) -> None:
        """Take them, at once and in any case: whatever becomes of them is no one's concern."""


REQUEST: ContextVar[SpanId | None] = ContextVar("gantry_request_span", default=None)
"""The request that is being answered, if there is one and requests are traced."""
