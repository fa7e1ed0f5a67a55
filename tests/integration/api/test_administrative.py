"""What the runs of an administrative stack may do, by the tokens that each of them has."""

from __future__ import annotations

from gantry.domains.people.actions import Action
from gantry.domains.roles.rules import ADMIN
from gantry_protocol.words import Phase

from tests.integration.api.conftest import Caller
from tests.integration.api.test_spaces_and_roles import MAKE_ROLE, give, space
from tests.support.given import (
    given_a_pool,
    given_a_run,
    given_a_stack,
    given_a_worker,
    manifest_of,
    run_now,
    stack_now,
)

MAKE_CONTEXT = "mutation ($input: ContextInput!) { contextCreateV2(input: $input) { space } }"
GIVE_STACK = """
mutation ($stack: ID!, $role: ID!, $space: ID!) {
  stackRoleBindingCreate(input: {stackID: $stack, roleID: $role, spaceID: $space}) { id }
}"""
SPACES = "{ spaces { name accessLevel } }"
UPDATE = """
mutation ($id: ID!, $input: StackInput!) {
  stackUpdate(id: $id, input: $input) { space administrative }
}"""
CREATE = """
mutation ($input: StackInput!) {
  stackCreate(input: $input, manageState: true) { space administrative }
}"""


def wanted(name: str, space_id: str | None = None, *, administrative: bool) -> dict[str, object]:
    return {
        "name": name,
        "space": space_id,
        "administrative": administrative,
        "branch": "main",
        "repository": "code",
    }


async def speaking(core, nobody, pool, stack) -> Caller:
    """A run of the stack that is at work, as somebody who calls."""
    run = await given_a_run(core, await stack_now(core, stack))
    worker = await given_a_worker(core, pool)
    await worker.take(run)
    await worker.done(run, Phase.PREPARE, Phase.INIT)
    manifest = await manifest_of(core, stack, await run_now(core, run))
    given = {one.name: one.value for one in manifest.environment}
    return Caller(nobody.http, nobody.app, given["SPACELIFT_API_TOKEN"])


async def levels(caller: Caller) -> dict[str, str]:
    return {one["name"]: one["accessLevel"] for one in (await caller.ask(SPACES))["spaces"]}


async def test_a_run_of_an_administrative_stack_is_admin_of_its_space_and_beneath(
    core, ada, nobody
):
    team, other = await space(ada, "Team", inherits=True), await space(ada, "Other")
    inner = await space(ada, "Inner", team)
    pool = await given_a_pool(core)
    stack = await given_a_stack(core, pool, space_id=team, administrative=True)

    run = await speaking(core, nobody, pool, stack)

    assert await levels(run) == {"root": "READ", "Team": "ADMIN", "Inner": "ADMIN"}
    made = await run.ask(MAKE_CONTEXT, input={"name": "Keys", "space": inner})
    assert made == {"contextCreateV2": {"space": inner}}
    for beyond, code in (("root", "NOT_ALLOWED"), (other, "NOT_FOUND")):
        refused = await run.refusal(MAKE_CONTEXT, input={"name": "Others", "space": beyond})
        assert refused[1] == code
    assert await core.rows("select name from context") == [("Keys",)]


async def test_roles_of_an_administrative_stack_count_from_when_it_is_not_any_more(
    core, ada, nobody
):
    team, other = await space(ada, "Team", inherits=True), await space(ada, "Other")
    pool = await given_a_pool(core)
    stack = await given_a_stack(core, pool, space_id=team, administrative=True)
    await ada.ask(GIVE_STACK, stack=stack.id, role=ADMIN.id, space=other)
    run = await speaking(core, nobody, pool, stack)

    assert await levels(run) == {"root": "READ", "Team": "ADMIN"}
    assert (await run.refusal(MAKE_CONTEXT, input={"name": "Keys", "space": other}))[1] == (
        "NOT_FOUND"
    )

    await core.change("update stack set administrative = false")
    assert await levels(run) == {"Team": "READ", "Other": "ADMIN"}
    assert await run.ask(MAKE_CONTEXT, input={"name": "Keys", "space": other})
    assert await core.rows("select space_id from context") == [(other,)]


async def test_only_an_admin_of_its_space_makes_a_stack_administrative(core, ada, robot):
    team, other = await space(ada, "Team"), await space(ada, "Other")
    actions = [Action.SPACE_READ.value, Action.STACK_CREATE.value, Action.STACK_UPDATE.value]
    made = await ada.ask(MAKE_ROLE, input={"name": "Stack maker", "actions": actions})
    key, maker = await robot()
    await give(ada, key, made["roleCreate"]["id"], team)
    await maker.ask(CREATE, input=wanted("Network", team, administrative=False))

    needed = f"unauthorized: you need the SPACE_ADMIN action in space {team}"
    refused = await maker.refusal(CREATE, input=wanted("More", team, administrative=True))
    assert refused == (needed, "NOT_ALLOWED")
    raised = {"id": "network", "input": wanted("Network", administrative=True)}
    assert await maker.refusal(UPDATE, **raised) == (needed, "NOT_ALLOWED")
    assert await core.rows("select id, administrative from stack") == [("network", False)]

    await ada.ask(UPDATE, **raised)
    # Whoever changes something else about it is not asked for more than before.
    assert await maker.ask(UPDATE, id="network", input=wanted("Net", administrative=True))
    await give(ada, key, made["roleCreate"]["id"], other)
    moved = {"id": "network", "input": wanted("Net", other, administrative=True)}
    assert (await maker.refusal(UPDATE, **moved))[1] == "NOT_ALLOWED"
    assert await core.rows("select space_id, administrative from stack") == [(team, True)]
    assert await maker.ask(
        UPDATE, id="network", input=wanted("Net", other, administrative=False)
    ) == {"stackUpdate": {"space": other, "administrative": False}}
