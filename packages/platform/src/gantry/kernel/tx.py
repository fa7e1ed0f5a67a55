"""One unit of work: who is acting, when, and in which transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever the work is done for: a user, an API key, a run, a worker or the system.

    `kind` is one of user, api_key, run, worker, anonymous, system. `name` is what history
    shows, in the form `<identity source>::<name>`. `everywhere` holds the actions allowed in
    every space; `by_space` those allowed in single spaces. Both are filled when the actor is
    recognised, so that asking costs nothing. `groups` are names of groups it counts as a member of.
    `roles` are the slugs of the roles that it was given somewhere, itself or as a member of a
    group; None where nobody has looked, as for those who may do everything anyway.
    """

    kind: str
    id: str
    name: str = ""
    everywhere: frozenset[str] = frozenset()
    by_space: Mapping[str, frozenset[str]] = field(default_factory=dict, compare=False)
    groups: frozenset[str] = frozenset()
    roles: tuple[str, ...] | None = field(default=None, compare=False)
    session_id: str | None = None
    address: str | None = None

    def actions_in(self, space_id: str) -> frozenset[str]:
        """Every action this actor may take on things of the space."""
        local = self.by_space.get(space_id)
        return self.everywhere if local is None else self.everywhere | local


SYSTEM = Actor("system", "system", name="")
ANONYMOUS = Actor("anonymous", "anonymous", name="anonymous")


@dataclass(frozen=True, slots=True)
class Event:
    """A fact about the past, emitted inside the transaction that made it true.

    Its jobs and live signals are written in that same transaction (jobs/routing.py).
    """


@dataclass(slots=True)
class Tx:
    """Passed first to every service function; committed only by whoever opened it."""

    session: AsyncSession
    actor: Actor
    now: datetime
    events: list[Event] = field(default_factory=list)

    def emit(self, event: Event) -> None:
        """Remember what happened; acted on when, and only if, the transaction is kept."""
        self.events.append(event)

    def acting_as(self, actor: Actor) -> Tx:
        """The same transaction in another's name, for steps the system takes on its own."""
        return Tx(self.session, actor, self.now, self.events)
