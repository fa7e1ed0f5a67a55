"""What the page of a stack asks for: what keeps runs from starting, rights, signals of changes."""

from __future__ import annotations

import structlog
from gantry.domains.people.access import EVERYTHING
from gantry.domains.runs.obstacles import obstacles
from gantry.domains.runs.states import Kind
from gantry.domains.stacks import repo
from gantry.domains.stacks import service as stacks
from gantry.domains.stacks.model import Provider, Vendor
from gantry.kernel.ids import new_id
from gantry.kernel.tx import Actor

from tests.support.given import (
    ADMIN,
    READER,
    STRANGER,
    WRITER,
    given_a_pool,
    given_a_stack,
    given_a_state,
)

HEAD = """
query ($id: ID!) {
  stack(id: $id) {
    tracked: obstacle task: obstacle(runType: TASK) preview: obstacle(runType: PROPOSED)
    permitted stateSerial config(type: FILE_MOUNT) { id }
  }
}
"""
ADD = "mutation ($id: ID!, $c: ConfigInput!) { stackConfigAdd(stack: $id, config: $c) { id } }"
DELETE = 'mutation ($id: ID!) { stackConfigDelete(stack: $id, id: "A") { id } }'


async def why(core, stack, kind=Kind.TRACKED, *, by=ADMIN):
    async with core.db.read(by) as tx:
        return (await obstacles(tx, [(stack.id, kind)])).get((stack.id, kind))


async def change(core, stack, **values):
    async with core.db.write(ADMIN) as tx:
        held = await repo.lock(tx, stack.id)
        for name, value in values.items():
            setattr(held, name, value)


async def test_nothing_keeps_a_run_from_starting_on_a_stack_in_order(core, stack):
    for kind in (Kind.TRACKED, Kind.PROPOSED, Kind.DESTROY, Kind.TASK):
        assert await why(core, stack, kind) is None, kind


async def test_a_lock_keeps_others_from_all_but_previews(core, stack):
    async with core.db.write(WRITER) as tx:
        await stacks.lock(tx, stack.id, note="by hand")

    said = f"stack is locked by {WRITER.name} (by hand); only they can start runs on it"
    for kind in (Kind.TRACKED, Kind.DESTROY, Kind.TASK):
        assert await why(core, stack, kind) == said
        assert await why(core, stack, kind, by=WRITER) is None
    assert await why(core, stack, Kind.PROPOSED) is None


async def test_what_is_wrong_with_the_stack_is_said_as_it_would_be_refused(core, stack):
    await change(core, stack, disabled=True)
    assert "disabled" in await why(core, stack, Kind.PROPOSED)

    await change(core, stack, disabled=False, tracked_commit_id=None, sync_error="no such branch")
    assert await why(core, stack) is None  # a run looks the branch up again
    assert await why(core, stack, Kind.TASK) == "The stack tracks no commit: no such branch"

    await change(core, stack, provider=Provider.GITHUB)
    assert "no GITHUB integration" in await why(core, stack)

    await change(core, stack, vendor=Vendor.PULUMI)
    assert "cannot run pulumi stacks" in await why(core, stack)

    await change(core, stack, deleting=True)
    assert await why(core, stack) == "The stack is being deleted."


async def test_a_stack_without_a_pool_needs_the_public_one(core):
    stack = await given_a_stack(core, None)

    assert "runs no public one" in await why(core, stack)


async def test_rights_are_asked_for_each_kind(core, stack):
    assert "RUN_TRIGGER" in await why(core, stack, by=READER)
    assert "TASK_CREATE" in await why(core, stack, Kind.TASK, by=READER)
    assert await why(core, stack, by=STRANGER) is None  # there is no such stack for them
    tasks_only = frozenset({"SPACE_READ", "TASK_CREATE"})
    tom = Actor("user", new_id(), name="admin::tom", everywhere=tasks_only)
    assert await why(core, stack, Kind.TASK, by=tom) is None


async def test_the_page_is_told_of_rights_serial_and_files(core, ada):
    stack = await given_a_stack(core, await given_a_pool(core))
    found = (await ada.ask(HEAD, id=stack.id))["stack"]
    assert found == {
        "tracked": None,
        "task": None,
        "preview": None,
        "permitted": found["permitted"],
        "stateSerial": None,
        "config": [],
    }
    assert set(found["permitted"]) == set(EVERYTHING)

    await given_a_state(core, stack, 2**40)
    file = {"id": "a/b", "type": "FILE_MOUNT", "value": "YQ==", "writeOnly": False}
    variable = {"id": "A", "type": "ENVIRONMENT_VARIABLE", "value": "a", "writeOnly": False}
    await ada.ask(ADD, id=stack.id, c=file)
    await ada.ask(ADD, id=stack.id, c=variable)

    found = (await ada.ask(HEAD, id=stack.id))["stack"]
    assert (found["stateSerial"], found["config"]) == (str(2**40), [{"id": "a/b"}])


async def test_open_pages_hear_that_the_environment_was_changed(core, ada):
    stack = await given_a_stack(core, await given_a_pool(core))
    variable = {"id": "A", "type": "ENVIRONMENT_VARIABLE", "value": "a", "writeOnly": False}

    async def heard():
        (row,) = await core.rows(
            "select count(*) from live_event where topic = :topic", topic=f"stack:{stack.id}"
        )
        return row[0]

    before = await heard()
    await ada.ask(ADD, id=stack.id, c=variable)
    assert await heard() == before + 1
    await ada.ask(DELETE, id=stack.id)
    assert await heard() == before + 2
    await ada.ask(DELETE, id=stack.id)
    assert await heard() == before + 2


async def test_a_client_that_leaves_in_the_middle_of_its_request_is_no_bug(ada):
    sent: list[dict[str, object]] = []

    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/graphql",
        "raw_path": b"/graphql",
        "query_string": b"",
        "headers": [
            (b"content-type", b"application/json"),
            (b"authorization", ada.headers["authorization"].encode()),
        ],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    with structlog.testing.capture_logs() as said:
        await ada.app(scope, receive, send)

    assert [line for line in said if line["log_level"] == "error"] == []
    assert sent[0]["status"] == 499
