"""Every route beside the API's, by everybody who may call: as `rest.md` says, and no other way."""

from __future__ import annotations

import json
import os

import httpx2
import pytest
from gantry.api.app import all_routes
from gantry.api.graphql.door import routes as graphql_routes
from gantry.api.pages import application as pages

from tests.integration.authz.rest import CALLS, Asked
from tests.integration.authz.table import Row, Table
from tests.integration.authz.world import CALLERS, World, changed_between

COLUMNS = [*(c for c in CALLERS if c not in ("only", "without")), "rival"]
"""Routes have no single actions; a rival is a worker of the other team."""
TABLE = Table("rest.md", COLUMNS)
ROWS = TABLE.rows()
SAME_FOR_ALL = {pages.page.__name__, pages.asset.__name__, pages.icon.__name__}
"""Files of the web application, which know nobody."""


def served() -> dict[str, str]:
    """Who may knock, by method and path."""
    routes = [*graphql_routes(None), *all_routes([])]
    return {
        f"{method} {route.path}": route.access.value
        for route in routes
        for method in route.methods - {"HEAD"}
        if route.endpoint.__name__ not in SAME_FOR_ALL
    }


SERVED = served()


async def knock(
    http: httpx2.AsyncClient, world: World, caller: str, name: str
) -> tuple[str, list[str]]:
    """How the caller fares, and the tables that changed; then all is put back."""
    asked: Asked = await CALLS[name](world, caller)
    before = await world.fingerprint()
    response = await http.request(
        name.split()[0],
        asked.path,
        content=asked.body,
        headers={**await world.headers(caller), **asked.headers},
    )
    after = await world.fingerprint()
    if name == "POST /logout":
        await world.put_all_back()
    else:
        await world.put_back(after)
    http.cookies.clear()
    return _word(response), changed_between(before, after)


def _word(response: httpx2.Response) -> str:
    if response.status_code in (401, 403, 404, 409):
        return "no"
    if response.status_code >= 400:
        return f"{response.status_code} {response.text}"
    if "problem=" in response.headers.get("location", ""):
        return "no"  # the page of signing in says why
    if response.headers.get("content-type") == "application/json":
        # Workers are told that something is not theirs in so many words, and with 200.
        told = json.loads(response.text)
        return "no" if told.get("accepted") is False else "yes"
    return "no" if "event: gone" in response.text else "yes"


def test_every_row_is_of_a_route_that_is_there_and_every_route_is_called():
    assert {*ROWS} - {*SERVED} == set(), "take the rows of what is gone out of rest.md"
    assert {*SERVED} - {*CALLS} == set(), "say in tests/integration/authz/rest.py how it is called"
    assert {*CALLS} - {*SERVED} == set(), "take what is gone out of rest.py"


@pytest.mark.parametrize("name", SERVED)
async def test_a_route_is_for_those_of_whom_the_table_says_so(nobody, world, name):
    departs = nobody.app.state.house.departure.begun
    departs.set()  # streams end when they have said what there is
    found = {caller: await knock(nobody.http, world, caller, name) for caller in COLUMNS}
    departs.clear()

    row = Row(name, SERVED[name], {caller: word for caller, (word, _) in found.items()})
    lacks = name not in ROWS or not ROWS[name].measured
    if lacks and os.environ.get("GANTRY_ADD_ROWS"):
        TABLE.add("Routes", [row])
    elif lacks:
        pytest.fail(
            f"{name} has no row in tests/integration/authz/rest.md. Run `make matrix`, which adds"
            f" it as it is measured, and look whether that is meant:\n{TABLE.line(row)}"
        )
    else:
        assert row == ROWS[name], f"measured otherwise than the table says:\n{TABLE.line(row)}"
    assert {c: changed for c, (word, changed) in found.items() if word != "yes" and changed} == {}
