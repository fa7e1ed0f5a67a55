"""What a stack's next run will be given: each element explained, whoever gives it."""

from __future__ import annotations

import pytest
from gantry.domains.contexts import config_file
from gantry.domains.runs import computed
from gantry.domains.vcs import repo as vcs
from gantry.kernel.tx import SYSTEM

from tests.integration.api.test_contexts import attach, context, given_to_a_run, variable
from tests.integration.api.test_run_configuration import TRIGGER, configuration
from tests.support.given import given_a_pool, given_a_stack, stack_now

ASK = """
query ($id: ID!) { stack(id: $id) { runtimeConfig(byLabel: true) {
  context { contextName } overrides { contextName }
  element { id type value checksum writeOnly runtime }
  place { source contextName } insteadOf { source contextName }
} } }
"""
ADD = """
mutation ($stack: ID!, $config: ConfigInput!) {
  stackConfigAdd(stack: $stack, config: $config) { id }
}
"""


@pytest.fixture
async def pool(core):
    return await given_a_pool(core)


@pytest.fixture
async def stack(core, pool):
    return await given_a_stack(core, pool)


async def says(core, stack, text: str) -> None:
    """The file in the repository, as whoever fetched the tracked commit read it."""
    commit = (await stack_now(core, stack)).tracked_commit_id
    await core.change("delete from tree_config")
    async with core.db.write(SYSTEM) as tx:
        await vcs.keep_config(tx, commit, config_file.look({".gantry/config.yml": text.encode()}))


async def explained(ada, stack) -> dict[str, dict[str, object]]:
    shown = (await ada.ask(ASK, id=stack.id))["stack"]["runtimeConfig"]
    return {one["element"]["id"]: one for one in shown}


def places(one) -> list[str]:
    """Where it comes from, and then whose it is given instead of, by name or source."""
    return [place["contextName"] or place["source"] for place in (one["place"], *one["insteadOf"])]


async def test_what_replaces_a_computed_value_says_so(core, ada, pool, stack):
    token = {**variable("spacelift.oidc", "b3du"), "type": "FILE_MOUNT"}
    made = await context(ada, "Keys", variable("TF_VAR_spacelift_run_id", "theirs"), token)
    await attach(ada, made, stack.id)
    await ada.ask(ADD, stack=stack.id, config=variable("TF_VAR_spacelift_run_id", "own"))

    found = await explained(ada, stack)
    run = await given_to_a_run(core, pool, stack)

    assert places(found["TF_VAR_spacelift_run_id"]) == ["STACK", "Keys", "COMPUTED"]
    assert found["TF_VAR_spacelift_run_id"]["overrides"] == [{"contextName": "Keys"}]
    assert places(found["spacelift.oidc"]) == ["Keys", "COMPUTED"]
    assert places(found["SPACELIFT_API_TOKEN"]) == ["COMPUTED"]
    given = {one.name: one.value for one in run.environment}
    assert given["TF_VAR_spacelift_run_id"] == "own"
    assert [one.content for one in run.files if one.path == "spacelift.oidc"][-1] == "b3du"


async def test_everything_that_is_computed_is_told_and_has_no_value(core, ada, pool, stack):
    found = await explained(ada, stack)
    run = await given_to_a_run(core, pool, stack)

    assert list(found) == [one.id for one in sorted(computed.ELEMENTS, key=lambda e: e.id)]
    assert {one["element"]["value"] for one in found.values()} == {None}
    assert all(one["element"]["runtime"] for one in found.values())
    assert found["spacelift.oidc"]["element"]["type"] == "FILE_MOUNT"
    names = {one.name for one in run.environment} | {one.path for one in run.files}
    assert names < set(found)
    # The worker knows these: they change from phase to phase, or with where it runs.
    assert set(found) - names == {"TF_VAR_spacelift_run_state", "TF_VAR_spacelift_workspace_root"}


async def test_variables_of_the_repositorys_file_are_explained_too(core, ada, pool, stack):
    made = await context(ada, "Keys", variable("REGION", "theirs"), variable("KEPT", "theirs"))
    await attach(ada, made, stack.id)
    await ada.ask(ADD, stack=stack.id, config=variable("REGION", "own", secret=True))
    await says(core, stack, "stacks: {network: {environment: {REGION: file, ONLY: file}}}")

    found = await explained(ada, stack)

    assert places(found["REGION"]) == ["FILE", "STACK", "Keys"]
    assert (found["REGION"]["element"]["value"], found["REGION"]["context"]) == ("file", None)
    assert not found["REGION"]["element"]["writeOnly"]
    assert places(found["ONLY"]) == ["FILE"]
    assert places(found["KEPT"]) == ["Keys"]
    run = await given_to_a_run(core, pool, stack)
    given = {one.name: one.value for one in run.environment}
    assert (given["REGION"], given["ONLY"], given["KEPT"]) == ("file", "file", "theirs")


async def test_a_files_defaults_are_weaker_than_the_stack_in_version_1(core, ada, stack):
    await ada.ask(ADD, stack=stack.id, config=variable("REGION", "own"))
    await says(core, stack, "stack_defaults: {environment: {REGION: file}}")

    assert places((await explained(ada, stack))["REGION"]) == ["STACK", "FILE_DEFAULTS"]

    await says(core, stack, 'version: "2"\nstack_defaults: {environment: {REGION: file}}')
    assert places((await explained(ada, stack))["REGION"]) == ["FILE_DEFAULTS", "STACK"]


@pytest.mark.parametrize("text", ["stacks: {network: {environment: [1]}}", "[", "x: &a *a"])
async def test_a_file_that_cannot_be_used_hides_nothing_else(core, ada, stack, text):
    await ada.ask(ADD, stack=stack.id, config=variable("REGION", "own"))
    await says(core, stack, text)

    assert places((await explained(ada, stack))["REGION"]) == ["STACK"]


async def test_a_run_tells_what_of_it_was_computed(ada, stack):
    yaml = "environment: {TF_VAR_spacelift_run_id: mine}"

    run = (await ada.ask(TRIGGER, stack=stack.id, config={"yaml": yaml}))["runTrigger"]["id"]
    found = {one["id"]: one for one in (await configuration(ada, stack, run))["elements"]}

    assert set(found) == {one.id for one in computed.ELEMENTS}
    assert found["TF_VAR_spacelift_run_id"]["place"]["source"] == "RUN"
    assert [o["source"] for o in found["TF_VAR_spacelift_run_id"]["overrides"]] == ["COMPUTED"]
    token = found["SPACELIFT_OIDC_TOKEN"]
    assert (token["place"]["source"], token["writeOnly"]) == ("COMPUTED", True)
