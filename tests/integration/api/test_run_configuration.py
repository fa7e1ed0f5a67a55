"""Starting a run with a configuration of its own, and asking what a run was made with."""

from __future__ import annotations

import io
import tarfile

import pytest
from gantry.ports.objects import Bucket

from tests.integration.api.test_contexts import attach, context, variable
from tests.support.given import everything, given_a_pool, given_a_stack

TRIGGER = """
mutation ($stack: ID!, $config: RuntimeConfigInput) {
  runTrigger(stack: $stack, runType: PROPOSED, runtimeConfig: $config) { id }
}
"""
CONFIGURATION = """
query ($stack: ID!, $run: ID!) { stack(id: $stack) { run(id: $run) { configuration {
  file fileVersion notes
  settings { name value source }
  hooks { phase commands place { source contextId contextName } }
  elements { id type writeOnly place { source contextName } overrides { source contextName } }
} } } }
"""


@pytest.fixture
async def stack(core):
    return await given_a_stack(core, await given_a_pool(core), project_root="own")


async def configuration(ada, stack, run):
    shown = await ada.ask(CONFIGURATION, stack=stack.id, run=run)
    return shown["stack"]["run"]["configuration"]


async def test_a_run_tells_what_it_was_made_with_and_whose_word_that_was(ada, stack):
    made = await context(
        ada,
        "Keys",
        variable("REGION", "x"),
        variable("KEY", "x", secret=True),
        hooks={"beforePlan": ["check"]},
    )
    await attach(ada, made, stack.id)
    yaml = "runner_image: mine\nenvironment: {REGION: mine}\nbefore_plan: [echo]"

    run = (await ada.ask(TRIGGER, stack=stack.id, config={"yaml": yaml}))["runTrigger"]["id"]
    found = await configuration(ada, stack, run)

    assert (found["file"], found["fileVersion"], found["notes"]) == (None, None, [])
    assert {one["name"]: (one["value"], one["source"]) for one in found["settings"]} == {
        "project_root": ("own", "STACK"),
        "runner_image": ("mine", "RUN"),
        "terraform_workflow_tool": ("TERRAFORM_FOSS", "STACK"),
    }
    shared = {"source": "CONTEXT", "contextId": made, "contextName": "Keys"}
    own = {"source": "RUN", "contextId": None, "contextName": None}
    assert found["hooks"] == [
        {"phase": "before_plan", "commands": ["check"], "place": shared},
        {"phase": "before_plan", "commands": ["echo"], "place": own},
    ]
    key, region = (o for o in found["elements"] if o["place"]["source"] != "COMPUTED")
    assert (key["id"], key["writeOnly"], key["place"]["contextName"]) == ("KEY", True, "Keys")
    assert (region["id"], region["place"]["source"]) == ("REGION", "RUN")
    assert region["overrides"] == [{"source": "CONTEXT", "contextName": "Keys"}]


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"yaml": "a: ]"}, "not YAML in line 1"),
        ({"yaml": "stacks: {}"}, "does not read `stacks` (line 1)"),
        ({"yaml": "terraform_version: newest"}, "is not a version or a range (line 1)"),
        ({"environment": [{"key": "A B", "value": "x"}]}, "not a name for an environment variable"),
        ({"projectRoot": "a\nb"}, "`project_root` must be a text"),
    ],
)
async def test_a_configuration_that_no_run_can_have_starts_none(core, ada, stack, config, words):
    before = await everything(core)

    message, code = await ada.refusal(TRIGGER, stack=stack.id, config=config)

    assert words in message
    assert code == "BAD_RUNTIME_CONFIG"
    assert await everything(core) == before


async def test_what_came_with_a_run_is_nowhere_in_the_open(core, ada, stack):
    yaml = "environment: {A: 't0p s3cret'}"
    await ada.ask(TRIGGER, stack=stack.id, config={"yaml": yaml})
    structured = [{"key": "A", "value": "t0p s3cret"}]
    await ada.ask(TRIGGER, stack=stack.id, config={"environment": structured})

    for table in ("run", "run_configuration", "audit_entry", "live_event", "procrastinate_jobs"):
        rows = await core.rows(f"select row::text from {table} row")
        assert "t0p s3cret" not in str(rows), table


async def test_a_local_preview_heeds_the_file_that_was_uploaded_with_it(core, ada):
    stack = await given_a_stack(core, await given_a_pool(core), local_preview_enabled=True)
    text = b"stacks: {network: {project_root: uploaded}}"
    asked = "mutation ($stack: ID!) { uploadLocalWorkspace(stack: $stack) { id } }"
    workspace = (await ada.ask(asked, stack=stack.id))["uploadLocalWorkspace"]["id"]
    ((key,),) = await core.rows("select object_key from local_workspace")
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        entry = tarfile.TarInfo(".spacelift/config.yml")
        entry.size = len(text)
        tar.addfile(entry, io.BytesIO(text))
    await core.objects.put(Bucket.USER_UPLOADED_WORKSPACES, key, out.getvalue())

    made = await ada.ask(
        "mutation ($stack: ID!, $workspace: ID!) {"
        " runProposeLocalWorkspace(stack: $stack, workspace: $workspace) { id } }",
        stack=stack.id,
        workspace=workspace,
    )

    found = await configuration(ada, stack, made["runProposeLocalWorkspace"]["id"])
    assert found["file"] == ".spacelift/config.yml"
    assert {"name": "project_root", "value": "uploaded", "source": "FILE"} in found["settings"]
