"""The space `legacy`: where things are made that name no space, once an operator wants that."""

from __future__ import annotations

import asyncio

from gantry.domains.roles.rules import ADMIN
from gantry.domains.spaces import service as spaces
from gantry.kernel.tx import SYSTEM

from tests.integration.api.test_spaces_and_roles import CREATE as CREATE_SPACE
from tests.integration.api.test_spaces_and_roles import DELETE as DELETE_SPACE
from tests.integration.api.test_spaces_and_roles import UPDATE as UPDATE_SPACE
from tests.integration.api.test_spaces_and_roles import give, tree
from tests.integration.api.test_spaces_and_roles import wanted as wanted_space
from tests.support.given import given_a_stack

MAKE_STACK = """
mutation ($name: String!, $space: ID) {
  stackCreate(manageState: true, input: {
    name: $name, space: $space, administrative: false, branch: "main", repository: "code"
  }) { space }
}"""
MAKE_CONTEXT = "mutation ($input: ContextInput!) { contextCreateV2(input: $input) { space } }"
MAKE_WEBHOOK = """
mutation ($input: NamedWebhooksIntegrationInput!) {
  namedWebhooksIntegrationCreate(input: $input) { space { id } }
}"""
WEBHOOK = {
    "name": "Chat",
    "endpoint": "http://127.0.0.1:9/hook",
    "enabled": False,
    "labels": [],
    "secret": None,
    "space": "",
}


async def make_legacy(core) -> bool:
    async with core.db.write(SYSTEM) as tx:
        return await spaces.make_legacy(tx)


async def test_it_is_made_once_beneath_the_root_space_from_which_it_inherits(core):
    made = await asyncio.gather(*(make_legacy(core) for _ in range(4)))

    assert sorted(made) == [False, False, False, True]
    assert await tree(core) == [
        ("legacy", "root", ["root", "legacy"], ["root"]),
        ("root", None, ["root"], []),
    ]


async def test_what_names_no_space_is_made_there_and_what_exists_stays(core, ada):
    old = await given_a_stack(core, None, "Old")
    before = await ada.ask(MAKE_CONTEXT, input={"name": "Before"})
    await make_legacy(core)

    assert await ada.ask(MAKE_STACK, name="None") == {"stackCreate": {"space": "legacy"}}
    assert await ada.ask(MAKE_STACK, name="Empty", space="") == {"stackCreate": {"space": "legacy"}}
    assert await ada.ask(MAKE_STACK, name="Root", space="root") == {
        "stackCreate": {"space": "root"}
    }
    assert await ada.ask(MAKE_CONTEXT, input={"name": "Keys"}) == {
        "contextCreateV2": {"space": "legacy"}
    }
    assert await ada.ask(MAKE_WEBHOOK, input=WEBHOOK) == {
        "namedWebhooksIntegrationCreate": {"space": {"id": "legacy"}}
    }
    assert before == {"contextCreateV2": {"space": "root"}}
    assert await core.rows("select space_id from stack where id = :id", id=old.id) == [("root",)]


async def test_a_space_that_names_none_above_it_still_hangs_on_the_root_space(core, ada):
    await make_legacy(core)

    made = await ada.ask(CREATE_SPACE, input=wanted_space("Team", ""))

    assert made["spaceCreate"]["parentSpace"] == "root"


async def test_it_is_always_there_and_where_it_is(core, ada):
    await make_legacy(core)
    made = await ada.ask(CREATE_SPACE, input=wanted_space("Team"))
    before = await tree(core)

    refused = await ada.refusal(DELETE_SPACE, space="legacy")
    assert refused == ("The space legacy is always there.", "BAD_SPACE")
    team = made["spaceCreate"]["id"]
    moved = await ada.refusal(UPDATE_SPACE, space="legacy", input=wanted_space("legacy", team))
    assert moved == ("The space legacy stays where it is.", "BAD_SPACE")
    assert await tree(core) == before


async def test_whoever_may_not_make_things_there_makes_none_by_naming_no_space(core, ada, robot):
    await make_legacy(core)
    team = (await ada.ask(CREATE_SPACE, input=wanted_space("Team")))["spaceCreate"]["id"]
    key, somebody = await robot()
    await give(ada, key, ADMIN.id, team)

    refused = await somebody.refusal(MAKE_STACK, name="Network")

    assert refused == ("space legacy not found", "NOT_FOUND")
    assert await core.rows("select id from stack") == []
