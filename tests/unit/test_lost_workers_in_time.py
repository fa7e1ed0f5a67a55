"""What is promised of lost workers, from the settings and the timetable as they are shipped."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from croniter import croniter
from gantry.apps.settings import load_settings
from gantry.domains.runs.leasing import AWAY
from gantry.jobs.catalog import TIMETABLE

from tests.unit.test_settings import NEEDED

PROMISED = timedelta(seconds=60)
"""Until people are told the truth about a run whose worker is gone."""


def longest_between_sweeps() -> timedelta:
    times = croniter(TIMETABLE["runs.reconcile"], datetime(2026, 1, 1, tzinfo=UTC))
    an_hour = [times.get_next(datetime) for _ in range(3600)]
    return max(after - before for before, after in pairwise(an_hour))


def test_a_worker_that_is_lost_is_noticed_within_a_minute():
    lease = timedelta(seconds=load_settings(NEEDED).lease_seconds)

    # It may have renewed its lease just before it died, and a sweep may just have been.
    assert lease + longest_between_sweeps() <= PROMISED


def test_sweeps_that_come_in_time_are_not_taken_for_an_outage():
    assert longest_between_sweeps() < AWAY
