"""Whatever is sent to whichever door, the answer is one: never a failure of ours."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest
from gantry.api.graphql.schema import schema
from gantry.kernel.ids import new_id
from gantry.kernel.tx import SYSTEM
from gantry_protocol.calls import AUDIENCE
from gantry_protocol.words import Phase
from gantry_worker.keys import load_pool_key
from graphql import GraphQLInputObjectType, GraphQLNonNull, get_named_type
from hypothesis import given
from hypothesis import strategies as st
from hypothesis_graphql import from_schema

from tests.support.fuzzing import ANY_JSON, DEEP, ODD_NUMBER, ODD_TEXT, fuzz
from tests.support.given import (
    given_a_pool,
    given_a_stack,
    given_a_task,
    given_a_worker,
    manifest_of,
    run_now,
)


def dumped(value: Any) -> bytes:
    """JSON in ASCII, which can say every text there is; NaN and Infinity are as Python has them."""
    return json.dumps(value).encode()


# -- GraphQL

TOKENS = st.sampled_from(
    [
        *("{", "}", "(", ")", "[", "]", ":", "!", "=", "@", "$", "...", "&", "|", ",", "#"),
        *("query", "mutation", "subscription", "fragment", "on", "null", "true", "schema", "type"),
        *("stacks", "stack", "id", "runs", "searchStacks", "input", "first", "edges", "node"),
        *("__schema", "__type", "__typename", "runConfirm", "a", "-1", "1e9", "99999999999999"),
        *('"x"', '"""y"""', '"\\u0000"', '"\\ud800"', '"', '"""', "\n", " ", "\ufeff", "\0", "é"),
    ]
)
TEXTS = st.one_of(
    st.lists(TOKENS, max_size=40).map(" ".join),
    st.lists(TOKENS, max_size=12).map(lambda tokens: "{ " + " ".join(tokens) + " }"),
    ODD_TEXT,
)


async def answered(caller: Any, body: bytes) -> None:
    """Sent as it is; told what became of it, in JSON."""
    headers = {"content-type": "application/json", **caller.headers}
    response = await caller.http.post("/graphql", content=body, headers=headers)
    said = response.json()
    assert response.status_code in (200, 400), said
    if response.status_code == 200:
        codes = [error["extensions"]["code"] for error in said.get("errors", [])]
        assert "INTERNAL" not in codes, (body, said)


@fuzz(60)
@given(TEXTS, ANY_JSON, ANY_JSON)
async def test_any_text_gets_an_answer(ada, text, variables, operation):
    body = {"query": text, "variables": variables, "operationName": operation}
    await answered(ada, dumped(body))


@fuzz(30)
@given(st.binary(max_size=64) | ANY_JSON.map(dumped) | st.sampled_from(DEEP))
async def test_any_bytes_get_an_answer(ada, nobody, body):
    for caller in (ada, nobody):
        await answered(caller, body)


@fuzz(8)
@given(from_schema(schema.as_str()))
async def test_any_document_that_fits_the_schema_gets_an_answer(ada, document):
    await answered(ada, dumped({"query": document}))


MUTATIONS = schema._schema.mutation_type.fields
QUERIES = schema._schema.query_type.fields


@st.composite
def calls(draw: Any) -> tuple[str, dict[str, Any]]:
    """One field of the roots with arguments of their types, odd ones, as variables."""
    kind, fields = draw(st.sampled_from([("mutation", MUTATIONS), ("query", QUERIES)]))
    name = draw(st.sampled_from(sorted(fields)))
    field, given = fields[name], {}
    for argument, about in field.args.items():
        if isinstance(about.type, GraphQLNonNull) or draw(st.booleans()):
            given[argument] = draw(_values(about.type))
    declared = ", ".join(f"${argument}: {field.args[argument].type}" for argument in given)
    passed = ", ".join(f"{argument}: ${argument}" for argument in given)
    below = " { __typename }" if hasattr(get_named_type(field.type), "fields") else ""
    head = f"({declared})" if given else ""
    return f"{kind} {head} {{ {name}{f'({passed})' if given else ''}{below} }}", given


def _values(kind: Any, depth: int = 0) -> st.SearchStrategy[Any]:
    if isinstance(kind, GraphQLNonNull):
        return _values(kind.of_type, depth)
    if hasattr(kind, "of_type"):
        return st.lists(_values(kind.of_type, depth + 1), max_size=2)
    if isinstance(kind, GraphQLInputObjectType):
        needed = {n for n, f in kind.fields.items() if isinstance(f.type, GraphQLNonNull)}
        wanted = {n: _values(f.type, depth + 1) for n, f in kind.fields.items() if n in needed}
        others = {
            n: _values(f.type, depth + 1)
            for n, f in kind.fields.items()
            if n not in needed and depth < 3
        }
        return st.fixed_dictionaries(wanted, optional=others)
    if hasattr(kind, "values"):
        return st.sampled_from(sorted(kind.values))
    return {
        "Int": st.integers(-(2**31), 2**31 - 1),
        "Float": st.floats(allow_nan=False, allow_infinity=False),
        "Boolean": st.booleans(),
    }.get(kind.name, ODD_TEXT | st.sampled_from(["network", "main", "1.5.7", new_id()]))


@fuzz(60)
@given(calls())
async def test_any_call_with_values_of_its_types_gets_an_answer(ada, call):
    document, variables = call
    await answered(ada, dumped({"query": document, "variables": variables}))


# -- workers


class Worker:
    """A worker that holds a task, and says what it likes."""

    def __init__(self, http, core, hand, task):
        key = load_pool_key(core.keys.pool_keys[0])
        proof = key.proof(worker_id=hand.id, audience=AUDIENCE, pool_id=hand.pool.id)
        self.http, self.task, self.fence = http, task, hand.held[task.id]
        self.headers = {"authorization": f"Bearer {proof}", "gantry-pool": hand.pool.id}

    async def say(self, path: str, body: bytes, **query: Any) -> Any:
        url = f"/worker/v1/{path}"
        return await self.http.post(url, content=body, headers=self.headers, params=query)


@pytest.fixture
async def worker(core, nobody):
    pool = await given_a_pool(core)
    hand = await given_a_worker(core, pool)
    task = await given_a_task(core, await given_a_stack(core, pool), skip_init=True)
    await hand.take(task)
    await hand.done(task, Phase.PREPARE)
    return Worker(nobody.http, core, hand, task)


LEASE = st.fixed_dictionaries(
    {"run_id": ODD_TEXT, "fence": ODD_NUMBER}, optional={"more": ANY_JSON}
)
REPORT = st.fixed_dictionaries(
    {"kind": st.sampled_from(["phase_done", "planned", "applied", "failed", "stopped", "odd"])},
    optional={
        "phase": st.sampled_from([*(phase.value for phase in Phase), "odd"]),
        "reason": ODD_TEXT,
        "changed": st.booleans(),
        "changes": st.lists(ANY_JSON, max_size=2),
        "delta": ANY_JSON,
        "plan_sha256": ODD_TEXT,
        "outputs": st.lists(ANY_JSON, max_size=2),
        "tool_version": ODD_TEXT,
    },
)
STEP = st.fixed_dictionaries(
    {"name": ODD_TEXT, "ago": ODD_NUMBER, "lasted": ODD_NUMBER}, optional={"failed": st.booleans()}
)
SAID = {
    "register": st.fixed_dictionaries(
        {},
        optional={
            "protocol": ODD_NUMBER,
            "version": ODD_TEXT,
            "metadata": st.dictionaries(ODD_TEXT, ODD_TEXT, max_size=2),
            "concurrency": ODD_NUMBER,
        },
    ),
    "next": st.fixed_dictionaries({}, optional={"held": st.lists(LEASE, max_size=2)}),
    "heartbeat": st.fixed_dictionaries({}, optional={"held": st.lists(LEASE, max_size=2)}),
    "runs/RUN/manifest": LEASE,
    "runs/RUN/ticket": st.fixed_dictionaries({"fence": ODD_NUMBER}, optional={"what": ODD_TEXT}),
    "runs/RUN/report": st.fixed_dictionaries(
        {"fence": ODD_NUMBER | st.just("FENCE"), "report": REPORT},
        optional={
            "tail": st.fixed_dictionaries(
                {"state_version": ODD_NUMBER, "offset": ODD_NUMBER, "data": ODD_TEXT}
            ),
            "steps": st.lists(STEP, max_size=2),
        },
    ),
}


@fuzz(80)
@given(st.data())
async def test_whatever_a_worker_says_gets_an_answer(worker, data):
    path = data.draw(st.sampled_from(sorted(SAID)))
    said = data.draw(SAID[path] | ANY_JSON)
    if isinstance(said, dict) and said.get("fence") == "FENCE":
        said["fence"] = worker.fence
    odd_run = data.draw(st.sampled_from([worker.task.id, worker.task.id, new_id(), "x", "%00"]))

    response = await worker.say(path.replace("RUN", odd_run), dumped(said))

    assert response.status_code in (200, 400, 404, 409), (response.status_code, response.text)


@fuzz(60)
@given(ODD_NUMBER | ODD_TEXT, ODD_NUMBER | ODD_TEXT, ODD_NUMBER | ODD_TEXT, st.binary(max_size=64))
async def test_whatever_a_worker_logs_gets_an_answer(worker, version, fence, offset, data):
    def text(value):
        return str(value).encode("utf-8", "replace").decode()

    path = f"runs/{worker.task.id}/logs/{quote(text(version), safe='') or '0'}"
    for right_fence in (worker.fence, text(fence)):
        response = await worker.say(path, data, fence=right_fence, offset=text(offset))
        assert response.status_code in (200, 400, 404), (response.status_code, response.text)


@fuzz(20)
@given(st.binary(max_size=64) | ANY_JSON.map(dumped) | st.sampled_from(DEEP))
async def test_any_bytes_of_a_worker_get_an_answer(worker, body):
    for path in (*SAID, "runs/RUN/unsaved-state?fence=1"):
        response = await worker.say(path.replace("RUN", worker.task.id), body)
        assert response.status_code in (200, 400, 404, 409), (path, response.text)


# -- Terraform's backend, and the way in


@pytest.fixture
async def backend(core, nobody, worker):
    """Sends what it likes with the credential of a task that may write the state."""
    run = await run_now(core, worker.task)
    built = await manifest_of(core, await _stack(core, run), run)
    login = f"{built.backend.username}:{built.backend.password}".encode()
    headers = {"authorization": f"Basic {base64.b64encode(login).decode()}"}

    async def send(method: str, body: bytes, **query: str) -> Any:
        url = f"/state/{run.stack_id}"
        return await nobody.http.request(method, url, content=body, headers=headers, params=query)

    return send


async def _stack(core, run):
    from gantry.domains.runs import repo

    async with core.db.read(SYSTEM) as tx:
        return await repo.stack_of(tx, run)


LOCK = st.fixed_dictionaries({}, optional={"ID": ANY_JSON, "Who": ANY_JSON, "Info": ANY_JSON})


@fuzz(60)
@given(
    st.sampled_from(["LOCK", "UNLOCK", "POST"]),
    LOCK.map(dumped) | ANY_JSON.map(dumped) | st.binary(max_size=64) | st.sampled_from(DEEP),
)
async def test_whatever_the_backend_is_sent_gets_an_answer(backend, method, body):
    response = await backend(method, body)

    assert response.status_code in (200, 400, 409, 423), (response.status_code, response.text)


@fuzz(60)
@given(
    st.fixed_dictionaries({"username": ANY_JSON, "password": ANY_JSON}).map(dumped)
    | ANY_JSON.map(dumped)
    | st.binary(max_size=64)
    | st.sampled_from(DEEP)
)
async def test_whatever_somebody_signs_in_with_gets_an_answer(core, nobody, body):
    for path in ("/admin-login", "/session"):
        for kind in ("application/json", "application/x-www-form-urlencoded"):
            response = await nobody.http.post(path, content=body, headers={"content-type": kind})
            seen = (response.status_code, response.text)
            assert response.status_code in (400, 401, 413, 429), seen
            assert "set-cookie" not in response.headers


@fuzz(40)
@given(st.sampled_from(["authorization", "cookie", "gantry-pool", "last-event-id"]), ODD_TEXT)
async def test_whatever_a_header_says_gets_an_answer(nobody, name, text):
    value = text.encode("utf-8", "replace").replace(b"\r", b"").replace(b"\n", b"")
    before = "gantry_session=" if name == "cookie" else "Bearer "
    headers = [(name.encode(), before.encode() + value)]
    for path in ("/", "/stack/x", "/plans/x", "/worker/v1/next"):
        method = "POST" if "worker" in path else "GET"
        response = await nobody.http.request(method, path, headers=headers)
        assert response.status_code < 500, response.text
