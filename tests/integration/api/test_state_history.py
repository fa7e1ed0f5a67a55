"""A stack's states in the API: listed, compared and downloaded; none of their secrets shown."""

from __future__ import annotations

import json

from gantry.domains.tfstate.service import Writer

from tests.integration.api.test_queries_per_request import counting
from tests.support.given import given_a_pool, given_a_run, given_a_stack, write_state

SECRET = "S3cr3t-in-a-state"

HISTORY = """
query ($stack: ID!, $input: SearchInput!) {
  stackStateHistory(stackId: $stack, input: $input) {
    total lockedByYou compareRefusal downloadRefusal changeRefusal
    current { id serial }
    lock { who operation lockedAt run { id } }
    unsaved { runId serial lineage size keptAt run { id } }
    edges { cursor node {
      id serial lineage lastModified size imported rollback rollbackUsername rolledBackToSerial
      terraformVersion resourceCount createdBy run { id title type triggeredBy }
    } }
    pageInfo { endCursor hasNextPage }
  }
}
"""
COMPARE = """
query ($stack: ID!, $before: ID, $after: ID!, $input: StateComparisonInput) {
  stackStateComparison(stackId: $stack, before: $before, after: $after, input: $input) {
    added removed changed same found
    edges { node {
      address type mode module kind leftOut
      attributes { path kind before after sensitive }
    } }
    pageInfo { endCursor hasNextPage }
  }
}
"""
CHECK = """
query ($stack: ID!, $state: String!) {
  stackStateImportCheck(stackId: $stack, state: $state) {
    serial lineage resourceCount size refusal refusalCode comparison { added removed changed }
  }
}
"""
ROLL_BACK = """
mutation ($stack: ID!, $version: String!) {
  stackManagedStateRollback(stackId: $stack, managedStateVersionId: $version) {
    id serial rollback rollbackUsername rolledBackToSerial
  }
}
"""
IMPORT = """
mutation ($stack: ID!, $state: String!) {
  stackManagedStateImport(stackId: $stack, state: $state, onlyNext: true)
}
"""
URL = "mutation ($input: StateDownloadUrlInput!) { stateDownloadUrl(input: $input) { url } }"
LOCK = "mutation ($stack: ID!) { stackLock(id: $stack) { id } }"


def a_state(serial: int, value: str, lineage: str = "l") -> str:
    attributes = {"id": value, "password": f"{SECRET}-{value}"}
    marked = [[{"type": "get_attr", "value": "password"}]]
    instance = {"attributes": attributes, "sensitive_attributes": marked}
    resource = {"mode": "managed", "type": "t", "name": "n", "instances": [instance]}
    document = {"version": 4, "serial": serial, "lineage": lineage, "resources": [resource]}
    return json.dumps(document)


async def history(caller, stack, **asked):
    answer = await caller.ask(HISTORY, stack=stack.id, input=asked)
    return answer["stackStateHistory"]


async def test_a_history_costs_the_same_however_long_it_is(core, ada):
    pool = await given_a_pool(core)
    stack = await given_a_stack(core, pool)
    run = await given_a_run(core, stack)

    async def write(*serials: int) -> int:
        for serial in serials:
            writer = Writer("", run.id)
            await write_state(core, stack, a_state(serial, "a").encode(), writer=writer)
        with counting(core) as statements:
            await history(ada, stack, first=100)
        return len(statements)

    for_one = await write(1)
    for_many = await write(*range(2, 30))

    assert for_many == for_one
    assert for_one < 15
    found = await history(ada, stack, first=100)
    assert found["total"] == len(found["edges"]) == 29
    assert {edge["node"]["run"]["id"] for edge in found["edges"]} == {run.id}


async def test_from_two_states_to_a_rollback_and_no_secret_on_the_way(core, ada):
    stack = await given_a_stack(core, await given_a_pool(core))
    await write_state(core, stack, a_state(1, "one").encode())
    await write_state(core, stack, a_state(2, "two").encode())
    new, old = [edge["node"]["id"] for edge in (await history(ada, stack))["edges"]]

    compared = await ada.ask(COMPARE, stack=stack.id, before=old, after=new)
    (edge,) = compared["stackStateComparison"]["edges"]
    assert edge["node"]["kind"] == "CHANGED"
    assert [(a["path"], a["sensitive"]) for a in edge["node"]["attributes"]] == [
        ("id", False),
        ("password", True),
    ]
    assert SECRET not in json.dumps(compared)

    refused = await ada.refusal(ROLL_BACK, stack=stack.id, version=old)
    assert refused[1] == "CONFLICT"
    assert (await history(ada, stack))["total"] == 2
    await ada.ask(LOCK, stack=stack.id)
    back = (await ada.ask(ROLL_BACK, stack=stack.id, version=old))["stackManagedStateRollback"]
    assert (back["serial"], back["rolledBackToSerial"], back["rollback"]) == (3, 1, True)

    found = await history(ada, stack)
    assert found["lockedByYou"]
    assert found["current"]["id"] == back["id"]
    again = await ada.ask(COMPARE, stack=stack.id, before=old, after=back["id"])
    assert again["stackStateComparison"]["found"] == 0


async def test_a_file_is_checked_refused_and_taken(core, ada):
    stack = await given_a_stack(core, await given_a_pool(core))
    await write_state(core, stack, a_state(5, "five").encode())
    await ada.ask(LOCK, stack=stack.id)

    async def checked(state: str):
        return (await ada.ask(CHECK, stack=stack.id, state=state))["stackStateImportCheck"]

    foreign, fitting = a_state(9, "x", "foreign"), a_state(6, "six")
    found = await checked(foreign)
    assert found["refusalCode"] == "STATE_CONFLICT"
    message, code = await ada.refusal(IMPORT, stack=stack.id, state=foreign)
    assert (message, code) == (found["refusal"], "STATE_CONFLICT")
    assert (await ada.refusal(CHECK, stack=stack.id, state="no state"))[1] == "BAD_STATE"
    assert (await history(ada, stack))["total"] == 1

    found = await checked(fitting)
    assert found["refusal"] is None
    assert found["comparison"] == {"added": 0, "removed": 0, "changed": 1}
    await ada.ask(IMPORT, stack=stack.id, state=fitting)
    assert (await history(ada, stack))["edges"][0]["node"]["imported"]


async def test_an_earlier_state_is_downloaded_by_its_id(core, ada):
    pool = await given_a_pool(core)
    settings = {"vendor_config": {"external_state_access": True}}
    stack, other = [
        await given_a_stack(core, pool, name, **settings) for name in ("Network", "Database")
    ]
    await write_state(core, stack, a_state(1, "one").encode())
    await write_state(core, stack, a_state(2, "two").encode())
    _, old = [edge["node"]["id"] for edge in (await history(ada, stack))["edges"]]

    asked = {"stackId": stack.id, "managedStateVersionId": old}
    url = (await ada.ask(URL, input=asked))["stateDownloadUrl"]["url"]
    assert (await ada.http.get(url)).text == a_state(1, "one")
    url = (await ada.ask(URL, input={"stackId": stack.id}))["stateDownloadUrl"]["url"]
    assert (await ada.http.get(url)).text == a_state(2, "two")

    theirs = {"stackId": other.id, "managedStateVersionId": old}
    assert (await ada.refusal(URL, input=theirs))[1] == "NOT_FOUND"
