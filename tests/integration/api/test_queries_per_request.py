"""However long a list is, a request for it costs the database the same number of statements."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from gantry.domains.contexts import context_service
from gantry.domains.contexts import service as contexts
from gantry.domains.contexts.context_service import WantedElement
from gantry.domains.contexts.kinds import ElementType, OwnerKind
from gantry.domains.people import api_keys
from gantry.domains.people.actions import Action
from gantry.domains.people.model import ChannelKind
from gantry.domains.roles import access_rules, bindings, members
from gantry.domains.roles import service as roles
from gantry.domains.roles.access_rules import AccessRule
from gantry.domains.roles.bindings import Gift
from gantry.domains.roles.model import Subject
from gantry.domains.runs import decisions
from gantry.domains.runs.repo import RUNS_PER_PAGE
from gantry.domains.runs.states import Kind
from gantry.domains.spaces import service as spaces
from gantry.domains.spaces.model import ROOT
from gantry.domains.stacks import attachments
from sqlalchemy import event

from tests.support.given import (
    ADMIN,
    ONE_CHANGE,
    given_a_pool,
    given_a_run,
    given_a_stack,
    given_a_task,
    given_a_worker,
    write_state,
)

MANY = 15
BROUGHT = WantedElement(ElementType.ENVIRONMENT_VARIABLE, "B", "brought", write_only=False)

STACK = """
  id name state labels canWrite starred spaceDetails { id name accessLevel }
  trackedCommit { hash message } trackedBranchHead { hash } workerPool { id name workersCount }
  blocker { id state } blocked isStateRollback entityCount
  outputs { id value } entities { id creator { id } updater { id } }
  config { id value checksum } runtimeConfig { element { id } } configElement(id: "A") { value }
  vendorConfig { __typename } hooks { beforePlan } integrations { aws { activated } }
  notificationCount
"""
RUN = """
  id state title type isMostRecent expired triggeredBy waitsFor
  commit { hash message } comments { body } reviews { note } history { state note workerId }
  changesV3(input: {}) { resources { address } }
"""


@contextmanager
def counting(core) -> Iterator[list[str]]:
    """The statements that reach the database meanwhile."""
    seen: list[str] = []

    def note(connection, cursor, statement, parameters, context, executemany):
        seen.append(statement)

    engine = core.db.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


DOCUMENTS = {
    "stacks": f"{{ stacks {{ {STACK} }} }}",
    "stacks with what holds them": f"{{ stacks {{ id blocker {{ {RUN} }} }} }}",
    "stacks with their runs": """
    { stacks {
        id proposedRuns { id waitsFor comments { body } } tasks { id state title }
        runs { id waitsFor isMostRecent history { note } commit { hash } }
    } }""",
    "a page of stacks": f"""
    {{ searchStacks(input: {{first: 50}}) {{ edges {{ node {{ {STACK} }} }} }} }}""",
    "a page of runs": f"""
    {{ searchRuns(input: {{first: 50}}) {{
         edges {{ node {{ run {{ {RUN} }} stack {{ id name spaceDetails {{ id }} }} }} }} }} }}""",
    "what stacks and runs can be narrowed by": """
    { searchStacksSuggestions(input: {
        fields: ["state", "label", "space", "workerPool", "repository", "branch", "locked"]
      }) { total fields { values { value label count } } }
      searchRunsSuggestions(input: {fields: ["state", "type"]}) { total fields { field } } }""",
    "an overview": """
    { searchRuns(input: {first: 50, predicates: [
          {field: "finished", constraint: {booleanEquals: [false]}}]}) {
        edges { node { run { id condition { reason message owner } history { state timestamp } }
          stack { id name canWrite } } } }
      searchStacks(input: {first: 50, predicates: [
          {field: "locked", constraint: {booleanEquals: [true]}}],
          orderBy: [{field: "lockedAt", direction: ASC}]}) {
        edges { node { id lockNote unknownOutcome { id failureReason } } } } }""",
    "contexts": """
    { contexts {
        id spaceDetails { id } config { id value } hasAttachedStacks
        attachedStacks { stackName isAutoattached config { id } }
    } }""",
    "stacks with what their contexts bring": """
    { stacks { id attachedContexts { contextName config { id } }
               runtimeConfig(byLabel: true) { context { contextName } element { id value } } } }""",
    "users": """
    { managedUsers {
        id status spaceCount groupCount accessRules { space } openSessions
        roleBindings { id role { name } user { username } }
    } }""",
    "groups": """
    { managedUserGroups {
        id memberCount status lastLoginTime identityProvider spaceCount accessRules { space }
        roleBindings { id role { name } userGroup { groupName memberCount } }
    } }""",
    "channels": "{ managedUserGroupIntegrations { id accessRules { space } } }",
    "API keys": """
    { apiKeys {
        id type teams teamCount spaceCount openSessions oidcSettings { issuer }
        accessRules { space } apiKeyRoleBindings { id role { name } }
    } }""",
    "roles": "{ roles { id actions roleBindingsCount } }",
    "spaces": """
    { spaces { id holds { stacks contexts workerPools } }
      rights { actions reasons { way roleName subjectName } } }""",
    "what was given": """
    { searchRoleBindings(input: {}) {
        edges { node { subjectName role { name } space { name } } } } }""",
    "pools": """
    { workerPools {
        id name spaceDetails { id } workersCount busyWorkers pendingRuns
        workers { id busy status metadata version runs { stackId stackName run { id state } } }
    } }""",
    "the queue of a pool": """
    { workerPools { id searchSchedulableRuns(input: {first: 50}) {
         edges { node { position stackName run { id waitsFor title commit { hash } } } } } } }""",
}


@pytest.fixture
async def furnish(core):
    """Makes stacks that have something of everything a list can show."""
    pool = await given_a_pool(core)
    hand = await given_a_worker(core, pool, concurrency=1000)

    async def make(numbers: range) -> None:
        for number in numbers:
            stack = await given_a_stack(core, pool, f"stack {number}")
            await write_state(core, stack, a_state(number))
            async with core.db.write(ADMIN) as tx:
                await contexts.put(
                    tx,
                    core.vault,
                    owner=OwnerKind.STACK,
                    owner_id=stack.id,
                    element_type=ElementType.ENVIRONMENT_VARIABLE,
                    element_id="A",
                    value="b",
                    write_only=False,
                    description=None,
                )
                context = await context_service.create(
                    tx, core.vault, context_service.Wanted(f"context {number}", elements=[BROUGHT])
                )
                await attachments.attach(tx, context.id, stack.id, number)
                role = await roles.create(
                    tx, name=f"role {number}", description="", actions=[Action.SPACE_READ.value]
                )
                space = await spaces.create(tx, spaces.Wanted(f"space {number}", ROOT))
                gift = Gift(Subject.STACK, stack.id, role.id, space.id)
                await bindings.give(tx, [gift])
                read = [AccessRule("root", "READ")]
                await members.invite(tx, username=f"user {number}", email=None, rules=read)
                await members.create_group(tx, name=f"group {number}", description=None, rules=read)
                await members.create_channel(
                    tx,
                    name=f"channel {number}",
                    kind=ChannelKind.SLACK,
                    slack_channel_id=f"C{number:08}",
                    rules=read,
                )
                key, _ = await api_keys.create(tx, core.passwords, api_keys.Wanted(f"k {number}"))
                await access_rules.put(tx, Subject.API_KEY, key.id, read)
            holding = await given_a_run(core, stack)
            await hand.plan(holding, ONE_CHANGE)
            await given_a_run(core, stack)  # waits for the first
            await given_a_run(core, stack, Kind.PROPOSED)  # waits for a worker
            await given_a_task(core, stack)
            async with core.db.write(ADMIN) as tx:
                await decisions.comment(tx, stack.id, holding.id, body="look at this")
        await core.drain()

    return make


def a_state(number: int) -> bytes:
    resource = {
        "mode": "managed",
        "type": "terraform_data",
        "name": "it",
        "provider": 'provider["terraform.io/builtin/terraform"]',
        "instances": [{"attributes": {"id": str(number)}}],
    }
    document = {
        "version": 4,
        "serial": 1,
        "lineage": f"lineage-{number}",
        "outputs": {"n": {"value": number, "type": "number"}},
        "resources": [resource],
    }
    return json.dumps(document).encode()


async def test_the_number_of_statements_does_not_grow_with_the_list(core, ada, furnish):
    async def count() -> dict[str, int]:
        found = {}
        for name, document in DOCUMENTS.items():
            with counting(core) as statements:
                await ada.ask(document)
            found[name] = len(statements)
        return found

    await furnish(range(1))
    for_one = await count()
    await furnish(range(1, MANY))
    for_many = await count()

    assert for_many == for_one
    assert max(for_one.values()) < 40
    answer = await ada.ask(
        "{ stacks { runs { id } proposedRuns { id } tasks { id } entityCount } }"
    )
    assert len(answer["stacks"]) == MANY
    shown = {
        (len(s["runs"]), len(s["proposedRuns"]), len(s["tasks"]), s["entityCount"])
        for s in answer["stacks"]
    }
    assert shown == {(2, 1, 1, 1)}


async def test_whoever_is_in_groups_is_recognised_by_as_many_statements(core, ada, robot):
    key, caller = await robot()
    with counting(core) as alone:
        await caller.ask("{ viewer { id } }")
    teams = [f"group {number}" for number in range(MANY)]
    async with core.db.write(ADMIN) as tx:
        for name in teams:
            await members.create_group(
                tx, name=name, description=None, rules=[AccessRule("root", "READ")]
            )
        await api_keys.update(tx, key, teams=teams)

    with counting(core) as in_groups:
        found = await caller.ask("{ spaces { id } }")

    assert found == {"spaces": [{"id": "root"}]}
    assert len(in_groups) <= len(alone) + 1  # the spaces themselves


async def test_runs_are_paged_by_the_last_one_seen_until_a_page_is_empty(core, ada):
    pool = await given_a_pool(core)
    stack = await given_a_stack(core, pool)
    other = await given_a_stack(core, pool, "another")
    made = [(await given_a_run(core, stack)).id for _ in range(RUNS_PER_PAGE + 3)]
    foreign = await given_a_run(core, other)
    document = "query ($id: ID!, $before: ID) { stack(id: $id) { runs(before: $before) { id } } }"

    pages, before = [], None
    while not pages or pages[-1]:
        answer = await ada.ask(document, id=stack.id, before=before)
        pages.append([run["id"] for run in answer["stack"]["runs"]])
        before = pages[-1][-1] if pages[-1] else None

    assert [len(page) for page in pages] == [RUNS_PER_PAGE, 3, 0]
    assert [run for page in pages for run in page] == made[::-1]
    assert foreign.id not in pages[0]
    both = await ada.ask("{ stacks { id runs { id } } }")
    assert {s["id"]: len(s["runs"]) for s in both["stacks"]} == {
        stack.id: RUNS_PER_PAGE,
        other.id: 1,
    }
