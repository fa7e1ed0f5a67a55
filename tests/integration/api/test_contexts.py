"""Contexts: what they hold, which stacks have them, and what a run is given because of it."""

from __future__ import annotations

import asyncio
import base64
import hashlib

import pytest
from gantry.domains.roles.rules import ADMIN, READER, WRITER

from tests.integration.api.test_spaces_and_roles import give, space
from tests.support.given import (
    given_a_pool,
    given_a_run,
    given_a_stack,
    given_a_worker,
    manifest_of,
    run_now,
)

CREATE = """
mutation ($input: ContextInput!) {
  contextCreateV2(input: $input) { id name labels space attachedStacks { stackId priority } }
}
"""
UPDATE = """
mutation ($id: ID!, $input: ContextInput!, $replace: Boolean) {
  contextUpdateV2(id: $id, input: $input, replaceConfigElements: $replace) {
    id name config { id } attachedStacks { stackId priority }
  }
}
"""
ATTACH = """
mutation ($id: ID!, $stack: ID!, $priority: Int!) {
  contextAttach(id: $id, stack: $stack, priority: $priority) {
    id contextId stackId priority isAutoattached
  }
}
"""
ENVIRONMENT = """
query ($id: ID!) {
  stack(id: $id) {
    runtimeConfig(byLabel: true) {
      context { contextName } overrides { contextName } element { id value runtime }
    }
    attachedContexts { contextName isAutoattached }
  }
}
"""


def variable(name: str, value: str, *, secret: bool = False):
    return {
        "id": name,
        "type": "ENVIRONMENT_VARIABLE",
        "value": value,
        "writeOnly": secret,
        "description": None,
    }


async def context(ada, name: str, *elements, labels=(), **more) -> str:
    wanted = {
        "name": name,
        "labels": list(labels),
        "configAttachments": list(elements),
        **more,
    }
    return str((await ada.ask(CREATE, input=wanted))["contextCreateV2"]["id"])


async def attach(ada, context_id: str, stack_id: str, priority: int = 0) -> str:
    made = await ada.ask(ATTACH, id=context_id, stack=stack_id, priority=priority)
    return str(made["contextAttach"]["id"])


async def contexts_in(core):
    return await core.rows("select id, name from context order by id")


@pytest.fixture
async def pool(core):
    return await given_a_pool(core)


@pytest.fixture
async def stack(core, pool):
    return await given_a_stack(core, pool, labels=["network", "prod"])


async def given_to_a_run(core, pool, stack):
    """The manifest of a run of the stack."""
    run = await given_a_run(core, stack)
    worker = await given_a_worker(core, pool)
    await worker.take(run)
    return await manifest_of(core, stack, await run_now(core, run))


# -- making them


async def test_a_context_is_a_slug_for_ever_and_its_secrets_stay_secret(ada):
    made = await context(ada, "AWS keys", variable("KEY", "s3cret", secret=True))

    assert made == "aws-keys"
    await ada.ask(UPDATE, id=made, input={"name": "Cloud keys"}, replace=False)
    shown = await ada.ask(
        "query ($id: ID!) { context(id: $id) { id name config { id value checksum } } }", id=made
    )
    (element,) = shown["context"]["config"]
    assert (shown["context"]["id"], shown["context"]["name"]) == ("aws-keys", "Cloud keys")
    assert element["value"] is None
    assert element["checksum"] == hashlib.sha256(b"s3cret").hexdigest()


async def test_a_checksum_is_that_of_the_text_that_was_sent_of_files_too(ada, stack):
    # Clients compare it with one of their own: of a file that of the base64, as they sent it.
    text = base64.b64encode(b"is tasty\n").decode()
    bacon = {"id": "notes/bacon.txt", "type": "FILE_MOUNT", "value": text, "writeOnly": True}
    tasty = "4d5d01ea427b10dd483e8fce5b5149fb5a9814e9ee614176b756ca4a65c8f154"
    of_text = hashlib.sha256(text.encode()).hexdigest()

    made = await context(ada, "Bacon", variable("BACON", "is tasty", secret=True), bacon)
    for element in (variable("BACON", "is tasty"), {**bacon, "writeOnly": False}):
        await ada.ask(
            "mutation ($stack: ID!, $config: ConfigInput!) {"
            " stackConfigAdd(stack: $stack, config: $config) { id } }",
            stack=stack.id,
            config=element,
        )

    shown = await ada.ask(
        "query ($id: ID!, $stack: ID!) { context(id: $id) { config { id value checksum } }"
        " stack(id: $stack) { config { id value checksum } } }",
        id=made,
        stack=stack.id,
    )
    for owner, values in (("context", (None, None)), ("stack", ("is tasty", text))):
        assert shown[owner]["config"] == [
            {"id": "BACON", "value": values[0], "checksum": tasty},
            {"id": "notes/bacon.txt", "value": values[1], "checksum": of_text},
        ]


async def test_a_name_that_is_taken_is_refused_and_nothing_is_made(core, ada):
    await context(ada, "Keys")
    before = await contexts_in(core)

    message, code = await ada.refusal(CREATE, input={"name": "Keys"})

    assert (message, code) == ('There is a context with the name "Keys" already.', "CONFLICT")
    assert await contexts_in(core) == before


async def test_of_many_who_make_one_of_the_same_name_at_once_one_does(core, ada):
    answers = await asyncio.gather(*(ada.answer(CREATE, input={"name": "Keys"}) for _ in range(8)))

    codes = [a["errors"][0]["extensions"]["code"] if "errors" in a else None for a in answers]
    assert sorted(codes, key=str) == ["CONFLICT"] * 7 + [None]
    assert len(await contexts_in(core)) == 1


async def test_a_context_with_one_bad_variable_is_not_made_at_all(core, ada):
    bad = {"name": "Keys", "configAttachments": [variable("GOOD", "1"), variable("NOT GOOD", "1")]}

    assert (await ada.refusal(CREATE, input=bad))[1] == "BAD_CONFIG_ELEMENT"

    assert await contexts_in(core) == []
    assert await core.rows("select id from config_element") == []


async def test_elements_stay_unless_they_are_to_be_replaced(ada):
    made = await context(ada, "Keys", variable("A", "1"), variable("B", "2"))

    kept = await ada.ask(
        UPDATE,
        id=made,
        input={"name": "Keys", "configAttachments": [variable("C", "3")]},
        replace=None,
    )
    replaced = await ada.ask(
        UPDATE,
        id=made,
        input={"name": "Keys", "configAttachments": [variable("C", "3")]},
        replace=True,
    )

    assert [e["id"] for e in kept["contextUpdateV2"]["config"]] == ["A", "B"]
    assert [e["id"] for e in replaced["contextUpdateV2"]["config"]] == ["C"]


@pytest.mark.parametrize("replace", [None, True])
async def test_lists_that_are_not_sent_leave_stacks_and_elements_alone(ada, stack, replace):
    made = await context(ada, "Keys", variable("A", "1"))
    await attach(ada, made, stack.id, 3)

    changed = await ada.ask(UPDATE, id=made, input={"name": "Keys 2"}, replace=replace)

    assert changed["contextUpdateV2"]["config"] == [{"id": "A"}]
    assert changed["contextUpdateV2"]["attachedStacks"] == [{"stackId": stack.id, "priority": 3}]


@pytest.mark.parametrize(
    ("sent", "replace", "kept"),
    [([], None, []), ([], True, []), (None, True, []), (None, None, [3]), ("other", None, [7])],
)
async def test_stacks_that_are_named_are_all_that_have_it(ada, core, stack, sent, replace, kept):
    made = await context(ada, "Keys", variable("A", "1"))
    await attach(ada, made, stack.id, 3)
    other = await given_a_stack(core, None, "Other")
    stacks = [{"stack": other.id, "priority": 7}] if sent == "other" else sent

    await ada.ask(
        UPDATE, id=made, input={"name": "Keys", "stackAttachments": stacks}, replace=replace
    )

    assert await core.rows("select priority from context_attachment") == [(one,) for one in kept]
    assert await core.rows("select id from config_element") == [("A",)]


# -- attaching them


async def test_a_context_is_attached_once_and_detached_by_the_attachments_id(core, ada, stack):
    made = await context(ada, "Keys")
    attachment = await attach(ada, made, stack.id, 3)

    again = await ada.refusal(ATTACH, id=made, stack=stack.id, priority=4)
    assert again == ("The context Keys is attached to Network already.", "CONFLICT")

    detach = "mutation ($id: ID!) { contextDetach(id: $id) { stackId } }"
    assert await ada.ask(detach, id=attachment) == {"contextDetach": {"stackId": stack.id}}
    assert await core.rows("select id from context_attachment") == []
    assert (await ada.refusal(detach, id=attachment))[1] == "NOT_FOUND"


async def test_a_context_that_is_attached_is_deleted_only_by_force(core, ada, stack):
    made = await context(ada, "Keys", variable("A", "1"))
    await attach(ada, made, stack.id)
    delete = "mutation ($id: ID!, $force: Boolean) { contextDelete(id: $id, force: $force) { id } }"

    refused = await ada.refusal(delete, id=made, force=None)

    assert refused == ("The context Keys is attached to 1 stack; detach it first.", "CONFLICT")
    assert len(await contexts_in(core)) == 1
    assert await ada.ask(delete, id=made, force=True) == {"contextDelete": {"id": made}}
    assert await core.rows("select id from config_element") == []
    assert await core.rows("select id from context_attachment") == []


async def test_a_context_of_a_space_that_is_not_inherited_from_is_not_attached(core, ada, pool):
    team = await space(ada, "Team")
    other = await space(ada, "Other")
    stack = await given_a_stack(core, None, space_id=team)
    made = await context(ada, "Keys", space=other)

    message, code = await ada.refusal(ATTACH, id=made, stack=stack.id, priority=0)

    assert code == "OUT_OF_REACH"
    assert "Network uses Keys" in message
    assert await core.rows("select id from context_attachment") == []


async def test_a_space_whose_stacks_would_lose_a_context_does_not_stop_inheriting(core, ada):
    team = await space(ada, "Team", inherits=True)
    stack = await given_a_stack(core, None, space_id=team)
    await attach(ada, await context(ada, "Keys"), stack.id)

    message, code = await ada.refusal(
        "mutation ($space: ID!, $input: SpaceInput!) { spaceUpdate(space: $space, input: $input)"
        " { id } }",
        space=team,
        input={
            "name": "Team",
            "description": "",
            "parentSpace": "root",
            "inheritEntities": False,
        },
    )

    assert code == "OUT_OF_REACH"
    assert "Network uses Keys" in message
    assert await core.rows("select inherit_entities from space where id = :id", id=team) == [
        (True,)
    ]


@pytest.mark.parametrize(
    ("labels", "attached"),
    [
        (["autoattach:prod"], True),
        (["autoattach:*"], True),
        (["autoattach:staging"], False),
        (["prod"], False),
        (["autoattach:"], False),
    ],
)
async def test_a_label_attaches_a_context_to_stacks_in_reach(ada, stack, labels, attached):
    await context(ada, "Keys", labels=labels)

    shown = await ada.ask(ENVIRONMENT, id=stack.id)

    found = [{"contextName": "Keys", "isAutoattached": True}] if attached else []
    assert shown["stack"]["attachedContexts"] == found


async def test_a_label_attaches_nothing_beyond_where_a_space_inherits(core, ada):
    alone = await space(ada, "Alone")
    stack = await given_a_stack(core, None, space_id=alone, labels=["prod"])
    await context(ada, "Keys", labels=["autoattach:*"])

    shown = await ada.ask(ENVIRONMENT, id=stack.id)

    assert shown["stack"]["attachedContexts"] == []


# -- what a run is given


async def test_of_several_values_the_nearest_wins_and_the_page_says_which(core, ada, pool, stack):
    await context(
        ada, "By label", variable("A", "label"), variable("B", "label"), labels=["autoattach:prod"]
    )
    low = await context(ada, "Low", variable("A", "low"), variable("C", "low"))
    high = await context(ada, "High", variable("A", "high"), variable("C", "high"))
    await attach(ada, low, stack.id, 1)
    await attach(ada, high, stack.id, 2)
    await ada.ask(
        "mutation ($stack: ID!, $config: ConfigInput!) {"
        " stackConfigAdd(stack: $stack, config: $config) { id } }",
        stack=stack.id,
        config=variable("C", "own"),
    )

    shown = (await ada.ask(ENVIRONMENT, id=stack.id))["stack"]["runtimeConfig"]
    built = await given_to_a_run(core, pool, stack)

    told = {
        one["element"]["id"]: (
            one["element"]["value"],
            one["context"] and one["context"]["contextName"],
            [other["contextName"] for other in one["overrides"]],
        )
        for one in shown
        if not one["element"]["runtime"]
    }
    assert told == {
        "A": ("low", "Low", ["High", "By label"]),
        "B": ("label", "By label", []),
        "C": ("own", None, ["Low", "High"]),
    }
    environment = {one.name: one.value for one in built.environment}
    assert {name: environment[name] for name in "ABC"} == {"A": "low", "B": "label", "C": "own"}


async def test_clients_that_add_what_labels_attach_themselves_are_not_told_twice(ada, stack):
    await context(ada, "By label", variable("A", "1"), labels=["autoattach:prod"])

    shown = await ada.ask(
        "query ($id: ID!) { stack(id: $id) { runtimeConfig { element { id runtime } } } }",
        id=stack.id,
    )

    own = [e for e in shown["stack"]["runtimeConfig"] if not e["element"]["runtime"]]
    assert own == []


async def test_hooks_stand_around_a_phase_like_brackets(core, ada, pool):
    stack = await given_a_stack(
        core,
        pool,
        labels=["prod"],
        hooks={"before_plan": ["own"], "after_plan": ["own"]},
    )
    for name, labels in (("A", ["autoattach:prod"]), ("B", ["autoattach:prod"])):
        await context(
            ada,
            name,
            labels=labels,
            hooks={"beforePlan": [name], "afterPlan": [name]},
        )
    for name, priority in (("First", 1), ("Second", 2)):
        made = await context(ada, name, hooks={"beforePlan": [name], "afterPlan": [name]})
        await attach(ada, made, stack.id, priority)

    built = await given_to_a_run(core, pool, stack)

    assert built.hooks["before_plan"] == ["First", "Second", "B", "A", "own"]
    assert built.hooks["after_plan"] == ["own", "A", "B", "Second", "First"]


async def test_a_secret_file_of_a_context_reaches_a_run_and_nobody_else(core, ada, pool, stack):
    content = base64.b64encode(b"key material").decode()
    made = await context(
        ada,
        "Keys",
        {"id": "keys/id", "type": "FILE_MOUNT", "value": content, "writeOnly": True},
    )
    await attach(ada, made, stack.id)

    built = await given_to_a_run(core, pool, stack)
    shown = await ada.send({"query": ENVIRONMENT, "variables": {"id": stack.id}})

    file = next(one for one in built.files if one.path == "keys/id")
    assert (file.content, file.secret) == (content, True)
    assert content not in shown.text


# -- who may


async def test_a_writer_changes_no_context_and_an_admin_of_the_space_does(core, ada, robot):
    team = await space(ada, "Team", inherits=True)
    made = await context(ada, "Keys", variable("A", "1"), space=team)
    above = await context(ada, "Above")
    key, somebody = await robot()
    await give(ada, key, WRITER.id, team)
    before = await core.rows("select * from config_element")
    add = """
    mutation ($id: ID!, $config: ConfigInput!) {
      contextConfigAdd(context: $id, config: $config) { id }
    }"""

    refused = await somebody.refusal(add, id=made, config=variable("A", "2"))
    assert refused[1] == "NOT_ALLOWED"
    assert (await somebody.refusal(CREATE, input={"name": "Mine", "space": team}))[1] == (
        "NOT_ALLOWED"
    )
    assert await core.rows("select * from config_element") == before

    await give(ada, key, ADMIN.id, team)
    assert await somebody.ask(add, id=made, config=variable("A", "2"))
    assert (await somebody.refusal(add, id=above, config=variable("A", "2")))[1] == "NOT_ALLOWED"


async def test_contexts_of_other_spaces_are_in_no_list(ada, robot):
    team, other = await space(ada, "Team"), await space(ada, "Other")
    mine = await context(ada, "Mine", space=team)
    await context(ada, "Theirs", space=other)
    key, somebody = await robot()
    await give(ada, key, ADMIN.id, team)

    listed = await somebody.ask(
        "{ contexts { id } searchContexts(input: {first: 10}) { edges { node { id } } } }"
    )

    assert listed["contexts"] == [{"id": mine}]
    assert [edge["node"]["id"] for edge in listed["searchContexts"]["edges"]] == [mine]
    assert await somebody.ask('{ context(id: "theirs") { id } }') == {"context": None}


async def test_what_contexts_can_be_narrowed_by_is_counted_among_those_that_one_sees(ada, robot):
    team = await space(ada, "Team")
    await context(ada, "one", labels=["tier:1", "team:shop"], space=team)
    await context(ada, "two", labels=["tier:1"])
    document = """
    query ($input: SearchSuggestionsInput!) {
      searchContextsSuggestions(input: $input) {
        total fields { field values { value label count } }
      }
    }"""
    wanted = {"fields": ["label", "space"]}
    key, somebody = await robot()
    await give(ada, key, READER.id, team)

    everything = (await ada.ask(document, input=wanted))["searchContextsSuggestions"]
    seen = (await somebody.ask(document, input=wanted))["searchContextsSuggestions"]

    assert everything["total"] == 2
    labels, spaces = everything["fields"]
    assert labels["values"][0] == {"value": "tier:1", "label": "tier:1", "count": 2}
    assert {"value": team, "label": "Team", "count": 1} in spaces["values"]
    assert seen["total"] == 1
    assert [one["value"] for one in seen["fields"][1]["values"]] == [team]
