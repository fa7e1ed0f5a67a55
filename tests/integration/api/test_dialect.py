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
    literal = """
    mutation { stackCreate(
      input: {name: "b", administrative: false, branch: "b", repository: "r", colour: "blue"}
      manageState: true
    ) { id } }"""
    refused = (await ada.answer(literal))["errors"]

    assert made["id"] == "a-stack"
    assert any("colour" in error["message"] for error in refused)
    assert {error["extensions"]["code"] for error in refused} == {"BAD_DOCUMENT"}
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

    assert answer == {"data": {"stack": {"id": "a-stack"}, "missing": None, "workerPool": None}}


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


@pytest.mark.parametrize(
    "document",
    [
        "{ stacks { blocker " + "{ commit " * MAX_DEPTH + "{ hash }" + "}" * MAX_DEPTH + " } }",
        "{ __schema { types { fields { type "
        + "{ ofType " * 40
        + "{ name }"
        + "}" * 40
        + " } } } }",
        "{ stacks { ...f } } fragment f on Stack { blocker "
        + "{ commit " * MAX_DEPTH
        + "{ hash }"
        + "}" * MAX_DEPTH
        + " }",
    ],
)
async def test_a_document_that_is_nested_too_deeply_is_refused(ada, document):
    message, code = await ada.refusal(document)

    assert f"nested too deeply: the maximum depth is {MAX_DEPTH}" in message
    assert code == "BAD_DOCUMENT"


async def test_the_longest_introspection_of_tools_is_not_too_deep(nobody):
    kind = "kind name"
    for _ in range(9):
        kind = f"kind name ofType {{ {kind} }}"
    document = f"{{ __schema {{ types {{ fields {{ args {{ type {{ {kind} }} }} }} }} }} }}"

    assert (await nobody.ask(document))["__schema"]["types"]


async def test_many_aliases_are_too_many(ada):
    def asking(times: int) -> str:
        return "{" + " ".join(f'a{n}: stack(id: "x") {{ id }}' for n in range(times)) + "}"

    assert len(await ada.ask(asking(MAX_ALIASES))) == MAX_ALIASES
    message, code = await ada.refusal(asking(MAX_ALIASES + 1))

    assert "too many aliases" in message
    assert code == "BAD_DOCUMENT"


async def test_aliases_cannot_hide_in_fragments(ada):
    fields = " ".join(f"a{n}: name" for n in range(MAX_ALIASES // 2 + 1))
    document = (
        f"{{ one: stacks {{ ...f }} two: stacks {{ ...f }} }} fragment f on Stack {{ {fields} }}"
    )

    message, _ = await ada.refusal(document)

    assert "too many aliases" in message


async def test_a_document_of_too_many_words_is_refused_and_earlier_for_strangers(ada, nobody):
    def of(tokens: int) -> str:
        return "{ debugInfo {" + " selfHostedVersion" * tokens + "} }"

    for caller, limit in ((nobody, MAX_TOKENS_OF_STRANGERS), (ada, MAX_TOKENS)):
        message, code = await caller.refusal(of(limit + 1))
        assert "tokens" in message
        assert code == "BAD_DOCUMENT"
    long = " " * 100 + "# comment\n" * (MAX_TEXT // 10) + "{ stacks { id } }"
    assert (await ada.refusal(long))[1] in ("BAD_DOCUMENT", "TOO_LARGE")


async def test_braces_without_end_are_an_answer_and_not_a_failure(ada):
    for document in ("{a" * 1400, "{a(b:" + "[" * 2500, "query($a:" + "[" * 2500, '"' * 999, "{"):
        _, code = await ada.refusal(document)
        assert code == "BAD_DOCUMENT", document[:20]


@pytest.mark.parametrize(
    "body",
    [
        [],
        [{"query": "{ stacks { id } }"}],
        {},
        {"query": None},
        {"query": ["{ stacks { id } }"]},
        {"query": "{ stacks { id } }", "variables": [1]},
        {"query": "{ stacks { id } }", "operationName": 5},
        "{ stacks { id } }",
        None,
    ],
)
async def test_what_is_no_operation_is_told_so_in_an_ordinary_answer(ada, body):
    response = await ada.send(body)

    assert response.status_code == 200
    answer = response.json()
    assert answer["data"] is None
    assert answer["errors"][0]["extensions"]["code"] not in ("INTERNAL", None)


async def test_only_json_is_taken(ada):
    for content, kind in (
        (b"{ stacks { id } }", "application/graphql"),
        (b'{"query": "{ stacks { id } }"}', "text/plain"),
        (b"query=%7B%20stacks%20%7B%20id%20%7D%20%7D", "application/x-www-form-urlencoded"),
        (b"not json", "application/json"),
        (b"\xff\xfe", "application/json"),
        (b"[" * 100_000, "application/json"),
    ):
        response = await ada.http.post(
            "/graphql", content=content, headers={**ada.headers, "content-type": kind}
        )
        assert response.status_code == 200
        assert response.json()["data"] is None
        assert response.json()["errors"][0]["extensions"]["code"] != "INTERNAL"


async def test_there_are_no_subscriptions(ada):
    answer = await ada.answer("subscription { stacks { id } }")

    assert answer["data"] is None
    assert "follow /events instead" in answer["errors"][0]["message"]


@pytest.mark.parametrize("text", ["nul \0", "lone \ud800 surrogate"])
@pytest.mark.parametrize(
    ("document", "variables"),
    [
        (CREATE, lambda text: {"input": stack(name=text)}),
        (CREATE, lambda text: {"input": stack(description=text)}),
        (CREATE, lambda text: {"input": stack(labels=["fine", text])}),
        ("query ($a: ID!) { stack(id: $a) { id } }", lambda text: {"a": text}),
        (
            "query ($i: SearchInput!) { searchStacks(input: $i) { edges { cursor } } }",
            lambda text: {"i": {"fullTextSearch": text}},
        ),
    ],
)
async def test_text_that_no_database_keeps_is_refused(ada, text, document, variables):
    message, code = await ada.refusal(document, **variables(text))

    assert "which no database keeps" in message
    assert code == "BAD_REQUEST"
    assert (await ada.ask("{ stacks { id } }"))["stacks"] == []


async def test_text_that_no_database_keeps_is_refused_in_the_document_as_well(ada):
    for escape in (r"\u0000", r"\u{0}"):
        message, code = await ada.refusal(f'{{ stack(id: "x{escape}") {{ id }} }}')
        assert "which no database keeps" in message
        assert code == "BAD_DOCUMENT"
    assert await ada.ask(r'{ stack(id: "x\\u0000 \u00e9") { id } }') == {"stack": None}
