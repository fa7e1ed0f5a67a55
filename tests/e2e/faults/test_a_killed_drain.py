"""A drain that is killed over a job: what waits is done by the next one, at once."""

from __future__ import annotations


def test_what_waits_when_the_drain_is_killed_is_done_by_the_next_one(house, interrupted):
    house.confirm(interrupted.next_stack, interrupted.next_in_line)

    house.check_applied(interrupted.next_stack, interrupted.next_in_line)
    house.check_next(interrupted.next_stack)
