"""How long the steps of a run take, told to the server with the report of their phase."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from gantry_protocol.calls import MAX_STEPS, StepTaken
from gantry_protocol.words import Phase, Step

from gantry_worker.endings import StepStopped


@dataclass(frozen=True, slots=True)
class _Taken:
    name: Step
    begun: float
    ended: float
    failed: bool


@dataclass
class Timings:
    """The steps taken under one lease, by phase: the next may begin before one is reported."""

    clock: Callable[[], float] = time.monotonic
    _taken: dict[Phase, list[_Taken]] = field(default_factory=dict)

    @contextmanager
    def step(self, phase: Phase, name: Step) -> Iterator[None]:
        """Measure the body. What ends it by an error is told too; a stop is none."""
        begun, failed = self.clock(), False
        try:
            yield
        except StepStopped:
            raise
        except Exception:
            failed = True
            raise
        finally:
            self._taken.setdefault(phase, []).append(_Taken(name, begun, self.clock(), failed))

    def of(self, phase: Phase) -> list[StepTaken]:
        """The newest steps of the phase, as they are told at this moment."""
        now = self.clock()
        return [
            StepTaken(
                name=taken.name.value,
                ago=round(now - taken.begun, 6),
                lasted=round(taken.ended - taken.begun, 6),
                failed=taken.failed,
            )
            for taken in self._taken.get(phase, [])[-MAX_STEPS:]
        ]

    def forget(self, phase: Phase) -> None:
        """The phase is done anew: what it took before is no part of the run."""
        self._taken.pop(phase, None)
