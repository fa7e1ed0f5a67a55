"""What clients are told of stacks, runs and states, and what a run's own token is not told."""

from __future__ import annotations

import json

import pytest
from gantry.domains.roles import bindings
from gantry.domains.roles.bindings import Gift
from gantry.domains.roles.model import Subject
from gantry.domains.roles.rules import ADMIN as ADMIN_ROLE
from gantry.domains.runs.states import State
from gantry.domains.stacks.model import Vendor
from gantry.domains.tfstate import service as states
from gantry.kernel.tx import SYSTEM
from gantry_protocol.words import Phase

from tests.integration.api.conftest import Caller
from tests.support.given import (
    ADMIN,
    ONE_CHANGE,
    everything,
    given_a_run,
    given_a_stack,
    given_a_worker,
    manifest_of,
    plan_of,
    run_now,
    state_of,
    write_state,
)

STATE = {
    "version": 4,
    "serial": 1,
    "lineage": "ours",
    "outputs": {},
    "resources": [
        {"mode": "managed", "type": "thing", "name": "a", "instances": [{"attributes": {}}]},
        {
            "mode": "managed",
            "type": "thing",
            "name": "b",
            "module": 'module.net["eu.west"].module.sub',
            "instances": [{"attributes": {}}],
        },
        {"mode": "data", "type": "seen", "name": "c", "instances": [{"attributes": {}}]},
    ],
}
ENTITIES = """
query ($id: ID!) { stack(id: $id) { entityCount entities {
  id name type address parent updatedAt
  vendor { __typename ... on EntityVendorTerraform { terraform {
    __typename
    ... on TerraformResource { mode module }
    ... on TerraformModule { phantom }
    ... on TerraformOutput { sensitive value hash }
  } } }
} } }
"""


@pytest.fixture
async def filled(core, stack):
    """A stack with resources and outputs."""
    await write_state(core, stack, json.dumps(STATE).encode())
    await core.drain()
    fresh = [
        states.FreshOutput("plain", '"seen"', sensitive=False),
        states.FreshOutput("secret", '"unseen"', sensitive=True),
    ]
    async with core.db.write(SYSTEM) as tx:
        await states.publish_outputs(
            tx, core.vault, stack.id, fresh, run_id=None, keep_sensitive=True
        )
    return stack


async def test_what_a_stack_manages_is_listed_with_its_modules_and_outputs(ada, filled):
    found = (await ada.ask(ENTITIES, id=filled.id))["stack"]

    shown = {
        e["address"]: (e["type"], e["parent"], e["vendor"]["terraform"]) for e in found["entities"]
    }
    inner, outer = 'module.net["eu.west"].module.sub', 'module.net["eu.west"]'
    assert list(shown) == [
        outer,
        inner,
        "data.seen.c",
        f"{inner}.thing.b",
        "thing.a",
        "output.plain",
        "output.secret",
    ]
    phantom = {"__typename": "TerraformModule", "phantom": True}
    assert shown[outer] == ("module", None, phantom)
    assert shown[inner] == ("module", outer, phantom)
    assert shown[f"{inner}.thing.b"][1] == inner
    assert shown["output.plain"][2]["value"] == '"seen"'
    assert shown["output.secret"][2]["value"] is None
    assert shown["output.secret"][2]["hash"]
    assert found["entityCount"] == 2


async def test_the_average_stack_counts_those_that_manage_nothing(core, ada, pool, filled):
    await given_a_stack(core, pool, "Empty")
    metrics = "{ metrics { avgStackSizeByResourceCount { value labels } } }"
    assert (await ada.ask(metrics))["metrics"]["avgStackSizeByResourceCount"] == [
        {"value": 1.0, "labels": []}
    ]


async def test_a_stack_shows_the_version_that_its_newest_run_used(core, ada, pool, stack):
    document = "query ($id: ID!) { stack(id: $id) { effectiveTerraformVersion } }"
    before = await ada.ask(document, id=stack.id)
    run = await given_a_run(core, stack)
    worker = await given_a_worker(core, pool)
    await worker.take(run)
    await core.change("update run set tool_version = '1.5.7' where id = :id", id=run.id)

    after = await ada.ask(document, id=stack.id)

    assert before["stack"]["effectiveTerraformVersion"] is None
    assert after["stack"]["effectiveTerraformVersion"] == "1.5.7"


async def test_runs_of_deleted_stacks_do_not_spoil_a_search(core, ada, pool, stack):
    kept = await given_a_stack(core, pool, "Kept")
    run = await given_a_run(core, kept)
    gone = await given_a_run(core, stack)
    await ada.ask(
        "mutation ($id: ID!) { runDiscardAll(stack: $id) { failedDiscarding } }", id=stack.id
    )
    await ada.ask("mutation ($id: ID!) { stackDelete(id: $id) { id deleted } }", id=stack.id)

    found = await ada.ask(
        "{ searchRuns(input: {}) { edges { node { run { id } stack { id } } } } }"
    )

    shown = [edge["node"] for edge in found["searchRuns"]["edges"]]
    assert shown == [{"run": {"id": run.id}, "stack": {"id": kept.id}}]
    assert gone.id != run.id


@pytest.mark.parametrize(
    ("vendor", "typename", "tool"),
    [
        (
            {"terragrunt": {"useRunAll": False, "useSmartSanitization": False}},
            "StackConfigVendorTerragrunt",
            "TERRAFORM_FOSS",
        ),
        ({"kubernetes": {"namespace": "x"}}, "StackConfigVendorKubernetes", "KUBERNETES"),
    ],
)
async def test_a_tool_that_a_client_leaves_out_has_a_default(ada, vendor, typename, tool):
    document = """
    mutation ($input: StackInput!) { stackCreate(input: $input, manageState: true) {
      vendorConfig { __typename
        ... on StackConfigVendorTerragrunt { tool }
        ... on StackConfigVendorKubernetes { kubernetesWorkflowTool } } } }"""
    given = {"name": "s", "administrative": False, "branch": "main", "repository": "code"}
    made = await ada.ask(document, input={**given, "vendorConfig": vendor})
    config = made["stackCreate"]["vendorConfig"]
    assert config.pop("__typename") == typename
    assert list(config.values()) == [tool]


async def test_a_change_of_tool_takes_the_labels_that_come_with_it(core, ada, stack):
    document = """
    mutation ($id: ID!) { stackMigrateVendor(
      id: $id, targetVendor: Terragrunt, config: {labels: ["b", "a"]}) { labels } }"""
    assert (await ada.ask(document, id=stack.id))["stackMigrateVendor"]["labels"] == ["a", "b"]

    await core.change("update stack set vendor = :vendor", vendor=Vendor.ANSIBLE.value)
    assert await ada.refusal(document, id=stack.id) == (
        "A ansible stack cannot be given another tool.",
        "CONFLICT",
    )


async def test_a_refused_stack_keeps_its_uploaded_state_for_another_try(core, ada):
    url = (await ada.ask("mutation { stateUploadUrl { objectId url } }"))["stateUploadUrl"]
    put = await ada.http.put(url["url"], content=json.dumps(STATE).encode())
    assert put.is_success
    document = """
    mutation ($input: StackInput!, $manage: Boolean!, $object: String) {
      stackCreate(input: $input, manageState: $manage, stackObjectID: $object) { id } }"""
    given = {"name": "moved", "administrative": False, "branch": "main", "repository": "code"}
    wanted = {"input": given, "object": url["objectId"]}

    message, code = await ada.refusal(document, manage=False, **wanted)
    assert code == "BAD_STACK"
    assert "state: it can only be imported" in message
    assert (await ada.ask("{ stacks { id } }"))["stacks"] == []

    made = await ada.ask(document, manage=True, **wanted)
    assert made["stackCreate"]["id"] == "moved"
    assert await core.rows("select serial, imported from state_version") == [(1, True)]
    noted = await core.rows("select resource_id from audit_entry where action = 'stack.create'")
    assert noted == [("moved",)]


# -- a run's own token


async def credentials(core, stack, run):
    """(password for the state, token for the API) of a run."""
    built = await manifest_of(core, stack, await run_now(core, run))
    token = next(v.value for v in built.environment if v.name == "SPACELIFT_API_TOKEN")
    return built.backend.password if built.backend else "", token


@pytest.fixture
async def running(core, pool, filled, nobody):
    """(run, somebody who asks with its token), while the run plans."""
    run = await given_a_run(core, filled)
    worker = await given_a_worker(core, pool)
    await worker.take(run)
    await worker.done(run, Phase.PREPARE, Phase.INIT)
    _, token = await credentials(core, filled, run)
    return run, Caller(nobody.http, nobody.app, token), worker


async def test_a_runs_token_shows_its_stack_and_nothing_of_runs_and_states(running, filled):
    run, caller, _ = running
    document = """
    query ($id: ID!, $run: ID!) { stack(id: $id) {
      id name
      runs { id } proposedRuns { id } tasks { id } blocker { id } run(id: $run) { id }
      outputs { id } entities { id } entityCount
    } }"""

    found = (await caller.ask(document, id=filled.id, run=run.id))["stack"]

    assert (found.pop("id"), found.pop("name")) == (filled.id, filled.name)
    assert found.pop("entityCount") in (0, 2)
    assert not any(found.values()), found
    edges = await caller.ask("{ searchRuns(input: {}) { edges { cursor } } }")
    assert edges["searchRuns"]["edges"] == []
    message, code = await caller.refusal(
        "query ($run: ID!) { runStack(runId: $run) { id } }", run=run.id
    )
    assert (message, code) == ("not found", "NOT_FOUND")


async def test_a_runs_token_opens_no_log_and_no_stream_of_runs(running):
    run, caller, _ = running
    for path in (f"/logs/{run.id}/3", f"/events?topic=run:{run.id}"):
        response = await caller.http.get(path, headers=caller.headers)
        assert response.status_code == 404, path


@pytest.fixture
async def managing(core, running, filled):
    """Somebody who asks with the token of a run whose stack may do everything everywhere."""
    async with core.db.write(ADMIN) as tx:
        await bindings.give(tx, [Gift(Subject.STACK, filled.id, ADMIN_ROLE.id, "root")])
    return running[1]


@pytest.mark.parametrize(
    "document",
    [
        'mutation ($id: ID!) { taskCreate(stack: $id, command: "env") { id } }',
        "mutation ($id: ID!) { stateDownloadUrl(input: {stackId: $id}) { url } }",
        """mutation ($id: ID!) {
          stackManagedStateRollback(stackId: $id, managedStateVersionId: "x") { id } }""",
        'mutation ($id: ID!) { stackUnsavedStateDiscard(stackId: $id, runId: "x") }',
        'query ($id: ID!) { stackStateComparison(stackId: $id, after: "x") { added } }',
        "query ($id: ID!) { stackStateHistory(stackId: $id, input: {}) { total } }",
        "mutation ($id: ID!) { uploadLocalWorkspace(stack: $id) { id } }",
    ],
)
async def test_no_role_of_its_stack_opens_states_and_tasks_to_a_run(
    core, managing, filled, document
):
    """Not even to a root admin's: whatever a run executes has its token in reach."""
    await core.change(
        "update stack set vendor_config = vendor_config || '{\"external_state_access\": true}',"
        " local_preview_enabled = true, locked_at = now(), locked_by = 'run'"
    )
    before = await everything(core)

    message, code = await managing.refusal(document, id=filled.id)

    assert code == "NOT_ALLOWED"
    assert "unauthorized: a run's token reaches no states, runs or tasks" in message
    assert await everything(core) == before


async def test_a_run_starts_runs_of_other_stacks_and_waits_for_them(core, managing, pool, filled):
    other = await given_a_stack(core, pool, "Other")
    start = "mutation ($id: ID!) { runTrigger(stack: $id) { id } }"
    ask = """query ($id: ID!, $run: ID!) {
      stack(id: $id) { runResourceState(id: $run) { id state finished } run(id: $run) { id } } }"""

    run = (await managing.ask(start, id=other.id))["runTrigger"]["id"]
    told = (await managing.ask(ask, id=other.id, run=run))["stack"]
    elsewhere = (await managing.ask(ask, id=filled.id, run=run))["stack"]
    empty = "mutation ($id: ID!) { runDiscardAll(stack: $id) { discardedRuns { id } } }"
    emptied = await managing.ask(empty, id=other.id)

    assert told["runResourceState"] == {"id": run, "state": "READY", "finished": False}
    assert told["run"] is None
    assert elsewhere["runResourceState"] is None
    assert emptied["runDiscardAll"]["discardedRuns"] == []  # it reaches no runs
    assert await state_of(core, run) is State.DISCARDED


async def test_a_run_that_may_only_see_waits_for_nobody(running, filled):
    run, caller, _ = running
    ask = "query ($id: ID!, $run: ID!) { stack(id: $id) { runResourceState(id: $run) { state } } }"
    assert (await caller.ask(ask, id=filled.id, run=run.id))["stack"]["runResourceState"] is None


async def test_the_trail_says_of_which_stack_a_run_was_that_did_something(
    ada, managing, running, filled
):
    made = await managing.ask(
        'mutation { contextCreateV2(input: {name: "Made", space: "root"}) { id } }'
    )

    found = await ada.ask(
        """{ searchAuditTrailEntries(input: {predicates: [
          {field: "action", constraint: {stringMatches: ["context.create"]}}]}) {
          edges { node { actor { run { id stackId } } affectedResource { resourceId } } } } }"""
    )

    ((edge,),) = found["searchAuditTrailEntries"].values()
    assert edge["node"] == {
        "actor": {"run": {"id": running[0].id, "stackId": filled.id}},
        "affectedResource": {"resourceId": made["contextCreateV2"]["id"]},
    }


async def test_a_runs_token_ends_with_its_phase(running, filled):
    run, caller, worker = running
    await worker.say(run, plan_of(ONE_CHANGE, key=f"{run.id}/workspace"))
    message, code = await caller.refusal("query ($id: ID!) { stack(id: $id) { id } }", id=filled.id)
    assert code == "UNAUTHENTICATED"
    assert "unauthorized" in message


async def test_a_worker_that_is_a_phase_ahead_of_its_report_may_do_what_that_phase_needs(
    core, pool, filled, nobody
):
    """Initialising reads the state, planning locks it and may ask the API."""
    run = await given_a_run(core, filled)
    worker = await given_a_worker(core, pool)
    await worker.take(run)
    password, token = await credentials(core, filled, run)
    caller = Caller(nobody.http, nobody.app, token)

    async def state(method, **lock):
        return await caller.http.request(
            method, f"/state/{filled.id}", auth=(run.id, password), json=lock
        )

    assert (await state("GET")).status_code == 200
    await worker.done(run, Phase.PREPARE)
    assert (await state("LOCK", ID="lock-1")).status_code == 200
    assert (await state("UNLOCK", ID="lock-1")).status_code == 200
    await caller.ask("query ($id: ID!) { stack(id: $id) { id } }", id=filled.id)

    await worker.fail(run, Phase.INIT, "It failed.")

    assert (await state("GET")).status_code == 401
    assert (await state("LOCK", ID="lock-2")).status_code == 401
    assert await core.rows("select count(*) from state_lock") == [(0,)]
