"""What one request may cost, what a configuration may hold, and whose word counts on addresses."""

from __future__ import annotations

from ipaddress import ip_network
from types import SimpleNamespace

import pytest
from gantry.api.doors import client_address
from gantry.api.graphql.cost import require_modest
from gantry.api.graphql.limits import MAX_COST
from gantry.api.graphql.runs.config import runtime_config
from gantry.api.graphql.runs.plain import RuntimeConfigInput
from gantry.api.graphql.schema import schema
from gantry.domains.contexts.documents import BadRuntimeConfig
from graphql import GraphQLError, parse
from starlette.datastructures import Headers

from tests.support.given import everything, given_a_pool, given_a_stack

# -- the cost of documents


def modest(text):
    require_modest(schema._schema, parse(text))


@pytest.mark.parametrize(
    "text",
    [
        "{ stacks { id name state runs { id state history { state timestamp } } } }",
        "{ searchStacks(input: {first: 50}) { edges { node { id runs { id } } } } }",
        "{ a: __typename b: __typename }",
    ],
)
def test_what_clients_ask_is_modest(text):
    modest(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "{ stacks { runs { history { state } comments { body } commit { hash }"
            " changesV3(input: {}) { resources { address metadata { type before after } } } }"
            " proposedRuns { changesV3(input: {}) { resources { address } } }"
            " tasks { changesV3(input: {}) { resources { address } } } } }",
            "asks for too much",
        ),
        (
            "{ searchStacks(input: {first: 500}) { edges { node { runs { changesV3(input: {})"
            " { resources { address } } } } } } }",
            "asks for too much",
        ),
        (
            "fragment A on Stack { runs { ...B ...B ...B } }"
            " fragment B on Run { history { state } comments { body } reviews { id } ...C ...C }"
            " fragment C on Run { changesV3(input: {}) { resources { address } } }"
            " { stacks { ...A ...A ...A } }",
            "asks for too much",
        ),
        ("fragment A on Stack { ...A } { stacks { ...A } }", "contains itself"),
        (
            "fragment A on Stack { ...B } fragment B on Stack { ...A } { stacks { ...A } }",
            "contains itself",
        ),
        ("{ " + "__typename " * 60 + "}", "names one field too often"),
    ],
)
def test_what_asks_for_too_much_is_refused_before_anything_runs(text, words):
    with pytest.raises(GraphQLError, match=words):
        modest(text)


def test_a_document_that_doubles_itself_is_measured_and_refused():
    levels = 60
    parts = [f"fragment F{n} on Stack {{ ...F{n + 1} ...F{n + 1} }}" for n in range(levels)]
    parts += [f"fragment F{levels} on Stack {{ id }}", "{ stacks { ...F0 } }"]

    # It stands for 2**60 fields: measured one by one it would never end.
    with pytest.raises(GraphQLError, match="asks for too much"):
        modest(" ".join(parts))


async def test_a_costly_document_is_an_ordinary_answer_and_does_nothing(core, ada):
    await given_a_stack(core, await given_a_pool(core))
    before = await everything(core)
    deep = "changesV3(input: {}) { resources { address } }"
    text = f"{{ stacks {{ runs {{ {deep} }} proposedRuns {{ {deep} }} tasks {{ {deep} }} }} }}"
    text = text.replace("stacks", "searchStacks(input: {first: 500}) { edges { node", 1) + " } }"

    message, code = await ada.refusal(text)

    assert f"of {MAX_COST}" in message
    assert code == "BAD_DOCUMENT"
    assert await everything(core) == before


# -- a run's own configuration


def read(text):
    return runtime_config(RuntimeConfigInput(yaml=text))


def test_a_configuration_is_read_with_anchors_and_merge_keys():
    text = """
    environment: &common
      COUNT: 010
      SINCE: 2020-01-01
      ON: yes
      NOTHING:
    project_root: "infra"
    before_init: ["echo one", "echo two"]
    """
    found = read(text)

    assert found["environment"] == {
        "COUNT": "010",
        "SINCE": "2020-01-01",
        "ON": "yes",
        "NOTHING": "",
    }
    assert found["project_root"] == "infra"
    assert found["hooks"] == {"before_init": ["echo one", "echo two"]}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "not YAML in line"),
        ("- a list", "not a YAML mapping"),
        ("colour: blue", "does not read `colour`"),
        ("terraform_version: 1.10", "`terraform_version` must be a text; quote it"),
        ("environment: [a]", "`environment` must be a mapping"),
        ("environment: {A: {b: c}}", "must have a single value"),
        ("environment: {'A B': c}", "not a name for an environment variable"),
        ("before_init: echo", "`before_init` must be a list of commands"),
        ("before_init: [[a]]", "`before_init` must be a list of commands"),
        ("environment: {A: " + "x" * 40_000 + "}", "larger than 32768 bytes"),
        ("x" * 300_000, "larger than 262144 bytes"),
        ("environment: " + "{a: " * 30 + "b" + "}" * 30, "nested deeper than 20 levels"),
        ("a: &a [*a]", "contains itself"),
        ("a: &a x\nb: [" + "*a," * 101 + "]", "more than 100 aliases"),
        (
            "a: &a [" + "x," * 99 + "]\nb: &b [" + "*a," * 50 + "]\nc: [" + "*b," * 50 + "]",
            "more than 10000 values",
        ),
        ("a: !!python/object/apply:os.system [id]", "not YAML"),
        ("a: !!int nonsense", "does not read `a`"),
    ],
)
def test_a_configuration_that_no_run_can_have_is_refused_with_the_reason(text, words):
    with pytest.raises(BadRuntimeConfig, match=words):
        read(text)


def test_the_members_of_the_input_win_over_the_text():
    given = RuntimeConfigInput(yaml='project_root: "a"\nbefore_plan: ["x"]', project_root="b")
    assert runtime_config(given) == {"project_root": "b", "hooks": {"before_plan": ["x"]}}


# -- where a request came from


def address(peer, *forwarded, trusted=("10.0.0.0/8", "fd00::/8")):
    headers = Headers(raw=[(b"x-forwarded-for", value.encode()) for value in forwarded])
    house = SimpleNamespace(trusted_proxies=[ip_network(net) for net in trusted])
    app = SimpleNamespace(state=SimpleNamespace(house=house))
    client = SimpleNamespace(host=peer) if peer else None
    return client_address(SimpleNamespace(client=client, headers=headers, app=app))


@pytest.mark.parametrize(
    ("peer", "forwarded", "found"),
    [
        ("192.0.2.1", [], "192.0.2.1"),
        ("192.0.2.1", ["198.51.100.7"], "192.0.2.1"),  # nobody we trust says so
        ("10.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["203.0.113.9, 198.51.100.7"], "198.51.100.7"),  # the first is hearsay
        ("10.0.0.1", ["203.0.113.9", "198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["198.51.100.7, 10.0.0.2"], "198.51.100.7"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", ["nonsense"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.7, nonsense"], "10.0.0.1"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("::ffff:10.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        ("fd00::1", ["2001:db8::5"], "2001:db8::5"),
        (None, ["198.51.100.7"], "unknown"),
    ],
)
def test_the_newest_address_that_no_trusted_proxy_has_is_the_clients(peer, forwarded, found):
    assert address(peer, *forwarded) == found


def test_without_trusted_proxies_the_peer_is_the_client():
    assert address("10.0.0.1", "198.51.100.7", trusted=()) == "10.0.0.1"
