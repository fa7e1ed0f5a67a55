"""How a worker takes a server's no, a run that cannot be begun, and a doubtful lease."""

import asyncio
import base64
import json
import subprocess

import pytest
import structlog
from gantry_protocol.calls import Beaten, Held, LeaseAnswer, LogAnswer, Registered
from gantry_protocol.token import PoolToken
from gantry_worker.agent import Agent
from gantry_worker.control_plane import ControlPlane
from gantry_worker.holds import Holds, heed
from gantry_worker.journal import Journal
from gantry_worker.keys import PoolKey
from gantry_worker.masking import Masker
from gantry_worker.performance import MAX_REASON, failed
from gantry_worker.runtimes import process
from gantry_worker.runtimes.choice import Choice
from gantry_worker.settings import load_settings
from structlog.testing import capture_logs

from tests.integration.worker.stand_in import standing_in

REGISTERED = {
    "worker_id": "W",
    "heartbeat_seconds": 60,
    "lease_seconds": 90,
    "poll_seconds": 60,
}
OFFER = {"run_id": "RUN", "fence": 1, "state": "PREPARING", "state_version": 1}
NO = (409, {"code": "CONFLICT", "message": "Register first."})
END = (200, {"accepted": True, "then": "end"})


@pytest.fixture
async def there():
    async with standing_in() as server:
        server.answers["register"] = [(200, REGISTERED)]
        server.answers["goodbye"] = [(204, b"")]
        server.answers["report"] = [END]
        yield server


@pytest.fixture
def agent(there, tmp_path):
    words = ("openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
    pem = subprocess.run(words, capture_output=True, check=True, text=True).stdout
    settings = load_settings({"SPACELIFT_TOKEN": "t", "SPACELIFT_POOL_PRIVATE_KEY": "k"})
    return Agent(
        settings.model_copy(update={"work_dir": tmp_path}),
        PoolToken(
            api=there.url, broker="tcp://127.0.0.1:1", namespace="n", pool_id="POOL", certificate=""
        ),
        PoolKey(pem),
        Choice("process", False, process.for_run),
        {},
        "test",
    )


async def test_a_worker_that_gets_no_work_any_more_leaves_in_order(there, agent):
    there.answers["next"] = [NO]

    async with asyncio.timeout(20):
        await agent.run()

    assert there.bodies("goodbye")


async def test_a_page_of_an_ingress_does_not_end_a_worker(there, agent):
    there.answers["next"] = [(404, b"<html>"), (200, {"orders": {"shutdown": True}})]

    async with asyncio.timeout(20):
        asyncio.get_running_loop().call_later(0.2, agent._news.set)
        await agent.run()

    assert len(there.bodies("next")) == 2


async def test_a_run_that_cannot_be_begun_is_reported_as_failed(there, agent):
    there.answers["next"] = [
        (200, {"offer": {**OFFER, "manifest": "not sealed for us"}}),
        (200, {"orders": {"shutdown": True}}),
    ]

    async with asyncio.timeout(20):
        await agent.run()

    (told,) = [json.loads(body) for body in there.bodies("report")]
    assert told["fence"] == 1
    assert told["report"]["kind"] == "failed"
    assert "could not be begun" in told["report"]["reason"]


async def test_every_line_about_a_run_names_it_and_its_stack(there, agent):
    there.answers["next"] = [
        (200, {"offer": {**OFFER, "stack_id": "network", "manifest": "not sealed for us"}}),
        (200, {"orders": {"shutdown": True}}),
    ]

    with capture_logs([structlog.contextvars.merge_contextvars]) as said:
        async with asyncio.timeout(20):
            await agent.run()

    about = {line["event"]: (line.get("run_id"), line.get("stack_id")) for line in said}
    assert about["run taken"] == ("RUN", "network")
    assert about["run could not be begun"] == ("RUN", "network")
    assert about["told to leave"] == (None, None)


@pytest.mark.parametrize("held", [True, False])
async def test_a_doubtful_lease_is_asked_about_before_anything_is_changed(there, agent, held):
    there.answers["heartbeat"] = [
        (200, {"leases": [{"run_id": "RUN", "held": held, "reason": "gone"}]})
    ]
    agent._lease_seconds = 90.0
    hold = agent._holds.take(Held(run_id="RUN", fence=1))

    assert await agent._still_ours(hold)
    assert not there.asked
    hold.confirmed -= 91.0

    assert await agent._still_ours(hold) is held
    assert len(there.asked) == 1


async def test_a_doubtful_lease_is_none_when_the_worker_is_refused(there, agent):
    there.answers["heartbeat"] = [NO]
    hold = agent._holds.take(Held(run_id="RUN", fence=1))

    assert not await agent._still_ours(hold)


async def test_a_worker_with_a_lease_to_lose_tries_again_soon_to_be_heard(there, agent):
    there.answers["heartbeat"] = [(503, b""), (200, {"leases": []})]
    agent._holds.take(Held(run_id="RUN", fence=1))
    await agent._beat()

    hourly = Registered(
        worker_id="W", heartbeat_seconds=3600.0, lease_seconds=9000.0, poll_seconds=15.0
    )
    hour = asyncio.create_task(agent._keep_alive(hourly))
    async with asyncio.timeout(20):
        while agent._unheard:
            await asyncio.sleep(0.05)
    hour.cancel()

    assert len(there.bodies("heartbeat")) == 2


async def test_a_full_log_has_no_tail(there):
    full = LogAnswer(accepted=False, full=True, offset=0, reason="it is full")
    there.answers["logs/1"] = [(200, full.model_dump())]
    server = ControlPlane(there.url, "POOL", lambda: "proof")
    lease = Held(run_id="RUN", fence=1)
    journal = Journal(server, lease, Masker([]), stack_id="s", mirror=None)
    await journal.turn_to(1)

    await journal.write(b"x" * 300_000)

    assert await journal.pause() is None
    await journal.say("nobody takes this")
    assert await journal.pause() is None
    await server.close()


async def test_a_worker_that_no_server_answers_leaves_when_it_is_told_to(agent, there):
    there.answers["register"] = [(503, b"")]
    going = asyncio.ensure_future(agent.run())
    while not there.bodies("register"):
        await asyncio.sleep(0.01)

    agent.leave()

    async with asyncio.timeout(5):
        await going
    assert there.bodies("goodbye") == []


async def test_a_log_is_mirrored_line_by_line_and_masked(there, capsys):
    there.answers["logs/1"] = [lambda path, body: (200, {"accepted": True, "offset": len(body)})]
    server = ControlPlane(there.url, "POOL", lambda: "proof")
    lease = Held(run_id="RUN", fence=1)
    journal = Journal(
        server, lease, Masker(["hunter22"]), stack_id="s", mirror=Masker(["hunter22"])
    )
    await journal.turn_to(1)

    for piece in (b"one\ntw", b"o hun", b"ter22\nthe", b"\nunfinished"):
        await journal.write(piece)
    await journal.pause()
    await server.close()

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["msg"] for line in lines] == ["one", "two *****", "the", "unfinished"]
    assert {(line["run_ulid"], line["stack_id"]) for line in lines} == {("RUN", "s")}


def test_a_heartbeats_answer_about_an_older_lease_changes_nothing():
    hold = Holds().take(Held(run_id="RUN", fence=2))

    heed([hold], Beaten(leases=[LeaseAnswer(run_id="RUN", fence=1, held=False)]), 0.0)
    assert not hold.lost
    heed([hold], Beaten(leases=[LeaseAnswer(run_id="RUN", fence=2, held=False)]), 0.0)
    assert hold.lost


def test_a_reason_fits_the_protocol_whatever_a_tool_says():
    told = failed("plan", "\0" + base64.b64encode(bytes(10_000)).decode())

    assert len(told.reason) == MAX_REASON
    assert "\0" not in told.reason
