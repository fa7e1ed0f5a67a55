"""A part is killed, or away, while there is a run in every phase: nothing is lost or done twice."""

from __future__ import annotations

import time

import pytest

from tests.support.platform import wait_until_ready

AWAY = 20.0
"""Seconds of an outage that every run has to outlive."""


@pytest.mark.parametrize("parts", [["server"], ["drain", "scheduler"]])
def test_runs_in_every_phase_outlive_parts_that_are_killed(house, parts):
    runs = house.in_every_phase()

    for part in parts:
        house.kill(part)
    house.let_go(runs)  # they come to their ends while nobody is there
    for part in parts:
        house.start(part)

    house.check_all_applied(runs, since=house.now())


def test_runs_in_every_phase_outlive_a_database_that_is_away(house):
    runs = house.in_every_phase()

    house.database.take_away()
    time.sleep(AWAY - 2)
    house.let_go(runs)  # and come to their ends before it is back
    time.sleep(2)
    house.database.bring_back()
    wait_until_ready(house.server)

    house.check_all_applied(runs, since=house.now())


def test_runs_in_every_phase_outlive_a_database_that_fails_over(house):
    runs = house.in_every_phase()

    house.database.take_away()
    house.database.bring_back()
    wait_until_ready(house.server)
    house.let_go(runs)

    house.check_all_applied(runs, since=house.now())


def test_each_of_their_stacks_takes_another_run(house):
    runs = house.in_every_phase()

    house.let_go(runs)

    house.check_all_applied(runs)


def test_leases_are_looked_at_by_the_scheduler_and_drain_that_are_there_now(house):
    house.kill("scheduler")
    ((killed_at,),) = house.platform.rows("select clock_timestamp()")
    house.start("scheduler")

    # The tick is the new one's, and a drain has done what it asked for.
    done = (
        "select 1 from lease_sweep s join procrastinate_periodic_defers d"
        " on d.task_name = 'runs.reconcile' and s.at > to_timestamp(d.defer_timestamp)"
        " where to_timestamp(d.defer_timestamp) > %s"
    )
    house.until(lambda: house.platform.rows(done, killed_at), "leases to be looked at")


def test_a_drain_hears_of_jobs_again_when_the_database_was_restarted(house):
    house.database.take_away()
    house.database.bring_back()
    wait_until_ready(house.server)

    listening = "select 1 from pg_stat_activity where query ilike 'listen \"procrastinate%%'"
    house.until(lambda: house.platform.rows(listening), "the drain to listen")
