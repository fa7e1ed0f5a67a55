"""Live signals, as the server hands them to browsers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class News:
    """Something to look at again. `id` None says: anything may have changed, reload."""

    id: int | None
    topic: str
    payload: dict[str, Any]


class Live(Protocol):
    """Signals as they are committed, by any process of the installation."""

    async def newest(self) -> int:
        """The number of the newest signal there is: where a reader that begins now is."""
        ...

    def listen(self, topics: Sequence[str], after: int | None) -> AsyncIterator[News]:
        """What happens on the topics from now on, preceded by what happened since `after`."""
        ...
