"""After all that was killed and taken away."""

from __future__ import annotations


def test_a_commit_that_a_killed_drain_was_fetching_is_fetched_by_another(house, interrupted):
    house.confirm(interrupted.stack, interrupted.run)

    house.check_applied(interrupted.stack, interrupted.run)
    house.check_next(interrupted.stack)


def test_nothing_is_left_over(house):
    rows = house.platform.rows
    assert set(house.applied().values()) == {1}
    assert rows("select id, state from run where finished_at is null") == []
    assert rows("select run_id from run_lease") == []
    assert rows("select stack_id from state_lock") == []
    assert rows("select task_name from procrastinate_jobs where status = 'failed'") == []
