"""The tree of spaces, roles, and what somebody may do because of both: asked through the API."""

from __future__ import annotations

import asyncio

import pytest
from gantry.domains.people.actions import Action
from gantry.domains.roles import rights
from gantry.domains.roles.model import Subject
from gantry.domains.roles.rules import ADMIN, READER, WRITER
from gantry.domains.stacks import repo as stacks
from gantry.kernel.tx import SYSTEM, Actor
from sqlalchemy import text

from tests.integration.api.conftest import Caller
from tests.support.given import given_a_pool, given_a_stack

CREATE = """
mutation ($input: SpaceInput!) {
  spaceCreate(input: $input) { id name parentSpace inheritEntities labels accessLevel }
}
"""
UPDATE = """
mutation ($space: ID!, $input: SpaceInput!) { spaceUpdate(space: $space, input: $input) { id } }
"""
DELETE = "mutation ($space: ID!) { spaceDelete(space: $space) { id } }"
TREE = "{ spaces { id name parentSpace inheritEntities } }"
GIVE = """
mutation ($key: ID!, $role: ID!, $space: ID!) {
  apiKeyRoleBindingCreate(input: {apiKeyID: $key, roleID: $role, spaceID: $space}) {
    id role { slug } spaceID apiKeyID
  }
}
"""
TAKE = "mutation ($id: ID!) { apiKeyRoleBindingDelete(id: $id) { id } }"
MAKE_ROLE = """
mutation ($input: RoleInput!) {
  roleCreate(input: $input) { id slug name isSystem actions roleBindingsCount }
}
"""


def wanted(name: str, parent: str = "root", *, inherits: bool = False, **more):
    return {
        "name": name,
        "description": "",
        "parentSpace": parent,
        "inheritEntities": inherits,
        **more,
    }


async def space(caller: Caller, name: str, parent: str = "root", *, inherits: bool = False) -> str:
    made = await caller.ask(CREATE, input=wanted(name, parent, inherits=inherits))
    return str(made["spaceCreate"]["id"])


async def tree(core) -> list[tuple[object, ...]]:
    rows = await core.rows("select id, parent_id, path, inherits from space order by id")
    return [tuple(row) for row in rows]


async def give(caller: Caller, key: str, role: str, where: str) -> str:
    made = await caller.ask(GIVE, key=key, role=role, space=where)
    return str(made["apiKeyRoleBindingCreate"]["id"])


# -- the tree


async def test_a_space_hangs_on_another_and_knows_its_way_up(core, ada):
    team = await space(ada, "Team A", inherits=True)
    inner = await space(ada, "Inner", team, inherits=True)
    alone = await space(ada, "Alone", team)

    assert team.startswith("team-a-")
    assert await tree(core) == sorted(
        [
            ("root", None, ["root"], []),
            (team, "root", ["root", team], ["root"]),
            (inner, team, ["root", team, inner], [team, "root"]),
            (alone, team, ["root", team, alone], []),
        ]
    )


async def test_a_space_that_moves_takes_everything_beneath_it_along(core, ada):
    here, there = await space(ada, "Here", inherits=True), await space(ada, "There")
    inner = await space(ada, "Inner", here, inherits=True)
    leaf = await space(ada, "Leaf", inner, inherits=True)

    await ada.ask(UPDATE, space=inner, input=wanted("Inner", there, inherits=True))

    found = {row[0]: row[2:] for row in await tree(core)}
    assert found[inner] == (["root", there, inner], [there])
    assert found[leaf] == (["root", there, inner, leaf], [inner, there])


@pytest.mark.parametrize("parent", ["itself", "beneath"])
async def test_a_space_cannot_hang_on_itself(core, ada, parent):
    outer = await space(ada, "Outer")
    inner = await space(ada, "Inner", outer)
    before = await tree(core)

    message, code = await ada.refusal(
        UPDATE, space=outer, input=wanted("Outer", outer if parent == "itself" else inner)
    )

    assert (message, code) == (
        "A space cannot hang on itself, nor on a space beneath it.",
        "BAD_SPACE",
    )
    assert await tree(core) == before


async def test_a_tree_that_would_be_too_deep_is_refused(core, ada):
    at = "root"
    for depth in range(19):
        at = await space(ada, f"Level {depth}", at)
    before = await tree(core)

    message, code = await ada.refusal(CREATE, input=wanted("One more", at))

    assert (message, code) == ("The tree of spaces is at most 20 spaces deep.", "BAD_SPACE")
    assert await tree(core) == before


async def test_the_root_is_neither_moved_nor_deleted(core, ada):
    await space(ada, "Team")
    before = await tree(core)

    assert (await ada.refusal(DELETE, space="root"))[1] == "BAD_SPACE"
    moved = await ada.refusal(UPDATE, space="root", input=wanted("root", "root"))
    assert moved[1] == "BAD_SPACE"
    renamed = wanted("The root", "")
    assert await ada.ask(UPDATE, space="root", input=renamed)
    assert await tree(core) == before


async def test_only_an_empty_space_is_deleted_and_what_was_given_in_it_goes_too(core, ada, robot):
    team = await space(ada, "Team", inherits=True)
    inner = await space(ada, "Inner", team)
    pool = await given_a_pool(core)
    stack = await given_a_stack(core, pool, space_id=team)
    key, _ = await robot()
    await give(ada, key, READER.id, inner)

    message, code = await ada.refusal(DELETE, space=team)
    assert code == "SPACE_NOT_EMPTY"
    assert "still holds 1 space and 1 stack" in message

    assert await ada.ask(DELETE, space=inner) == {"spaceDelete": {"id": inner}}
    assert await core.rows("select id from role_binding") == []
    assert (await ada.refusal(DELETE, space=team))[1] == "SPACE_NOT_EMPTY"
    async with core.db.read(SYSTEM) as tx:
        assert (await stacks.find(tx, stack.id)).space_id == team


async def test_a_space_whose_stacks_would_lose_their_pool_stays_where_it_is(core, ada):
    team = await space(ada, "Team", inherits=True)
    inner = await space(ada, "Inner", team, inherits=True)
    pool = await given_a_pool(core)  # in the root space
    await given_a_stack(core, pool, "Network", space_id=inner)
    before = await tree(core)

    message, code = await ada.refusal(UPDATE, space=team, input=wanted("Team"))

    assert code == "OUT_OF_REACH"
    assert "Network uses builders" in message
    assert await tree(core) == before


async def test_a_stack_uses_no_pool_of_a_space_that_it_does_not_inherit_from(core, ada):
    alone = await space(ada, "Alone")
    pool = await given_a_pool(core)

    with pytest.raises(Exception, match="does not inherit from"):
        await given_a_stack(core, pool, space_id=alone)

    assert await core.rows("select id from stack") == []


# -- who manages it


async def test_admins_of_a_space_manage_what_is_beneath_it_only_if_the_account_lets_them(
    core, ada, robot
):
    team, other = await space(ada, "Team", inherits=True), await space(ada, "Other")
    key, admin = await robot()
    await give(ada, key, ADMIN.id, team)
    before = await tree(core)

    inherits = wanted("Inner", team, inherits=True)
    assert (await admin.refusal(CREATE, input=inherits))[1] == "NOT_ALLOWED"
    toggle = "mutation { accountToggleAllowNonRootAdminSpaceCreation(enable: true) }"
    assert (await admin.refusal(toggle))[1] == "NOT_ALLOWED"
    assert await tree(core) == before

    await ada.ask(toggle)
    assert await space(admin, "Inner", team, inherits=True)
    assert (await admin.refusal(CREATE, input=wanted("Apart", team)))[1] == "NOT_ALLOWED"
    assert (await admin.refusal(CREATE, input=wanted("At the root")))[1] == "NOT_ALLOWED"
    assert (await admin.refusal(CREATE, input=wanted("Elsewhere", other)))[1] == "NOT_FOUND"


# -- roles


async def test_the_roles_of_the_system_are_there_and_do_not_change(core, ada):
    found = (await ada.ask("{ roles { slug isSystem actions } }"))["roles"]

    assert [role["slug"] for role in found] == [
        "space-admin",
        "space-reader",
        "space-writer",
        "worker-pool-controller",
    ]
    assert all(role["isSystem"] for role in found)
    before = await core.rows("select * from role order by id")
    change = 'mutation ($id: ID!) { roleUpdate(id: $id, input: {name: "Mine"}) { id } }'
    assert (await ada.refusal(change, id=READER.id))[1] == "BAD_ROLE"
    delete = "mutation ($id: ID!) { roleDelete(id: $id) { id } }"
    assert (await ada.refusal(delete, id=READER.id))[1] == "BAD_ROLE"
    assert await core.rows("select * from role order by id") == before


async def test_a_role_keeps_its_slug_and_its_actions_may_be_spelt_as_a_client_does(ada):
    made = await ada.ask(
        MAKE_ROLE, input={"name": "Deployer", "actions": ["RUN_CONFIRM", "RUN_TRIGGER"]}
    )
    role = made["roleCreate"]
    assert role["slug"] == "deployer"

    changed = await ada.ask(
        "mutation ($id: ID!, $input: RoleUpdateInput!) {"
        " roleUpdate(id: $id, input: $input) { name slug actions description } }",
        id=role["id"],
        input={"name": "Releaser", "Actions": ["SPACE_READ"], "description": ""},
    )

    assert changed["roleUpdate"] == {
        "name": "Releaser",
        "slug": "deployer",
        "actions": ["SPACE_READ"],
        "description": "",
    }


async def test_a_role_that_somebody_has_is_not_deleted(core, ada, robot):
    made = await ada.ask(MAKE_ROLE, input={"name": "Deployer", "actions": ["RUN_TRIGGER"]})
    role = made["roleCreate"]["id"]
    key, _ = await robot()
    binding = await give(ada, key, role, "root")
    delete = "mutation ($id: ID!) { roleDelete(id: $id) { id } }"

    message, code = await ada.refusal(delete, id=role)

    assert (message, code) == ("The role Deployer is given once; take it away first.", "CONFLICT")
    await ada.ask(TAKE, id=binding)
    assert await ada.ask(delete, id=role) == {"roleDelete": {"id": role}}


# -- what somebody may do because of them


async def levels(caller: Caller) -> dict[str, str | None]:
    found = (await caller.ask("{ spaces { name accessLevel } }"))["spaces"]
    return {one["name"]: one["accessLevel"] for one in found}


async def test_without_a_role_there_is_nothing(core, ada, robot):
    await given_a_stack(core, await given_a_pool(core))
    _, somebody = await robot()

    assert await levels(somebody) == {}
    assert await somebody.ask("{ stacks { id } workerPools { id } roles { id } }") == {
        "stacks": [],
        "workerPools": [],
        "roles": [],
    }


async def test_a_role_flows_down_and_reading_flows_up_where_spaces_inherit(ada, robot):
    team = await space(ada, "Team", inherits=True)
    inner = await space(ada, "Inner", team)
    await space(ada, "Leaf", inner)
    await space(ada, "Beside", team)
    await space(ada, "Other")
    key, somebody = await robot()

    await give(ada, key, WRITER.id, inner)
    assert await levels(somebody) == {"Inner": "WRITE", "Leaf": "WRITE"}

    await give(ada, key, READER.id, team)
    assert await levels(somebody) == {
        "root": "READ",
        "Team": "READ",
        "Inner": "WRITE",
        "Leaf": "WRITE",
        "Beside": "READ",
    }


async def test_what_is_given_counts_at_once_and_what_is_taken_does_not_any_more(ada, robot):
    team = await space(ada, "Team")
    key, somebody = await robot()

    binding = await give(ada, key, ADMIN.id, team)
    assert await levels(somebody) == {"Team": "ADMIN"}
    await ada.ask(TAKE, id=binding)
    assert await levels(somebody) == {}


async def test_where_another_process_moves_a_space_counts_with_the_next_request(core, ada, robot):
    team, other = await space(ada, "Team"), await space(ada, "Other")
    leaf = await space(ada, "Leaf", team)
    key, somebody = await robot()
    await give(ada, key, READER.id, team)
    assert await levels(somebody) == {"Team": "READ", "Leaf": "READ"}

    # Another release may do it, which knows of nobody who keeps the tree.
    await core.change(
        "update space set parent_id = :to, path = array['root', :to, id] where id = :leaf",
        to=other,
        leaf=leaf,
    )
    assert await levels(somebody) == {"Team": "READ"}
    await core.change("update space set inherits = array['root'] where id = :team", team=team)
    assert await levels(somebody) == {"root": "READ", "Team": "READ"}


async def test_a_move_that_was_not_kept_counts_for_nobody(core, ada, robot):
    team, other = await space(ada, "Team"), await space(ada, "Other")
    leaf = await space(ada, "Leaf", team)
    key, somebody = await robot()
    await give(ada, key, READER.id, team)

    async with core.db.write(SYSTEM) as tx:
        await tx.session.execute(
            text("update space set path = array['root', :to, id] where id = :leaf"),
            {"to": other, "leaf": leaf},
        )
        moved = await rights.with_rights(tx, Actor("api_key", key), [(Subject.API_KEY, key)])
        assert set(moved.by_space) == {team}
        await tx.session.rollback()

    assert await levels(somebody) == {"Team": "READ", "Leaf": "READ"}


async def test_a_single_action_allows_that_and_nothing_else(core, ada, robot):
    team = await space(ada, "Team", inherits=True)
    stack = await given_a_stack(core, await given_a_pool(core), space_id=team)
    actions = [Action.SPACE_READ.value, Action.STACK_LOCK.value]
    made = await ada.ask(MAKE_ROLE, input={"name": "Locker", "actions": actions})
    key, somebody = await robot()
    await give(ada, key, made["roleCreate"]["id"], team)

    assert await somebody.ask(
        "mutation ($id: ID!) { stackLock(id: $id) { lockedBy } }", id=stack.id
    ) == {"stackLock": {"lockedBy": f"api::{key}"}}
    for refused in (
        "mutation ($id: ID!) { stackDelete(id: $id) { id } }",
        "mutation ($id: ID!) { runTrigger(stack: $id) { id } }",
        "mutation ($id: ID!) { stackDisable(id: $id) { id } }",
    ):
        assert (await somebody.refusal(refused, id=stack.id))[1] == "NOT_ALLOWED"


async def test_nobody_gives_what_is_not_theirs_to_give(core, ada, robot):
    team, other = await space(ada, "Team", inherits=True), await space(ada, "Other")
    key, admin = await robot()
    await give(ada, key, ADMIN.id, team)
    friend, _ = await robot("friend")
    before = await core.rows("select id from role_binding order by id")

    assert (await admin.refusal(GIVE, key=friend, role=READER.id, space="root"))[1] == "NOT_ALLOWED"
    assert (await admin.refusal(GIVE, key=friend, role=READER.id, space=other))[1] == "NOT_FOUND"
    nobody_there = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
    assert (await ada.refusal(GIVE, key=nobody_there, role=READER.id, space=team)) == (
        "could not find api key",
        "NOT_FOUND",
    )
    assert (await ada.refusal(GIVE, key=key, role=ADMIN.id, space=team))[1] == "CONFLICT"
    assert await core.rows("select id from role_binding order by id") == before
    assert await give(admin, friend, WRITER.id, team)


async def test_a_stack_has_roles_where_whoever_gives_them_is_admin(core, ada):
    team = await space(ada, "Team", inherits=True)
    stack = await given_a_stack(core, await given_a_pool(core), space_id=team)
    give_stack = """
    mutation ($stack: ID!, $role: ID!, $space: ID!) {
      stackRoleBindingCreate(input: {stackID: $stack, roleID: $role, spaceID: $space}) {
        id role { slug } space { id } stackID stackName
      }
    }"""

    refused = await ada.refusal(give_stack, stack=stack.id, role=READER.id, space="root")
    assert refused == (
        "unauthorized: only a stack that is in the root space can have a role there",
        "NOT_ALLOWED",
    )
    assert await core.rows("select id from role_binding") == []
    missing = await ada.refusal(give_stack, stack="nowhere", role=READER.id, space=team)
    assert missing == ("stack not found", "NOT_FOUND")

    made = await ada.ask(give_stack, stack=stack.id, role=READER.id, space=team)
    assert made["stackRoleBindingCreate"]["space"] == {"id": team}
    assert made["stackRoleBindingCreate"]["stackName"] == "Network"


async def test_another_stack_of_the_same_name_has_nothing_of_what_a_deleted_one_was_given(
    core, ada
):
    team = await space(ada, "Team", inherits=True)
    stack = await given_a_stack(core, None, space_id=team)
    give_stack = """
    mutation ($stack: ID!, $role: ID!, $space: ID!) {
      stackRoleBindingCreate(input: {stackID: $stack, roleID: $role, spaceID: $space}) { id }
    }"""
    await ada.ask(give_stack, stack=stack.id, role=ADMIN.id, space=team)

    await ada.ask("mutation ($id: ID!) { stackDelete(id: $id) { id } }", id=stack.id)
    again = await given_a_stack(core, None, space_id=team)

    assert again.id == stack.id
    assert await core.rows("select id from role_binding") == []


async def test_what_a_stack_was_given_is_its_own_under_a_new_id(core, ada):
    team = await space(ada, "Team", inherits=True)
    stack = await given_a_stack(core, None, space_id=team)
    await ada.ask(
        "mutation ($stack: ID!, $role: ID!, $space: ID!) { stackRoleBindingCreate("
        "input: {stackID: $stack, roleID: $role, spaceID: $space}) { id } }",
        stack=stack.id,
        role=READER.id,
        space=team,
    )
    await core.change("update stack set name = 'Renamed'")

    await ada.ask("mutation ($id: ID!) { stackReslug(id: $id) { id } }", id=stack.id)

    assert await core.rows("select subject_id from role_binding") == [("renamed",)]


async def test_a_space_whose_stacks_are_deleted_can_be_deleted(core, ada):
    team = await space(ada, "Team", inherits=True)
    stack = await given_a_stack(core, None, space_id=team)
    await ada.ask("mutation ($id: ID!) { stackDelete(id: $id) { id } }", id=stack.id)

    assert await ada.ask(DELETE, space=team) == {"spaceDelete": {"id": team}}

    assert await core.rows("select space_id from stack") == [("root",)]


async def test_a_deleted_key_no_longer_keeps_a_role_from_going(ada, robot):
    made = await ada.ask(MAKE_ROLE, input={"name": "Deployer", "actions": ["RUN_TRIGGER"]})
    role = made["roleCreate"]["id"]
    key, _ = await robot()
    await give(ada, key, role, "root")

    await ada.ask("mutation ($id: ID!) { apiKeyDelete(id: $id) { id } }", id=key)

    assert await ada.ask("mutation ($id: ID!) { roleDelete(id: $id) { id } }", id=role)


async def test_of_many_who_give_the_same_at_once_one_does(core, ada, robot):
    key, _ = await robot()

    answers = await asyncio.gather(
        *(ada.answer(GIVE, key=key, role=READER.id, space="root") for _ in range(8))
    )

    codes = [a["errors"][0]["extensions"]["code"] if "errors" in a else None for a in answers]
    assert sorted(codes, key=str) == ["CONFLICT"] * 7 + [None]
    assert len(await core.rows("select id from role_binding")) == 1
