"""News from Postgres: one LISTEN per process, handed out to whoever in it subscribed.

A notice says where to look, never what is true: it may be lost while the connection is down,
and a subscriber that is slow loses some too. Either way it is told so, with RESYNC, and then
reads everything it cares for again.
"""

from __future__ import annotations

import asyncio
import enum
import json
import random
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

import psycopg
import structlog
from psycopg import sql

WAITING_LIMIT = 256
"""Notices kept for one subscriber: at most 2 MB of them, as Postgres keeps each below 8,000
bytes, and more than the busiest transaction makes."""
FIRST_PAUSE = 0.1
"""Seconds before the first new attempt; a failover of the database takes seconds anyway."""
LONGEST_PAUSE = 5.0
"""Seconds between attempts at most: the longest everyone stays deaf to a database that is back."""
ALIVE: Mapping[str, int] = {
    # A listener only ever waits, so without these it would wait for ever on a connection that a
    # firewall forgot. Probes after 30 s, three of them 10 s apart: deaf for a minute at most.
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "connect_timeout": 10,  # seconds, as for the other connections of this process
}

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Notice:
    """Something happened to `topic`. `id` grows with time; `payload` is a hint, often empty."""

    topic: str
    id: int
    payload: Mapping[str, Any]


class Resync(enum.Enum):
    """The one item that is not a notice."""

    RESYNC = "resync"


RESYNC: Final = Resync.RESYNC
"""Notices may have been lost before this: read everything again."""

Wanted = Callable[[str], bool] | Collection[str]
"""The topics to hear of, or a question that is asked of each topic (quick, and never raising)."""


class Subscription:
    """What one subscriber has still to hear: `async for item in subscription`.

    Ends when closed; a context manager that closes it. Not for two readers at once.
    """

    def __init__(self, bus: Bus, wanted: Wanted) -> None:
        self._bus = bus
        self._items: deque[Notice | Resync] = deque()
        self._news = asyncio.Event()
        self._closed = False
        self.wanted = wanted

    def offer(self, notice: Notice) -> None:
        """Add a notice; the one too many turns all of them into a single RESYNC."""
        if self._items and self._items[0] is RESYNC:
            return  # it will read everything after this notice, and so what this is about
        if len(self._items) >= WAITING_LIMIT:
            log.info("subscriber is slow and has to read everything again")
            self.missed()
            return
        self._items.append(notice)
        self._news.set()

    def missed(self) -> None:
        """Say that notices may have been lost."""
        self._items.clear()
        self._items.append(RESYNC)
        self._news.set()

    def close(self) -> None:
        """Hear no more. A reader that waits is released."""
        self._closed = True
        self._items.clear()
        self._news.set()
        self._bus.forget(self)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Notice | Resync:
        while not self._items:
            if self._closed:
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        return self._items.popleft()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Bus:
    """Hands every notice on `channel` to the subscriptions that want its topic.

    `conninfo` is a libpq string or URL. It must lead to Postgres itself or a pooler in session
    mode: LISTEN does not survive a pooler in transaction mode.
    """

    def __init__(self, conninfo: str, channel: str = "gantry") -> None:
        self._conninfo = conninfo
        self._channel = channel
        self._by_topic: defaultdict[str, set[Subscription]] = defaultdict(set)
        self._asking: set[Subscription] = set()
        self._all: set[Subscription] = set()
        self.begun = asyncio.Event()
        """Set once `run` has listened: from then on a subscription begins with what comes."""

    def subscribe(self, topics: Wanted) -> Subscription:
        """Hear of these topics from now on. Close the subscription when done with it.

        Made before `run` listens, it starts with a RESYNC once `run` does.
        """
        subscription = Subscription(self, topics if callable(topics) else frozenset(topics))
        self._all.add(subscription)
        if callable(subscription.wanted):
            self._asking.add(subscription)
        else:
            for topic in subscription.wanted:
                self._by_topic[topic].add(subscription)
        return subscription

    def forget(self, subscription: Subscription) -> None:
        """Drop a subscription; called by its `close`."""
        self._all.discard(subscription)
        self._asking.discard(subscription)
        if not callable(subscription.wanted):
            for topic in subscription.wanted:
                self._by_topic[topic].discard(subscription)
                if not self._by_topic[topic]:
                    del self._by_topic[topic]

    async def run(self) -> None:
        """Listen until cancelled, on a connection of its own, connecting again when it is lost.

        Each time it begins to listen, every subscription gets a RESYNC: nobody knows what was
        said before.
        """
        attempts = 0
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(
                    self._conninfo, autocommit=True, **self._alive()
                ) as connection:
                    await connection.execute(
                        sql.SQL("listen {}").format(sql.Identifier(self._channel))
                    )
                    log.info("listening to the database", channel=self._channel)
                    attempts = 0
                    self._everyone_missed()
                    self.begun.set()
                    async for notify in connection.notifies():
                        self._hand_out(notify.payload)
            except psycopg.OperationalError as cause:
                log.warning("not listening to the database", reason=str(cause))
            # Half to all of the pause, so that servers do not return to the database as one.
            pause = min(FIRST_PAUSE * 2**attempts, LONGEST_PAUSE)
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
            attempts = min(attempts + 1, 10)  # where the pause has long reached its limit

    def _alive(self) -> dict[str, Any]:
        given = psycopg.conninfo.conninfo_to_dict(self._conninfo)
        return {key: value for key, value in ALIVE.items() if key not in given}

    def _everyone_missed(self) -> None:
        for subscription in self._all:
            subscription.missed()

    def _hand_out(self, text: str) -> None:
        notice = read(text)
        if notice is None:
            # Another version may have said something that this one cannot read. It did happen.
            log.warning("notice not understood", size=len(text))
            self._everyone_missed()
            return
        for subscription in self._by_topic.get(notice.topic, ()):
            subscription.offer(notice)
        for subscription in self._asking:
            if callable(subscription.wanted) and subscription.wanted(notice.topic):
                subscription.offer(notice)


def read(text: str) -> Notice | None:
    """A notice from its JSON `{"topic": str, "id": int, "payload": {…}}`; None if it is none."""
    try:
        match json.loads(text):
            case {"topic": str(topic), "id": int(number), "payload": dict(payload)}:
                return Notice(topic, number, payload)
    except ValueError:
        return None
    return None
