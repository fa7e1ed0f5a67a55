"""Streams end when the right to them does, and plans are had by whoever may see the run."""

from __future__ import annotations

import gzip
import json

import httpx2
import pytest
from gantry.api.app import application
from gantry.api.departure import Departure
from gantry.api.live import events
from gantry.kernel.errors import NotFound, UserError
from gantry.ports.objects import Bucket
from starlette.requests import Request

from tests.support.given import (
    ONE_CHANGE,
    STRANGER,
    given_a_run,
    given_a_worker,
)


def request_of(caller):
    """What an endpoint is given when the caller asks."""
    headers = [(k.encode(), v.encode()) for k, v in caller.headers.items()]
    scope = {"type": "http", "method": "GET", "path": "/events", "headers": headers}
    return Request({**scope, "query_string": b"", "app": caller.app, "scheme": "https"})


@pytest.fixture
def gate(ada, stack, monkeypatch):
    """The gate of ada's stream, which looks each time it is asked."""
    monkeypatch.setattr(events, "LOOK_AGAIN_SECONDS", 0.0)
    return events._Gate(request_of(ada), ["session", f"stack:{stack.id}"])


async def test_a_stream_goes_on_while_its_reader_is_signed_in(gate):
    for _ in range(3):
        assert await gate.lost() == []
        assert not gate.closed


async def test_a_stream_ends_when_its_reader_signs_out(gate, ada):
    left = await ada.http.post("/logout", headers={**ada.headers, "origin": "https://gantry.test"})
    assert left.status_code < 400
    await gate.lost()
    assert gate.closed


async def test_a_stream_goes_on_without_what_its_reader_may_not_see_any_more(core, gate, stack):
    await core.change("update stack set deleted_at = now()")
    assert await gate.lost() == [f"stack:{stack.id}"]
    assert gate.topics == ["session"]
    assert not gate.closed


async def test_a_stream_ends_when_nothing_of_it_may_be_seen_any_more(core, gate, stack):
    gate.topics.remove("session")
    await core.change("update stack set deleted_at = now()")
    await gate.lost()
    assert gate.closed


async def test_a_stream_of_several_topics_says_which_of_them_its_reader_may_not_follow(ada, stack):
    ada.app.state.house.departure.begun.set()

    stream = await ada.http.get(
        f"/events?topic=session&topic=stack:{stack.id}&topic=stack:nowhere", headers=ada.headers
    )

    assert stream.text.count("event: gone") == 1
    assert 'event: gone\ndata: {"topic": "stack:nowhere"}\n\n' in stream.text


async def test_a_stream_is_not_looked_at_all_the_time(core, ada, stack):
    gate = events._Gate(request_of(ada), [f"stack:{stack.id}"])
    await core.change("update stack set deleted_at = now()")
    assert await gate.lost() == []
    assert not gate.closed


@pytest.mark.parametrize("given", ["²", "٣", "-1", "1" * 30, "x"])
async def test_an_offset_that_is_no_number_is_refused(core, ada, stack, given):
    run = await given_a_run(core, stack)
    for path, status in (
        (f"/logs/{run.id}/{given}", 404),
        (f"/logs/{run.id}/1?offset={given}", 400),
    ):
        answer = await ada.http.get(path, headers=ada.headers)
        assert answer.status_code == status, path


# -- topics that are not of one thing


async def signals(core, topic, since):
    rows = await core.rows(
        "select payload from live_event where topic = :topic and id > :since order by id",
        topic=topic,
        since=since,
    )
    return [row[0] for row in rows]


async def test_everybody_hears_of_their_own_runs_and_that_something_moved(core, ada, pool, stack):
    ((before,),) = await core.rows("select coalesce(max(id), 0) from live_event")
    worker = await given_a_worker(core, pool)
    run = await given_a_run(core, stack)
    await worker.plan(run, ONE_CHANGE)

    (heard,) = await signals(core, "person:admin::ada", before)
    assert (heard["run_id"], heard["state"]) == (run.id, "UNCONFIRMED")
    assert await signals(core, "person:admin::wim", before) == []
    moved = await signals(core, "activity", before)
    assert {json.dumps(one) for one in moved} == {'{"kind": "activity"}'}

    ada.app.state.house.departure.begun.set()
    for topic in ("mine", "activity"):
        stream = await ada.http.get(f"/events?topic={topic}", headers=ada.headers)
        assert stream.status_code == 200


async def test_what_moves_is_not_heard_by_who_may_see_nothing_nor_by_another_name(core, ada):
    async with core.db.read(STRANGER) as tx:
        await events._require(tx, "mine")
        with pytest.raises(NotFound):
            await events._require(tx, "activity")
        with pytest.raises(UserError, match="There is no topic"):
            await events._require(tx, "person:admin::ada")


# -- a server that is about to end


async def test_streams_end_with_the_server_and_say_from_where_to_go_on(core, ada, stack):
    """Without an end of their own: a client takes that for a cut, and comes again."""
    run = await given_a_run(core, stack)
    ada.app.state.house.departure.begun.set()

    stream = await ada.http.get(f"/events?topic=run:{run.id}", headers=ada.headers)

    ((newest,),) = await core.rows("select max(id) from live_event")
    assert stream.text.startswith(f"retry: 1000\nid: {newest}\n\n")
    assert "event:" not in stream.text


async def test_a_server_that_is_about_to_end_keeps_no_connection(nobody):
    app = application(nobody.app.state.house, [], departure=(departure := Departure()))
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app), base_url="http://test"
    ) as http:
        before = await http.get("/health")
        departure.announced.set()
        after = await http.get("/health")

    assert (before.status_code, after.status_code) == (200, 200)
    assert "connection" not in before.headers
    assert after.headers["connection"] == "close"


# -- plans


async def test_a_plan_is_had_by_whoever_may_see_its_run_while_it_is_kept(
    core, ada, nobody, pool, stack
):
    worker = await given_a_worker(core, pool)
    run = await given_a_run(core, stack)
    path, key = f"/plans/{run.id}", f"plans/{run.id}/1.json.gz"
    assert (await ada.http.get(path, headers=ada.headers)).status_code == 404

    await core.objects.put(Bucket.POLICY_INPUTS, key, gzip.compress(b'{"it": 1}'))
    await worker.plan(run, ONE_CHANGE)
    await core.change("update run set plan_json_key = :key", key=key)

    assert (await nobody.http.get(path)).status_code == 401
    there = await ada.http.get(path, headers=ada.headers)
    assert there.status_code == 303
    found = await ada.http.get(there.headers["location"])
    assert json.loads(gzip.decompress(found.content)) == {"it": 1}

    await core.objects.delete(Bucket.POLICY_INPUTS, key)
    gone: httpx2.Response = await ada.http.get(path, headers=ada.headers)
    assert (gone.status_code, gone.json()["code"]) == (404, "NOT_FOUND")


# -- what is measured


async def test_answers_are_measured_by_their_routes_pattern_and_never_by_what_strangers_ask(
    nobody,
):
    seen = []

    def measure(method, route, status, seconds):
        seen.append((method, route, status))
        assert seconds >= 0

    app = application(nobody.app.state.house, [], measure=measure)
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app), base_url="http://test"
    ) as http:
        await http.get("/plans/secret-name")
        await http.get("/no/such/place")
        await http.request("INVENTED", "/health")

    assert seen == [
        ("GET", "/plans/{run}", 401),
        ("GET", "none", 404),
        ("none", "/health", 405),
    ]
