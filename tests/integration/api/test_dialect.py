"""GraphQL as existing clients write it, and where it stops."""

from __future__ import annotations

import pytest
from gantry.api.graphql.limits import (
    MAX_ALIASES,
    MAX_DEPTH,
    MAX_TEXT,
    MAX_TOKENS,
    MAX_TOKENS_OF_STRANGERS,
)

CREATE = """
mutation ($input: StackInput!) {
  stackCreate(input: $input, manageState: true) {
    id labels description autodeploy localPreviewEnabled beforePlan branch
  }
}
"""
UNKNOWN = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


def stack(**settings):
    given = {"name": "a stack", "administrative": False, "branch": "main", "repository": "code"}
    return {**given, **settings}


# -- what clients send beyond the specification


@pytest.mark.parametrize(
    "document",
    [
        "{ stacks(){ id } }",
        "query GetStacks () { stacks { id } }",
        "query GetStacks ( \n ) { stacks( ) { id name } }",
        "{ workerPools(){id,name} stacks(){id} }",
    ],
)
async def test_empty_parentheses_are_taken_as_if_they_were_not_there(ada, document):
    assert (await ada.ask(document))["stacks"] == []


async def test_empty_parentheses_in_texts_and_comments_are_left_alone(ada):
    document = """
    # a comment() with parentheses
    mutation { stackCreate(
      input: {name: "f()", administrative: false, branch: "main", repository: "x",
              description: \"\"\"of g( ) and "h()" \"\"\"}
      manageState: true
    ) { name description } }"""

    made = (await ada.ask(document))["stackCreate"]

    assert made == {"name": "f()", "description": 'of g( ) and "h()" '}


async def test_keys_that_an_input_does_not_have_are_ignored_in_variables_alone(ada):
    wanted = stack(
        colour="blue", vendorConfig={"terraform": {"version": "1.5.7", "flavour": "mild"}}
    )

    made = (await ada.ask(CREATE, input=wanted, unused={"x": 1}))["stackCreate"]
    literal = CREATE.replace("$input: StackInput!", "$x: ID").replace(
        "$input", '{name: "b", administrative: false, branch: "b", repository: "r", colour: "blue"}'
    )
    message, code = await ada.refusal(literal)

    assert made["id"] == "a-stack"
    assert code == "BAD_DOCUMENT"
    assert "colour" in message
    assert len((await ada.ask("{ stacks { id } }"))["stacks"]) == 1


async def test_a_single_value_is_taken_for_a_list_of_one(ada):
    made = await ada.ask(CREATE, input=stack(labels="only", beforePlan="echo hello"))

    assert made["stackCreate"]["labels"] == ["only"]
    assert made["stackCreate"]["beforePlan"] == ["echo hello"]


async def test_null_means_the_same_as_absent(ada):
    nothing = dict.fromkeys(
        ["labels", "description", "autodeploy", "localPreviewEnabled", "beforePlan", "space"]
    )

    absent = (await ada.ask(CREATE, input=stack()))["stackCreate"]
    null = (await ada.ask(CREATE, input=stack(name="another", **nothing)))["stackCreate"]

    assert {**null, "id": absent["id"]} == absent
    assert null["labels"] == []
    assert null["autodeploy"] is False


async def test_one_order_and_a_list_of_orders_are_both_taken(ada):
    for name in ("b", "a"):
        await ada.ask(CREATE, input=stack(name=name))
    document = """
    query ($input: SearchInput!) { searchStacks(input: $input) { edges { node { id } } } }"""
    order = {"field": "name", "direction": "ASC"}

    found = [
        await ada.ask(document, input={"first": None, "orderBy": given})
        for given in (order, [order])
    ]

    assert found[0] == found[1]
    assert [edge["node"]["id"] for edge in found[0]["searchStacks"]["edges"]] == ["a", "b"]


async def test_variables_may_be_declared_without_anything_between_them(ada):
    document = "query($a:ID!$b:ID!){one:stack(id:$a){id}two:stack(id:$b){id}}"

    assert await ada.ask(document, a="x", b="y") == {"one": None, "two": None}


async def test_an_empty_id_means_that_none_was_given(ada):
    await ada.ask(CREATE, input=stack())
    document = """
    { stack(id: "a-stack") { dependency(id: "", dependsOnStackId: "x") { id } } }"""

    assert (await ada.ask(document))["stack"] == {"dependency": None}


# -- how answers look


async def test_an_error_comes_with_http_200_and_the_data_that_could_be_had(ada):
    await ada.ask(CREATE, input=stack())

    response = await ada.send(
        {"query": 'mutation { stackLock(id: "a-stack") { id } runKill: stackLock(id: "b") { id } }'}
    )

    assert response.status_code == 200
    answer = response.json()
    assert answer["errors"][0]["message"] == "stack not found"
    assert set(answer) == {"data", "errors"}


async def test_a_thing_that_is_not_there_is_null_and_spoils_nothing_else(ada):
    await ada.ask(CREATE, input=stack())

    answer = await ada.answer(
        '{ stack(id: "a-stack") { id } missing: stack(id: "x") { id } workerPool(id: "x") { id } }'
    )

    assert answer == {
        "data": {"stack": {"id": "a-stack"}, "missing": None, "workerPool": None}
    }


async def test_a_root_field_that_does_not_exist_is_an_error_of_the_document(ada):
    answer = await ada.answer('{ stack(id: "x") { id } module(id: "x") { id } }')

    assert answer["data"] is None
    assert "Cannot query field 'module'" in answer["errors"][0]["message"]


async def test_the_stack_of_an_unknown_run_is_exactly_not_found(ada):
    message, code = await ada.refusal(f'{{ runStack(runId: "{UNKNOWN}") {{ id }} }}')

    assert message == "not found"
    assert code == "NOT_FOUND"


async def test_only_what_was_selected_is_in_the_answer(ada):
    await ada.ask(CREATE, input=stack())

    answer = await ada.answer('{ stack(id: "a-stack") { name } }')

    assert answer == {"data": {"stack": {"name": "a stack"}}}


async def test_introspection_gives_the_actions_with_their_values(nobody):
    document = """
    { __schema { types {
        name kind description enumValues(includeDeprecated: true) { name description }
    } } }"""

    types = {kind["name"]: kind for kind in (await nobody.ask(document))["__schema"]["types"]}

    assert types["Action"]["kind"] == "ENUM"
    values = [value["name"] for value in types["Action"]["enumValues"]]
    assert "SPACE_READ" in values
    assert "RUN_TRIGGER" in values
    assert {"RunState", "RunType", "StackState"} <= set(types)


async def test_one_of_several_operations_is_named(ada):
    document = 'query A { stack(id: "a") { id } } query B { stacks { id } }'

    unnamed = await ada.send({"query": document})
    named = await ada.send({"query": document, "operationName": "B"})

    assert "name the one you mean" in unnamed.json()["errors"][0]["message"]
    assert named.json() == {"data": {"stacks": []}}


# -- what is too much, and what is no operation at all


async def test_a_document_that_is_nested_too_deeply_is_refused(ada):
    def nested(depth: int) -> str:
        inner = "id"
        for _ in range(depth):
            inner = f"blocker {{ id }} trackedCommit {{ hash }} entities {{ creator {{ {'id'} }} }}"
        return inner

    fields = "id"
    for _ in range(MAX_DEPTH // 2 + 1):
        fields = f"edges {{ node {{ stack {{ workerPool {{ searchSchedulableRuns(input: {{}}) {{ edges {{ node {{ run {{ id }} }} }} }} }} }} run {{ id }} }} }}"
    deep = "{ searchRuns(input: {}) { edges { node { stack { spaceDetails { id } } } } } }"
    assert await ada.ask(deep)
