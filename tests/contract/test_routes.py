"""Every door says who may knock, and means it before anything behind it is touched."""

from __future__ import annotations

import re
from typing import Any, cast

import httpx2
import pytest
from gantry.api.app import all_routes, application
from gantry.api.doors import Access, House
from gantry.api.graphql.door import routes as graphql_routes
from starlette.routing import BaseRoute

# Refusing a stranger needs no database, key or setting: a door that asks for one fails here.
EMPTY_HOUSE = cast("House", object())


def every_route() -> list[BaseRoute]:
    return list(application(EMPTY_HOUSE, graphql_routes(EMPTY_HOUSE)).routes)


def named(route: Any) -> str:
    return f"{'|'.join(sorted(route.methods))} {route.path}"


def guarded_by(*wanted: Access) -> list[BaseRoute]:
    routes = [*graphql_routes(EMPTY_HOUSE), *all_routes([])]
    return [route for route in routes if route.access in wanted]


def test_every_route_declares_who_may_knock():
    unguarded = [r for r in every_route() if not isinstance(getattr(r, "access", None), Access)]

    assert unguarded == []


def test_no_two_routes_answer_the_same_request():
    seen = [(method, route.path) for route in every_route() for method in route.methods]

    assert len(seen) == len(set(seen))


@pytest.mark.parametrize("route", guarded_by(Access.SESSION, Access.WORKER), ids=named)
async def test_a_stranger_gets_no_further_than_the_door(route: Any):
    app = application(EMPTY_HOUSE, graphql_routes(EMPTY_HOUSE))
    path = re.sub(r"\{[^}]+\}", "some", route.path)

    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app), base_url="https://gantry.test"
    ) as stranger:
        answers = {m: await stranger.request(m, path) for m in route.methods}

    assert {m: answer.status_code for m, answer in answers.items()} == dict.fromkeys(answers, 401)
