"""Pure decisions about a re-key: how much at a time, how fast, and what is said of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

AT_ONCE = 100
"""Rows of one transaction, for which they are held: some ten milliseconds."""

REST = 3.0
"""How much longer than it worked a re-key rests, so that requests have three quarters of whatever
it takes: of a connection, of the disk, of a core."""

STEP = timedelta(seconds=4)
"""For which one job works. The next begins every five seconds; a drain that does periodic jobs one
after the other still gets to the others in between."""

HELD_FOR = timedelta(seconds=30)
"""After which another drain goes on, if the one that worked says nothing: as for runs."""

EXAMPLES = 20
"""Values that cannot be read are named in the state of a re-key, as far as people read lists."""

NOTED_EVERY = timedelta(minutes=5)
"""How often it is noted that a key signs: often enough for days, seldom enough for one row."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How much of all is done. Counts are of values and objects."""

    done: int
    total: int
    unreadable: int


def progress(places: Iterable[tuple[int, int, int]]) -> Progress:
    """All places together; each is (done, total, unreadable)."""
    done = total = unreadable = 0
    for one in places:
        done, total, unreadable = done + one[0], total + one[1], unreadable + one[2]
    # Rows that are written meanwhile are sealed with the new key already: nobody has to do those.
    return Progress(min(done, total), total, unreadable)


def left(found: Progress, since: datetime, now: datetime) -> timedelta | None:
    """How long the rest will take at the rate so far; None while that cannot be told."""
    took = (now - since).total_seconds()
    if found.done < AT_ONCE or took <= 0:
        return None
    return timedelta(seconds=round((found.total - found.done) / (found.done / took)))


def rest(worked: float) -> float:
    """Seconds to rest after having worked for so many. What of it does not fit into a step is
    rested between two of them.
    """
    return worked * REST
