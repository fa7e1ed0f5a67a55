"""What is too large, or too much, is refused in so many words, and nothing of it is kept."""

from __future__ import annotations

import base64
import json
from datetime import timedelta

import pytest
from gantry.domains.contexts import rules
from gantry.domains.contexts import service as contexts
from gantry.domains.contexts.kinds import ElementType, OwnerKind
from gantry.domains.people.service import FAILURES_ALLOWED
from gantry.domains.stacks import service as stacks
from gantry.domains.stacks.vendors import BadStack
from gantry.kernel.errors import TooLarge
from gantry.ports.objects import Bucket, ObjectMissing
from gantry_protocol.calls import AUDIENCE, MAX_LOG_CHUNK, MAX_LOG_TAIL, MAX_STEPS
from gantry_protocol.words import Phase
from gantry_worker.keys import load_pool_key

from tests.support.given import (
    ADMIN,
    everything,
    given_a_pool,
    given_a_stack,
    given_a_task,
    given_a_worker,
    wanted,
)


@pytest.fixture
async def task(core):
    """A task that a worker performs: (the worker, the task)."""
    pool = await given_a_pool(core)
    hand = await given_a_worker(core, pool)
    task = await given_a_task(core, await given_a_stack(core, pool), skip_init=True)
    await hand.take(task)
    await hand.done(task, Phase.PREPARE)
    return hand, task


@pytest.fixture
async def say(core, nobody, task):
    """Send what the worker says, and get (status, code)."""
    hand, run = task
    key = load_pool_key(core.keys.pool_keys[0])
    proof = key.proof(worker_id=hand.id, audience=AUDIENCE, pool_id=hand.pool.id)
    headers = {"authorization": f"Bearer {proof}", "gantry-pool": hand.pool.id}

    async def send(path, body):
        url = f"/worker/v1/{path}".replace("RUN", run.id)
        response = await nobody.http.post(url, content=body, headers=headers)
        return response.status_code, response.json()["code"]

    return send


async def test_requests_of_strangers_are_small(core, nobody, ada):
    before = await everything(core)
    body = {"query": "{ viewer { id } }", "variables": {"x": "y" * 65 * 1024}}

    stranger, known = await nobody.send(body), await ada.send(body)

    assert stranger.json()["errors"][0]["extensions"]["code"] == "TOO_LARGE"
    assert stranger.json()["data"] is None
    assert "errors" not in known.json()
    assert await everything(core) == before


async def test_a_body_that_does_not_say_how_long_it_is_is_refused_as_soon_as_it_is_too_long(nobody):
    sent = 0

    async def endless():
        nonlocal sent
        while True:
            sent += 1
            yield b" " * 16 * 1024

    response = await nobody.http.post(
        "/graphql", content=endless(), headers={"content-type": "application/json"}
    )

    assert response.json()["errors"][0]["extensions"]["code"] == "TOO_LARGE"
    assert sent < 10


@pytest.mark.parametrize(
    ("path", "body", "refusal"),
    [
        ("heartbeat", b" " * (256 * 1024 + 1), (413, "TOO_LARGE")),
        ("runs/RUN/logs/2?fence=1&offset=0", b"x" * (MAX_LOG_CHUNK + 1), (413, "TOO_LARGE")),
        ("runs/RUN/logs/2?fence=1&offset=-1", b"x", (400, "BAD_WORKER_CALL")),
        ("runs/RUN/logs/2?fence=1&offset=9" + "9" * 20, b"x", (400, "BAD_WORKER_CALL")),
        ("runs/RUN/logs/9" + "9" * 20 + "?fence=1&offset=0", b"x", (400, "BAD_WORKER_CALL")),
        ("runs/%00/logs/2?fence=1&offset=0", b"x", (404, "NOT_FOUND")),
        ("runs/RUN/report", {"steps": MAX_STEPS + 1}, (400, "BAD_WORKER_CALL")),
        ("runs/RUN/report", {"tail": MAX_LOG_TAIL + 1}, (400, "BAD_WORKER_CALL")),
        ("runs/RUN/report", {"fence": 2**63}, (400, "BAD_WORKER_CALL")),
    ],
)
async def test_a_worker_that_says_too_much_is_told_so(core, say, path, body, refusal):
    if isinstance(body, dict):
        step = {"name": "task", "ago": 1, "lasted": 1}
        tail = base64.b64encode(b"x" * body.get("tail", 0)).decode()
        report = {"fence": body.get("fence", 1), "steps": [step] * body.get("steps", 0)}
        report["report"] = {"kind": "phase_done", "phase": "perform", "wrapped_up": True}
        report["tail"] = {"state_version": 2, "offset": 0, "data": tail}
        body = json.dumps(report).encode()
    before = await everything(core)

    assert await say(path, body) == refusal
    assert await everything(core) == before


async def test_an_upload_that_is_too_large_is_not_kept(core, nobody):
    limit = nobody.app.state.house.max_upload_bytes
    url = await core.objects.upload_url(Bucket.UPLOADS, "large", lasts=timedelta(minutes=1))

    response = await nobody.http.put(url, content=b"x" * (limit + 1))

    assert (response.status_code, response.json()["code"]) == (413, "TOO_LARGE")
    with pytest.raises(ObjectMissing):
        await core.objects.get(Bucket.UPLOADS, "large")


async def test_after_ten_failed_sign_ins_also_the_right_password_waits(core, nobody, ada):
    wrong = {"username": "ada", "password": "guess"}
    for _ in range(FAILURES_ALLOWED):
        assert (await nobody.http.post("/admin-login", json=wrong)).status_code == 401
    sessions = await core.rows("select * from session")

    refused = await nobody.http.post(
        "/admin-login", json={"username": "ada", "password": "the password of these tests"}
    )
    other = await nobody.http.post("/admin-login", json={"username": "bob", "password": "x"})

    assert (refused.status_code, refused.json()["code"]) == (429, "TOO_MANY_REQUESTS")
    assert other.status_code == 401
    assert await core.rows("select * from session") == sessions


@pytest.mark.parametrize("body", [b"[" * 10_000, b'{"username": "\\ud800"}', b'{"a": "\\u0000"}'])
async def test_a_sign_in_that_no_database_could_keep_is_refused(core, nobody, body):
    before = await everything(core)
    headers = {"content-type": "application/json"}

    response = await nobody.http.post("/admin-login", content=body, headers=headers)

    assert (response.status_code, response.json()["code"]) == (400, "BAD_REQUEST")
    assert await everything(core) == before


@pytest.mark.parametrize(
    ("kind", "most", "each"),
    [
        (ElementType.ENVIRONMENT_VARIABLE, rules.MAX_VARIABLES_TOTAL, "x" * rules.MAX_VALUE_BYTES),
        (
            ElementType.FILE_MOUNT,
            rules.MAX_FILES_TOTAL,
            base64.b64encode(b"x" * rules.MAX_FILE_BYTES).decode(),
        ),
    ],
)
async def test_a_stack_holds_no_more_than_a_worker_can_be_given(core, stack, kind, most, each):
    async def put(number, value):
        async with core.db.write(ADMIN) as tx:
            await contexts.put(
                tx,
                core.vault,
                owner=OwnerKind.STACK,
                owner_id=stack.id,
                element_type=kind,
                element_id=f"E{number}",
                value=value,
                write_only=True,
                description=None,
            )

    fits = most // (len(each) + 64)  # with names and seals
    for number in range(fits):
        await put(number, each)
    await put(0, each)  # the same once more takes no more room
    before = await core.rows("select id, checksum from config_element order by id")

    with pytest.raises(TooLarge, match="together"):
        await put("_too_much", each)

    assert await core.rows("select id, checksum from config_element order by id") == before


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"description": "x" * 10_001}, "description: must have at most 10000 characters"),
        ({"labels": [f"l{n}" for n in range(101)]}, "labels: there are at most 100"),
        ({"labels": ["x" * 256]}, "labels: each has at most 255 characters"),
        ({"hooks": {"before_init": ["x" * 300_000]}}, "hooks: all commands together"),
    ],
)
async def test_a_stack_that_says_too_much_of_itself_is_not_made(core, pool, settings, words):
    before = await everything(core)

    async def make():
        async with core.db.write(ADMIN) as tx:
            asked = wanted(core, "Too much", pool_id=pool.id, **settings)
            await stacks.create(tx, asked, manages_state=True)

    with pytest.raises(BadStack, match=words):
        await make()

    assert await everything(core) == before
