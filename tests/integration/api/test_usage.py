"""What was used: in numbers, and as tables for spreadsheets."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from gantry.domains.people.service import ADMIN_SOURCE
from gantry.domains.roles.rules import ADMIN
from gantry.domains.runs import usage

from tests.integration.api.test_spaces_and_roles import give, space
from tests.support.given import given_a_pool, given_a_run, given_a_stack, given_a_worker

TODAY = datetime.now(UTC).date()
ALL = {"since": str(TODAY - timedelta(days=2)), "until": str(TODAY + timedelta(days=1))}


async def table(caller, **asked: str) -> list[dict[str, str]]:
    answer = await caller.http.get("/usageanalytics/csv", params=asked, headers=caller.headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.text)))


async def somebody(core, name: str, source: str, *, seen: str) -> None:
    await core.change(
        "insert into app_user (id, source, username, admin, created_at, last_seen_at)"
        f" values (:name, :source, :name, false, now(), date_trunc('month', now()) {seen})",
        name=name,
        source=source,
    )


async def test_whoever_has_signed_in_this_month_takes_a_seat(core, ada, robot):
    await robot()
    await somebody(core, "now", "saml", seen="")
    await somebody(core, "earlier", "saml", seen="- interval '1 second'")
    await somebody(core, "invited", "", seen="")

    used = await ada.ask("{ usage { usedSeats } }")

    admins = await core.rows("select id from app_user where source = :own", own=ADMIN_SOURCE)
    assert used == {"usage": {"usedSeats": 1 + len(admins)}}


async def a_planned_run(core, worker, stack):
    run = await given_a_run(core, stack)
    await worker.plan(run)
    await core.change(
        "update run_transition set at = date_trunc('day', now()) + version * interval '90 seconds'"
        " where run_id = :id",
        id=run.id,
    )
    return run


async def test_minutes_are_those_for_which_runs_held_workers(core, ada, monkeypatch):
    pool = await given_a_pool(core)
    stack, other = [await given_a_stack(core, pool, name) for name in ("Network", 'Büro, "a"')]
    worker = await given_a_worker(core, pool)
    runs = [await a_planned_run(core, worker, one) for one in (stack, other)]
    monkeypatch.setattr(usage, "PAGE", 4)

    by_state = await table(ada, aspect="run-minutes", groupBy="run-state", **ALL)
    by_type = await table(ada, aspect="run-minutes", groupBy="run-type", **ALL)

    assert [(row["run_ulid"], row["run_state"]) for row in by_state] == [
        (run.id, state) for run in runs for state in ("PREPARING", "INITIALIZING", "PLANNING")
    ]
    assert {row["state_duration_minutes"] for row in by_state} == {"1.5"}
    assert [row["state_duration_minutes"] for row in by_type] == ["4.5", "4.5"]
    midnight = int(datetime(TODAY.year, TODAY.month, TODAY.day, tzinfo=UTC).timestamp())
    assert by_type[1] == {
        "timestamp_unix": str(midnight + 180),
        "state_duration_minutes": "4.5",
        "public": "false",
        "run_state": "",
        "run_type": "TRACKED",
        "run_ulid": runs[1].id,
        "stack_name": 'Büro, "a"',
        "stack_slug": other.id,
        "stack_ulid": "",
        "is_stack": "true",
        "worker_pool_name": pool.name,
        "worker_pool_ulid": pool.id,
    }
    yesterday = {"since": str(TODAY - timedelta(days=1)), "until": str(TODAY)}
    assert await table(ada, aspect="run-minutes", **yesterday) == []


async def test_workers_are_counted_at_each_full_hour(core, ada):
    pool = await given_a_pool(core)
    await given_a_worker(core, pool)
    await given_a_worker(core, pool)
    day = TODAY - timedelta(days=1)
    await core.change("update worker set created_at = :day", day=day - timedelta(days=9))
    await core.change(
        "update worker set gone_at = cast(:day as timestamptz) + interval '90 minutes'"
        " where id = (select min(id) from worker)",
        day=f"{day} 00:00+00",
    )

    rows = await table(ada, aspect="worker-count", since=str(day), until=str(TODAY))

    assert [row["count"] for row in rows] == ["2", "2"] + ["1"] * 22
    assert [row["id"] for row in rows] == [str(n) for n in range(1, 25)]
    assert {row["worker_pool_name"] for row in rows} == {pool.name}
    times = [int(row["timestamp_unix"]) for row in rows]
    assert {after - before for before, after in pairwise(times)} == {3600}


async def test_only_administrators_see_what_was_used(core, ada, nobody, robot):
    team = await space(ada, "Team")
    key, admin_of_team = await robot()
    await give(ada, key, ADMIN.id, team)

    for caller, status in ((nobody, 401), (admin_of_team, 403)):
        answer = await caller.http.get("/usageanalytics/csv", headers=caller.headers)
        assert answer.status_code == status
        assert "timestamp_unix" not in answer.text


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"since": "yesterday"}, "`since` is a day, as 2026-03-01."),
        ({"aspect": "money"}, "`aspect` is worker-count or run-minutes."),
        ({"groupBy": "x"}, "`groupBy` is run-state or run-type."),
        ({"since": "2026-03-01", "until": "2026-03-01"}, "at most 366 days"),
        ({"since": "2020-01-01", "until": "2026-03-01"}, "at most 366 days"),
        ({"until": "0001-01-02"}, "`until` is a day, as 2026-03-01."),
        ({"since": "9999-12-31"}, "`since` is a day, as 2026-03-01."),
    ],
)
async def test_what_no_table_can_be_of_is_said(ada, asked, says):
    answer = await ada.http.get("/usageanalytics/csv", params=asked, headers=ada.headers)

    assert answer.status_code == 400
    assert says in answer.json()["message"]
