"""The MQTT topics of the doorbell, built and parsed in one place.

Each worker has two, named from its point of view: `<namespace>/readonly/<pool>/<worker>`, on
which only the control plane speaks, and `<namespace>/writeonly/<pool>/<worker>`, on which only
the worker does. Nobody has any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Direction = Literal["readonly", "writeonly"]

MESSAGE_LIMIT = 64 * 1024
"""Bytes in one message, either way. A ring is a few hundred and its source, a Postgres
notification, is below 8,000; eight times that leaves room and still bounds a connection's memory.
"""


class BadTopic(ValueError):
    """Not a topic of the doorbell, or a part from which none can be built."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic taken apart."""

    namespace: str
    direction: Direction
    pool_id: str
    worker_id: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.direction}/{self.pool_id}/{self.worker_id}"


def readonly(namespace: str, pool_id: str, worker_id: str) -> str:
    """Where the worker listens. Raises BadTopic."""
    return str(_checked(Topic(namespace, "readonly", pool_id, worker_id)))


def writeonly(namespace: str, pool_id: str, worker_id: str) -> str:
    """Where the worker speaks. Raises BadTopic."""
    return str(_checked(Topic(namespace, "writeonly", pool_id, worker_id)))


def parse(topic: str) -> Topic:
    """What a topic names. A namespace may have several levels. Raises BadTopic.

    `parse(readonly(n, p, w))` gives n, p and w back, and likewise for `writeonly`.
    """
    match topic.rsplit("/", 3):
        case [namespace, ("readonly" | "writeonly") as direction, pool_id, worker_id]:
            return _checked(Topic(namespace, direction, pool_id, worker_id))
        case _:
            raise BadTopic("the topic is not <namespace>/<readonly|writeonly>/<pool>/<worker>")


def _checked(topic: Topic) -> Topic:
    # MQTT 3.1.1, section 4.7: + and # are wildcards, NUL is forbidden, and topics that begin
    # with $ are the broker's own. An id with a slash would name somebody else's topic.
    levels = (*topic.namespace.split("/"), topic.pool_id, topic.worker_id)
    if any(not level or set(level) & set("/+#\0") for level in levels):
        raise BadTopic("a part of the topic is empty or contains one of / + # NUL")
    if topic.namespace.startswith("$"):
        raise BadTopic("the namespace begins with $, which is reserved for brokers")
    return topic
