"""Live signals for browsers: the table for what was missed, the bus for what comes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from gantry.infra import live
from gantry.infra.bus import Bus, Notice
from gantry.ports.live import News


@dataclass(frozen=True)
class NewsDesk:
    """The `Live` port."""

    engine: AsyncEngine
    bus: Bus

    async def newest(self) -> int:
        """The number of the newest event there is, from which a reader can resume."""
        return await live.newest(self.engine)

    async def listen(self, topics: Sequence[str], after: int | None) -> AsyncIterator[News]:
        """What happens on the topics from now on, preceded by what happened since `after`."""
        # Subscribed before the table is read, so that nothing falls between the two.
        async with self.bus.subscribe(list(topics)) as subscription:
            if after is not None:
                missed = await live.missed(self.engine, topics, after)
                if missed is None:
                    yield News(None, "", {"kind": "reload"})
                else:
                    for number, topic, payload in missed:
                        yield News(number, topic, payload)
            async for item in subscription:
                if isinstance(item, Notice):
                    yield News(item.id, item.topic, dict(item.payload))
                else:
                    yield News(None, "", {"kind": "reload"})
