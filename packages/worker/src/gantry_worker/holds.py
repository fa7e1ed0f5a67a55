"""The runs a worker holds, and what a heartbeat's answer means for each of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog
from gantry_protocol.calls import Beaten, Held

from gantry_worker.runtimes.base import GRACE
from gantry_worker.runtimes.supervision import LAST_WORDS
from gantry_worker.session import Session

log = structlog.get_logger()

LET_GO = GRACE.total_seconds() + LAST_WORDS.total_seconds() + 10.0
"""Seconds from a lost lease to the end of a command that changes something: as long as stopping
it in order takes, and some for terraform to be heard out."""


@dataclass(eq=False)
class Hold:
    """A run this worker holds: its lease, the work on it, and a way to stop it."""

    lease: Held
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    work: asyncio.Task[None] | None = None
    session: Session | None = None
    lost: bool = False
    confirmed: float = field(default_factory=time.monotonic)
    """When the lease was last asked for with success (monotonic seconds)."""

    def let_go(self, reason: str) -> None:
        """The lease is somebody else's: end the work, in order if it is changing something."""
        if self.lost:
            return
        self.lost = True
        log.warning("lease lost", run_id=self.lease.run_id, reason=reason)
        if self.session is not None:
            self.session.lost = True
        if self.work is None:
            return
        if self.session is not None and self.session.executing:
            # Killed, terraform would forget what it has made. Interrupted, it saves its state.
            self.stop.set()
            asyncio.get_running_loop().call_later(LET_GO, self.work.cancel)
        else:
            self.work.cancel()


class Holds:
    """What is held, by run and fence: the same run may come back under another fence."""

    def __init__(self) -> None:
        self._by_lease: dict[tuple[str, int], Hold] = {}

    def __len__(self) -> int:
        return len(self._by_lease)

    def all(self) -> list[Hold]:
        """Every hold, those whose lease is lost but whose work goes on included."""
        return list(self._by_lease.values())

    def kept(self) -> list[Hold]:
        """The holds whose lease is not known to be lost."""
        return [hold for hold in self._by_lease.values() if not hold.lost]

    def of_run(self, run_id: str) -> bool:
        """Whether the run is held under some fence."""
        return any(hold.lease.run_id == run_id for hold in self.kept())

    def take(self, lease: Held) -> Hold | None:
        """Hold a run from now on; None when it is held already under this fence.

        A new fence means that an older lease on the same run has ended.
        """
        key = (lease.run_id, lease.fence)
        if key in self._by_lease:
            return None
        for hold in self.kept():
            if hold.lease.run_id == lease.run_id:
                hold.let_go("the run was offered anew")
        self._by_lease[key] = Hold(lease)
        return self._by_lease[key]

    def drop(self, hold: Hold) -> None:
        """Forget a hold whose work is done. Another one of the same run stays."""
        key = (hold.lease.run_id, hold.lease.fence)
        if self._by_lease.get(key) is hold:
            del self._by_lease[key]


def heed(asked: Sequence[Hold], answered: Beaten, asked_at: float) -> None:
    """Act on a heartbeat's answer. `asked` are the holds it was asked about at `asked_at`."""
    by_run = {hold.lease.run_id: hold for hold in asked}
    for answer in answered.leases:
        hold = by_run.get(answer.run_id)
        if hold is None or hold.lost:
            continue
        if answer.fence is not None and answer.fence != hold.lease.fence:
            continue  # about an older lease on the same run
        if not answer.held:
            hold.let_go(answer.reason)
            continue
        hold.confirmed = asked_at
        if answer.stop:
            hold.stop.set()
