"""What the API says of rights: what actions mean, why somebody has them, and who was given what."""

from __future__ import annotations

import pytest
from gantry.domains.people.actions import Action
from gantry.domains.people.levels import with_levels
from gantry.domains.people.meanings import MEANINGS, subject_of
from gantry.domains.roles.rules import ADMIN, READER, WRITER

from tests.integration.api.conftest import Caller
from tests.integration.api.test_spaces_and_roles import MAKE_ROLE, TAKE, give, space
from tests.support.given import given_a_pool, given_a_stack

WHY = """
query ($space: ID) {
  rights(space: $space) {
    space { id } reasons { way roleName spaceID spaceName subject subjectName }
  }
}
"""
GIVEN = """
query ($input: SearchInput!) {
  searchRoleBindings(input: $input) {
    edges { node { id subject subjectID subjectName role { slug } space { id } createdBy } }
    pageInfo { hasNextPage endCursor }
  }
}
"""
GIVE_STACK = """
mutation ($stack: ID!, $role: ID!, $space: ID!) {
  stackRoleBindingCreate(input: {stackID: $stack, roleID: $role, spaceID: $space}) { id }
}
"""


async def why(caller: Caller, where: str | None = None) -> dict[str, list[tuple[str, str]]]:
    """By space: how each role reaches it, and from where it comes."""
    found = (await caller.ask(WHY, space=where))["rights"]
    return {
        one["space"]["id"]: [(reason["way"], reason["spaceName"]) for reason in one["reasons"]]
        for one in found
    }


async def given(caller: Caller, *predicates: tuple[str, str], **more) -> list[dict[str, object]]:
    wanted = [
        {"field": field, "constraint": {"stringMatches": [value]}} for field, value in predicates
    ]
    found = await caller.ask(GIVEN, input={"predicates": wanted, **more})
    return [edge["node"] for edge in found["searchRoleBindings"]["edges"]]


# -- actions


def test_every_action_is_explained_in_a_sentence_and_belongs_to_something():
    assert set(MEANINGS) == set(Action)
    assert all(sentence.endswith(".") for sentence in MEANINGS.values())
    assert all(subject_of(action) for action in Action)


async def test_an_action_says_which_level_brings_it_along(ada):
    found = (await ada.ask("{ actions { action subject sentence broughtBy } }"))["actions"]

    assert [one["action"] for one in found] == [action.value for action in Action]
    by_name = {one["action"]: one for one in found}
    assert by_name["RUN_CONFIRM"]["broughtBy"] == "WRITE"
    assert by_name["RUN_CONFIRM"]["subject"] == "Run"
    for one in found:
        level = "SPACE_" + one["broughtBy"]
        assert one["action"] in with_levels([level])


# -- why


async def test_a_right_says_by_which_role_it_comes_and_how_it_reaches_the_space(ada, robot):
    team = await space(ada, "Team", inherits=True)
    inner = await space(ada, "Inner", team)
    other = await space(ada, "Other")
    key, somebody = await robot("night builds")
    await give(ada, key, WRITER.id, team)

    assert await why(somebody) == {
        "root": [("INHERITED", "Team")],
        team: [("GIVEN", "Team")],
        inner: [("FLOWS_DOWN", "Team")],
    }
    assert await why(somebody, inner) == {inner: [("FLOWS_DOWN", "Team")]}
    # Of a space that one does not see, nothing is said.
    assert await why(somebody, other) == {}
    (right,) = (await somebody.ask(WHY, space=team))["rights"]
    (reason,) = right["reasons"]
    assert reason["roleName"] == "Space writer"
    assert (reason["subject"], reason["subjectName"]) == ("API_KEY", "night builds")


async def test_what_is_said_and_what_is_allowed_are_the_same(ada, robot):
    spaces = ["root"]
    for number in range(6):
        parent = spaces[number // 2]
        spaces.append(await space(ada, f"Space {number}", parent, inherits=number % 2 == 0))
    key, somebody = await robot()
    for role, where in ((READER.id, spaces[5]), (WRITER.id, spaces[2]), (ADMIN.id, spaces[6])):
        await give(ada, key, role, where)
    seen = await somebody.ask("{ spaces { id } rights { space { id } actions } }")

    explained = await why(somebody)

    assert set(explained) == {one["id"] for one in seen["spaces"]}
    assert all(explained.values())
    for one in seen["rights"]:
        ways = {way for way, _ in explained[one["space"]["id"]]}
        assert (ways == {"INHERITED"}) == (one["actions"] == ["SPACE_READ"])


async def test_whoever_may_do_everything_is_told_that_no_role_is_needed_for_it(ada):
    team = await space(ada, "Team")

    assert await why(ada) == {"root": [("EVERYWHERE", None)], team: [("EVERYWHERE", None)]}


# -- who was given what


async def test_what_was_given_is_listed_with_names_and_of_a_space_with_what_flows_down(
    core, ada, robot
):
    team = await space(ada, "Team", inherits=True)
    beside = await space(ada, "Beside")
    stack = await given_a_stack(core, await given_a_pool(core), "Network", space_id=team)
    key, _ = await robot("night builds")
    above = await give(ada, key, READER.id, "root")
    await give(ada, key, WRITER.id, beside)
    here = await ada.ask(GIVE_STACK, stack=stack.id, role=ADMIN.id, space=team)

    found = await given(ada, ("countsIn", team))

    assert [(one["id"], one["subjectName"], one["role"]["slug"]) for one in found] == [
        (here["stackRoleBindingCreate"]["id"], "Network", "space-admin"),
        (above, "night builds", "space-reader"),
    ]
    assert {one["createdBy"] for one in found} == {"admin::ada"}
    assert [one["id"] for one in await given(ada, ("role", READER.id))] == [above]
    assert [one["subjectID"] for one in await given(ada, ("subject", "STACK"))] == [stack.id]


async def test_of_spaces_that_one_is_not_admin_of_nothing_is_listed(core, ada, robot):
    team = await space(ada, "Team", inherits=True)
    key, somebody = await robot()
    await give(ada, key, READER.id, "root")
    reading = await given(somebody)
    mine = await give(ada, key, ADMIN.id, team)

    assert reading == []
    assert [one["id"] for one in await given(somebody, ("countsIn", team))] == [mine]
    assert [one["id"] for one in await given(somebody)] == [mine]


@pytest.mark.parametrize("first", [1, 2])
async def test_what_was_given_comes_in_pages(ada, robot, first):
    key, _ = await robot()
    wanted = {
        await give(ada, key, READER.id, await space(ada, f"Space {number}")) for number in range(3)
    }

    seen, after = [], None
    while True:
        answer = await ada.ask(GIVEN, input={"first": first, "after": after})
        page = answer["searchRoleBindings"]
        seen += [edge["node"]["id"] for edge in page["edges"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break

    assert len(seen) == 3
    assert set(seen) == wanted


async def test_what_was_taken_away_is_not_listed(ada, robot):
    made = await ada.ask(MAKE_ROLE, input={"name": "Deployer", "actions": ["RUN_TRIGGER"]})
    key, _ = await robot()
    binding = await give(ada, key, made["roleCreate"]["id"], "root")

    await ada.ask(TAKE, id=binding)

    assert await given(ada) == []


# -- what spaces hold


async def test_a_space_says_how_much_is_in_it(core, ada):
    team = await space(ada, "Team", inherits=True)
    await space(ada, "Inner", team)
    pool = await given_a_pool(core)
    await given_a_stack(core, pool, "Network", space_id=team)
    await given_a_stack(core, pool, "DNS", space_id=team)
    make = "mutation ($input: ContextInput!) { contextCreateV2(input: $input) { id } }"
    await ada.ask(make, input={"name": "shared", "space": team})

    found = await ada.ask("{ spaces { id holds { stacks contexts workerPools } } }")

    holds = {one["id"]: one["holds"] for one in found["spaces"]}
    assert holds[team] == {"stacks": 2, "contexts": 1, "workerPools": 0}
    assert holds["root"] == {"stacks": 0, "contexts": 0, "workerPools": 1}
