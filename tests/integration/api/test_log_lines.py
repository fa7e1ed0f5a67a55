"""What the log says of a request: which one it was, who asked, and about which run and stack."""

from __future__ import annotations

import io
import json
import logging
import os

import pytest
import structlog
from gantry.apps.process import configure_logging

from tests.support.given import given_a_pool, given_a_run, given_a_stack

UNCONFIRMED = """
mutation ($stack: ID!, $run: ID!) {
  it: runConfirm(stack: $stack, run: $run) { id }
}
"""


@pytest.fixture
def logging_restored():
    """What a process sets up when it starts is undone."""
    before, root = structlog.get_config(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.configure(**before)
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def lines(logging_restored):
    """Reads the lines of a process whose log is collected from standard output."""
    written = io.StringIO()
    configure_logging("info", stream=written, environment="testing")

    def read(event: str) -> list[dict[str, object]]:
        found = [json.loads(line) for line in written.getvalue().splitlines()]
        return [line for line in found if line["event"] == event]

    return read


async def test_a_refused_mutation_names_its_request_its_run_and_its_stack(core, ada, lines):
    stack = await given_a_stack(core, await given_a_pool(core))
    run = await given_a_run(core, stack)

    await ada.refusal(UNCONFIRMED, stack=stack.id, run=run.id)

    (line,) = lines("request refused")
    assert (line["run_id"], line["stack_id"]) == (run.id, stack.id)
    assert line["request_id"]
    assert line["actor"] == "admin::ada"
    assert line["environment"] == "testing"


async def test_what_a_mutation_leads_to_names_the_same_request(core, ada, lines):
    stack = await given_a_stack(core, await given_a_pool(core))

    await ada.ask("mutation ($id: ID!) { runTrigger(stack: $id) { id } }", id=stack.id)

    (line,) = lines("run moved")
    assert line["stack_id"] == stack.id
    assert line["request_id"]
    assert line["actor"] == "admin::ada"


async def test_each_field_of_a_query_names_its_own_stack(ada, lines):
    document = '{ one: stack(id: "one") { id } two: stackStateHistory(stackId: "two", '
    document += "input: {}) { pageInfo { hasNextPage } } }"
    answer = await ada.answer(document)
    assert "errors" in answer

    found = {line["stack_id"] for line in lines("request refused")}

    assert found == {error["path"][0] for error in answer["errors"]}


async def test_whatever_a_client_calls_a_run_the_log_repeats_little_of_it(ada, lines):
    await ada.refusal(UNCONFIRMED, stack="s" * 10_000, run="x" * 10_000)

    (line,) = lines("request refused")
    assert len(str(line["run_id"])) == len(str(line["stack_id"])) == 100


def test_on_a_terminal_lines_are_for_people(logging_restored):
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "w") as terminal:
        configure_logging("info", stream=terminal)
        structlog.get_logger().info("run moved", run_id="R", stack_id="network")
        terminal.flush()
        said = os.read(ours, 10_000).decode()
    os.close(ours)

    assert "run moved" in said
    assert "network" in said
    assert "\x1b[" in said
    with pytest.raises(ValueError, match="Expecting value"):
        json.loads(said)


def test_elsewhere_lines_are_for_machines(logging_restored):
    written = io.StringIO()
    configure_logging("info", stream=written)

    structlog.get_logger().info("run moved", run_id="R", stack_id="network")

    line = json.loads(written.getvalue())
    assert (line["event"], line["run_id"], line["stack_id"]) == ("run moved", "R", "network")
