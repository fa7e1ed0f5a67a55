"""API keys and sessions over the API: who may see and end them, and what ends with them."""

from __future__ import annotations

import time

import pytest
from gantry.domains.people import levels
from gantry.domains.roles.rules import READER
from gantry.kernel.ids import new_id

from tests.integration.api.conftest import PASSWORD, Caller
from tests.integration.api.test_spaces_and_roles import give

CREATE = """
mutation ($input: ApiKeyInput!) {
  apiKeyCreate(input: $input) {
    id name description type admin secret creator createdAt expiresAt lastUsedAt deleted teams
    isMachineUser teamCount spaceCount oidcSettings { issuer } openSessions
    accessRules { space spaceAccessLevel }
  }
}
"""
EXCHANGE = "mutation ($id: ID!, $secret: String!) { apiKeyUser(id: $id, secret: $secret) { jwt } }"
DELETE = "mutation ($id: ID!) { apiKeyDelete(id: $id) { id deleted } }"
SESSIONS = """
query ($everybody: Boolean!) {
  sessions(everybody: $everybody) { id current machine creatorIP user { login type } validUntil }
}
"""
END = "mutation ($id: ID!) { sessionDelete(id: $id) { id } }"
END_ALL = "mutation ($everybody: Boolean!) { sessionDeleteAll(everybody: $everybody) { id } }"


async def made(ada, **settings):
    given = {"name": "ci", "admin": False, "teams": [], **settings}
    return (await ada.ask(CREATE, input=given))["apiKeyCreate"]


async def as_key(ada, key):
    nobody = Caller(ada.http, ada.app)
    found = (await nobody.ask(EXCHANGE, id=key["id"], secret=key["secret"]))["apiKeyUser"]
    return None if found is None else Caller(ada.http, ada.app, found["jwt"])


async def another_ada(ada):
    credentials = {"username": "ada", "password": PASSWORD}
    response = await ada.http.post("/admin-login", json=credentials)
    return Caller(ada.http, ada.app, response.json()["jwt"])


async def test_a_key_is_made_with_a_secret_that_is_shown_this_once(ada):
    key = await made(ada, description="for builds")

    assert len(key.pop("secret")) == 64
    assert key.pop("createdAt") <= time.time()
    assert key == {
        "id": key["id"],
        "name": "ci",
        "description": "for builds",
        "type": "SECRET",
        "admin": False,
        "creator": "admin::ada",
        "expiresAt": None,
        "lastUsedAt": None,
        "deleted": False,
        "teams": [],
        "isMachineUser": True,
        "teamCount": 0,
        "spaceCount": 0,
        "oidcSettings": None,
        "openSessions": 0,
        "accessRules": [],
    }
    listed = await ada.ask("{ apiKeys { id secret } }")
    assert listed == {"apiKeys": [{"id": key["id"], "secret": None}]}
    one = await ada.ask("query ($id: ID!) { apiKey(id: $id) { name secret } }", id=key["id"])
    assert one == {"apiKey": {"name": "ci", "secret": None}}


async def test_a_deleted_key_opens_nothing_and_its_sessions_end(ada):
    key = await made(ada, admin=True)
    robot = await as_key(ada, key)
    seen = await ada.ask("{ apiKeys { openSessions lastUsedAt } }")
    assert seen["apiKeys"][0]["openSessions"] == 1
    assert seen["apiKeys"][0]["lastUsedAt"] is not None

    assert (await ada.ask(DELETE, id=key["id"]))["apiKeyDelete"]["deleted"]

    assert await as_key(ada, key) is None
    assert (await robot.refusal("{ stacks { id } }"))[1] == "UNAUTHENTICATED"
    assert await ada.ask("{ apiKeys { id } }") == {"apiKeys": []}
    assert (await ada.ask("query ($id: ID!) { apiKey(id: $id) { id } }", id=key["id"])) == {
        "apiKey": None
    }
    assert (await ada.refusal(DELETE, id=key["id"]))[0] == "could not find api key"


async def test_a_key_expires_and_so_do_its_sessions(ada, core):
    soon = int(time.time()) + 600
    key = await made(ada, expiresAt=soon)
    assert key["expiresAt"] == soon
    assert await as_key(ada, key) is not None
    ((until,),) = await core.rows(
        "select extract(epoch from expires_at)::bigint from session where api_key_id = :id",
        id=key["id"],
    )
    assert until == soon

    await core.change("update api_key set expires_at = now() - interval '1 second'")

    assert await as_key(ada, key) is None


async def test_a_key_that_cannot_be_is_refused_and_none_is_made(ada):
    given = {"name": "ci", "admin": False, "teams": []}
    for wrong in (
        {**given, "name": "  "},
        {**given, "name": "x" * 256},
        {**given, "description": "x" * 5000},
        {**given, "expiresAt": 1},
        {**given, "teams": [""]},
        {**given, "teams": ["x" * 256]},
        {**given, "teams": [f"team {number}" for number in range(101)]},
    ):
        assert (await ada.refusal(CREATE, input=wrong))[1] == "BAD_API_KEY"
    assert await ada.ask("{ apiKeys { id } }") == {"apiKeys": []}


async def test_a_key_is_called_something_else(ada):
    key = await made(ada, description="old")
    document = """
    mutation ($id: ID!, $input: ApiKeyUpdateInput!) {
      apiKeyUpdate(id: $id, input: $input) { name description }
    }
    """

    renamed = await ada.ask(document, id=key["id"], input={"name": "builds"})

    assert renamed["apiKeyUpdate"] == {"name": "builds", "description": "old"}
    emptied = await ada.ask(document, id=key["id"], input={"description": ""})
    assert emptied["apiKeyUpdate"] == {"name": "builds", "description": ""}


async def test_who_is_no_admin_sees_and_touches_no_key_and_no_others_session(ada, core):
    key = await made(ada)
    robot = await as_key(ada, key)
    mine = (await ada.ask(SESSIONS, everybody=False))["sessions"][0]["id"]
    before = await core.rows(
        "select s.id, ended_at, k.id, deleted_at from session s, api_key k order by 1, 3"
    )

    for document, variables in (
        ("{ apiKeys { id } }", {}),
        (CREATE, {"input": {"name": "more", "admin": True, "teams": []}}),
        (DELETE, {"id": key["id"]}),
        (SESSIONS, {"everybody": True}),
        (END_ALL, {"everybody": True}),
        ("{ processes { id } }", {}),
        ("{ installationChecks { what } }", {}),
    ):
        assert (await robot.refusal(document, **variables))[1] == "NOT_ALLOWED"
    assert await robot.refusal(END, id=mine) == ("session not found", "NOT_FOUND")

    own = (await robot.ask(SESSIONS, everybody=False))["sessions"]
    assert [(one["current"], one["machine"], one["user"]["login"]) for one in own] == [
        (True, True, f"api::{key['id']}")
    ]
    after = await core.rows(
        "select s.id, ended_at, k.id, deleted_at from session s, api_key k order by 1, 3"
    )
    assert after == before


async def test_an_admin_sees_everybodys_sessions_and_ends_one(ada):
    robot = await as_key(ada, await made(ada, admin=True))
    other = await another_ada(ada)
    own = (await ada.ask(SESSIONS, everybody=False))["sessions"]
    assert [(one["current"], one["machine"]) for one in own] == [(False, False), (True, False)]
    everybodys = (await ada.ask(SESSIONS, everybody=True))["sessions"]
    assert [one["machine"] for one in everybodys] == [False, True, False]
    assert everybodys[0]["user"] == {"login": "admin::ada", "type": "user"}
    assert everybodys[0]["validUntil"] > time.time()

    await ada.ask(END, id=own[0]["id"])

    assert (await other.refusal("{ stacks { id } }"))[1] == "UNAUTHENTICATED"
    assert await robot.ask("{ stacks { id } }") == {"stacks": []}
    assert await ada.refusal(END, id=own[0]["id"]) == ("session not found", "NOT_FOUND")
    assert await ada.refusal(END, id=new_id()) == ("session not found", "NOT_FOUND")


@pytest.mark.parametrize("everybody", [False, True])
async def test_all_sessions_but_this_one_end(ada, everybody):
    robot = await as_key(ada, await made(ada))
    other = await another_ada(ada)

    ended = (await ada.ask(END_ALL, everybody=everybody))["sessionDeleteAll"]

    assert len(ended) == (2 if everybody else 1)
    assert (await other.refusal("{ stacks { id } }"))[1] == "UNAUTHENTICATED"
    assert ("errors" in await robot.answer("{ stacks { id } }")) == everybody
    assert await ada.ask("{ viewer { login } }") == {"viewer": {"login": "admin::ada"}}


async def test_rights_are_told_by_space(ada):
    document = "{ rights { space { id accessLevel } actions } }"
    key = await made(ada)
    robot = await as_key(ada, key)
    assert (await robot.ask(document))["rights"] == []
    await give(ada, key["id"], READER.id, "root")

    (all_of_it,) = (await ada.ask(document))["rights"]
    assert all_of_it["space"] == {"id": "root", "accessLevel": "ADMIN"}
    assert {"WORKER_POOL_CREATE", "SPACE_ADMIN"} <= set(all_of_it["actions"])
    (read,) = (await robot.ask(document))["rights"]
    assert read["space"] == {"id": "root", "accessLevel": "READ"}
    assert set(read["actions"]) == levels.READ
