"""Transactions as the program asks for them."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from gantry.kernel.tx import Actor, Tx


class Db(Protocol):
    """Opens units of work."""

    def write(self, actor: Actor) -> AbstractAsyncContextManager[Tx]:
        """All of the body is kept, with the jobs its events call for, or none of it."""
        ...

    def look_back(self, actor: Actor) -> AbstractAsyncContextManager[Tx]:
        """As `read`, for statistics that may be a moment old."""
        ...

    def read(self, actor: Actor) -> AbstractAsyncContextManager[Tx]:
        """A session of its own, so that concurrent readers never share a connection."""
        ...
