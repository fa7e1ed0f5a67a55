"""What is said of a re-key: how far it is, and how long it takes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gantry.domains.keys import rules
from gantry.domains.keys.rules import Progress

NOW = datetime(2030, 5, 1, 12, 0, tzinfo=UTC)


def test_all_places_are_counted_together():
    assert rules.progress([(10, 100, 0), (5, 5, 2)]) == Progress(15, 105, 2)


def test_no_more_is_done_than_there_was_to_do():
    assert rules.progress([(7, 5, 0)]) == Progress(5, 5, 0)


def test_the_rest_takes_as_long_as_the_same_took_so_far():
    found = Progress(done=500, total=2000, unreadable=0)

    assert rules.left(found, NOW - timedelta(seconds=50), NOW) == timedelta(seconds=150)


def test_nothing_is_foretold_from_a_moments_work():
    assert rules.left(Progress(1, 2000, 0), NOW - timedelta(seconds=1), NOW) is None
    assert rules.left(Progress(500, 2000, 0), NOW, NOW) is None


def test_requests_have_three_quarters():
    worked = 0.02

    assert worked / (worked + rules.rest(worked)) == 0.25
