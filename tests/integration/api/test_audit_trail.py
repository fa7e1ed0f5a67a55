"""The audit trail as it is written by what people do, and as root admins read it."""

from __future__ import annotations

import json

import pytest
from gantry.api.graphql import trail
from gantry.api.graphql.schema import schema
from gantry.domains.audit import chain
from gantry.kernel.tx import SYSTEM

from tests.integration.api.conftest import PASSWORD
from tests.support.given import given_a_pool, given_a_stack

SEARCH = """
query ($input: SearchInput!) {
  searchAuditTrailEntries(input: $input) {
    edges {
      node {
        action actor { username run { id } } body remoteIP
        affectedResource { resourceId resourceType }
        relatedResource { resourceId resourceType }
      }
    }
    pageInfo { hasNextPage endCursor }
  }
}
"""


async def entries(ada, *predicates, first: int = 20):
    found = await ada.ask(SEARCH, input={"first": first, "predicates": list(predicates)})
    return [edge["node"] for edge in found["searchAuditTrailEntries"]["edges"]]


def exactly(field: str, *values: str):
    return {"field": field, "constraint": {"stringMatches": list(values)}}


def test_every_mutation_says_what_it_leaves_in_the_trail_or_why_nothing():
    mutations = set(schema._schema.mutation_type.fields)

    assert mutations == {*trail.ROWS, *trail.UNWRITTEN}
    assert not {*trail.ROWS} & {*trail.UNWRITTEN}
    for name, row in trail.ROWS.items():
        arguments = set(schema._schema.mutation_type.fields[name].args)
        named = {row.given, row.related and row.related[1]} - {None}
        assert named <= arguments, name


async def test_what_is_done_leaves_an_entry_with_who_what_and_whence(core, ada):
    stack = await given_a_stack(core, await given_a_pool(core))

    await ada.ask('mutation ($id: ID!) { stackLock(id: $id, note: "mine") { id } }', id=stack.id)

    (entry,) = await entries(ada, exactly("action", "stack.lock"))
    assert entry["actor"] == {"username": "admin::ada", "run": None}
    assert entry["affectedResource"] == {"resourceId": stack.id, "resourceType": "STACK"}
    assert entry["remoteIP"]
    assert json.loads(entry["body"]) == {
        "mutation": "stackLock",
        "arguments": {"id": stack.id, "note": "mine"},
    }


async def test_what_is_made_is_named_by_its_id_and_with_what_it_belongs_to(core, ada):
    stack = await given_a_stack(core, await given_a_pool(core))

    made = await ada.ask(
        'mutation ($id: ID!) { taskCreate(stack: $id, command: "env") { id } }', id=stack.id
    )

    (entry,) = await entries(ada, exactly("action", "task.create"))
    assert entry["affectedResource"] == {
        "resourceId": made["taskCreate"]["id"],
        "resourceType": "TASK",
    }
    assert entry["relatedResource"] == {"resourceId": stack.id, "resourceType": "STACK"}


async def test_what_has_no_transaction_of_its_own_leaves_one_entry_too(ada):
    await ada.ask("mutation { stateUploadUrl { url } }")

    assert len(await entries(ada, exactly("action", "stack.state_upload"))) == 1


async def test_what_is_refused_leaves_no_entry(core, ada):
    stack = await given_a_stack(core, await given_a_pool(core))
    before = await core.rows("select id from audit_entry")

    await ada.refusal('mutation { stackLock(id: "nowhere") { id } }')
    await ada.refusal(
        "mutation ($id: ID!, $config: ConfigInput!) {"
        " stackConfigAdd(stack: $id, config: $config) { id } }",
        id=stack.id,
        config={
            "id": "NOT A NAME",
            "type": "ENVIRONMENT_VARIABLE",
            "value": "x",
            "writeOnly": False,
        },
    )

    assert await core.rows("select id from audit_entry") == before


async def test_no_secret_is_in_the_trail(core, ada, nobody):
    stack = await given_a_stack(core, await given_a_pool(core))
    await ada.ask(
        "mutation ($id: ID!, $config: ConfigInput!) {"
        " stackConfigAdd(stack: $id, config: $config) { id } }",
        id=stack.id,
        config={
            "id": "KEY",
            "type": "ENVIRONMENT_VARIABLE",
            "value": "hunter2 hunter2",
            "writeOnly": True,
        },
    )
    await nobody.http.post("/admin-login", json={"username": "ada", "password": "wrong guess"})

    kept = str(await core.rows("select * from audit_entry"))

    assert "hunter2" not in kept
    assert "wrong guess" not in kept
    assert PASSWORD not in kept
    (entry,) = await entries(ada, exactly("action", "stack.config_add"))
    value = json.loads(entry["body"])["arguments"]["config"]["value"]
    assert value.startswith("sha256:")


async def test_signing_in_leaves_an_entry_whether_it_succeeds_or_not(ada, nobody):
    await nobody.http.post("/admin-login", json={"username": "eve", "password": "guess"})

    (refused,) = await entries(ada, exactly("action", "login.refused"))
    assert refused["actor"]["username"] == "admin::eve"
    (succeeded,) = await entries(ada, exactly("action", "login"))
    assert succeeded["actor"]["username"] == "admin::ada"


async def test_only_root_admins_read_the_trail(ada, robot):
    _, somebody = await robot()

    assert (await somebody.refusal(SEARCH, input={}))[1] == "NOT_ALLOWED"


@pytest.mark.parametrize("first", [1, 3])
async def test_the_trail_is_read_in_pages_from_the_newest(core, ada, first):
    stack = await given_a_stack(core, await given_a_pool(core))
    for _ in range(3):
        await ada.ask("mutation ($id: ID!) { stackLock(id: $id) { id } }", id=stack.id)
        await ada.ask("mutation ($id: ID!) { stackUnlock(id: $id) { id } }", id=stack.id)

    seen, after = [], None
    while True:
        found = (
            await ada.ask(
                SEARCH,
                input={
                    "first": first,
                    "after": after,
                    "predicates": [exactly("affectedResourceId", stack.id)],
                },
            )
        )["searchAuditTrailEntries"]
        seen += [edge["node"]["action"] for edge in found["edges"]]
        after = found["pageInfo"]["endCursor"]
        if not found["pageInfo"]["hasNextPage"]:
            break

    assert seen == ["stack.unlock", "stack.lock"] * 3


async def test_the_trail_is_searched_by_time(core, ada):
    stack = await given_a_stack(core, await given_a_pool(core))
    await ada.ask("mutation ($id: ID!) { stackLock(id: $id) { id } }", id=stack.id)
    lock = exactly("action", "stack.lock")
    async with core.db.read(SYSTEM) as tx:
        now = int(tx.now.timestamp())

    assert len(await entries(ada, lock, exactly("createdAt", f"{now - 60}..{now + 60}"))) == 1
    assert len(await entries(ada, lock, exactly("createdAt", f"{now - 60}.."))) == 1
    assert await entries(ada, lock, exactly("createdAt", f"{now + 60}..")) == []
    assert await entries(ada, lock, exactly("createdAt", f"..{now - 60}")) == []


@pytest.mark.parametrize("span", ["yesterday", "1", "a..b", f"{10**20}.."])
async def test_a_time_that_is_none_is_refused_in_words(ada, span):
    predicates = [exactly("createdAt", span)]

    message, code = await ada.refusal(SEARCH, input={"predicates": predicates})

    assert code == "BAD_SEARCH"
    assert "Unix seconds" in message


async def test_what_the_trail_can_be_narrowed_by_is_for_root_admins_alone(core, ada, robot):
    stack = await given_a_stack(core, await given_a_pool(core))
    await ada.ask("mutation ($id: ID!) { stackLock(id: $id) { id } }", id=stack.id)
    document = """
    query ($input: SearchSuggestionsInput!) {
      searchAuditTrailEntriesSuggestions(input: $input) { fields { values { value count } } }
    }"""
    wanted = {"fields": ["action"], "predicates": [exactly("affectedResourceType", "STACK")]}
    _, somebody = await robot()

    found = await ada.ask(document, input=wanted)

    (field,) = found["searchAuditTrailEntriesSuggestions"]["fields"]
    assert field["values"] == [{"value": "stack.lock", "count": 1}]
    assert (await somebody.refusal(document, input=wanted))[1] == "NOT_ALLOWED"


async def test_how_far_the_chain_has_come_is_told_to_root_admins_alone(core, ada, robot):
    document = "{ auditTrailChain { sealed waiting checkpoint checkpointAt } }"
    _, somebody = await robot()
    before = (await ada.ask(document))["auditTrailChain"]
    assert before["sealed"] == 0
    assert before["waiting"] > 0

    sealed = await chain.seal(core.db)
    await chain.checkpoint(core.db, core.vault, core.objects)

    after = (await ada.ask(document))["auditTrailChain"]
    assert (after["sealed"], after["waiting"], after["checkpoint"]) == (sealed, 0, sealed)
    assert after["checkpointAt"] > 0
    assert (await somebody.refusal(document))[1] == "NOT_ALLOWED"
