"""What a worker tells of how long it took."""

from __future__ import annotations

import pytest
from gantry_protocol.calls import MAX_STEPS
from gantry_protocol.words import Phase, Step
from gantry_worker.endings import StepFailed, StepStopped
from gantry_worker.timings import Timings


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def timings(clock):
    return Timings(clock)


def test_steps_are_told_by_how_long_ago_they_began_at_the_moment_of_telling(timings, clock):
    with timings.step(Phase.PLAN, Step.TOOL_PLAN):
        clock.now += 2
    clock.now += 1
    (told,) = timings.of(Phase.PLAN)
    clock.now += 30
    (again,) = timings.of(Phase.PLAN)

    assert (told.name, told.ago, told.lasted, told.failed) == ("tool plan", 3, 2, False)
    assert (again.ago, again.lasted) == (33, 2)


def test_a_phase_tells_its_own_steps_and_nothing_of_one_that_was_given_up(timings):
    with timings.step(Phase.PREPARE, Step.FIND_TOOL):
        pass
    with timings.step(Phase.INIT, Step.TOOL_INIT):
        pass
    assert [step.name for step in timings.of(Phase.PREPARE)] == ["find tool"]

    timings.forget(Phase.INIT)

    assert timings.of(Phase.INIT) == []
    assert len(timings.of(Phase.PREPARE)) == 1


@pytest.mark.parametrize(("error", "failed"), [(StepFailed("no"), True), (StepStopped(), False)])
def test_a_step_that_ends_by_an_error_is_told_as_failed_and_a_stop_is_none(timings, error, failed):
    def begin_and_break() -> None:
        with timings.step(Phase.INIT, Step.TOOL_INIT):
            raise error

    with pytest.raises(type(error)):
        begin_and_break()

    (told,) = timings.of(Phase.INIT)
    assert told.failed is failed


def test_no_more_is_told_than_the_protocol_takes(timings):
    for _ in range(MAX_STEPS + 10):
        with timings.step(Phase.APPLY, Step.TOOL_SHOW):
            pass

    assert len(timings.of(Phase.APPLY)) == MAX_STEPS
