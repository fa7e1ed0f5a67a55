"""What commands leave whose state nobody takes: it is saved after all, or kept."""

import asyncio
import gzip
import json

import pytest
from gantry_protocol.manifest import StateBackend
from gantry_protocol.words import Phase
from gantry_worker import unsaved
from gantry_worker.agent import clear_leftovers
from gantry_worker.control_plane import ControlPlane
from gantry_worker.workspace import Workspace

from tests.integration.worker.whole_run import (
    NOTHING_LEFT,
    a_key,
    log_of,
    on,
    source,
    took,
)


@pytest.fixture
def impatient(monkeypatch):
    """Nobody waits for a backend that is down."""
    monkeypatch.setattr("gantry_worker.steps.rescue.WAITS", (0.0, 0.0))
    monkeypatch.setattr("gantry_worker.tools.overrides.RETRIES", 0)


async def test_a_state_that_could_not_be_saved_is_offered_again_before_the_run_ends(
    run, there, impatient
):
    down = {"down": False}
    kept = []

    def state(path, body):
        if not body:
            return (200, kept[-1]) if kept else (404, b"")
        if b'"lineage"' in body:
            if down["down"] and len(there.bodies("state")) < down["until"]:
                return 500, b""
            kept.append(body)
        return 200, b""

    def then_down(path, body):
        down.update(down=True, until=len(there.bodies("state")) + 6)
        return on("apply")

    there.answers["state"] = [state]
    there.answers["report"] = [on("init"), on("plan"), then_down, (200, NOTHING_LEFT)]
    backend = StateBackend(address=f"{there.url}/state", username="u", password="of-lease")

    reports = await run([Phase.PREPARE, Phase.INIT, Phase.PLAN, Phase.APPLY], backend=backend)

    assert reports[-1]["kind"] == "failed", reports[-1]
    assert "state was saved" in reports[-1]["reason"], log_of(there)[-3000:]
    assert b"terraform_data" in kept[-1]


@pytest.fixture
async def applied_in_vain(run, there, impatient):
    """A run that has made something, and whose state nobody takes; its reports."""

    async def go():
        def state(path, body):
            return (500, b"") if b'"lineage"' in body else (200, b"") if body else (404, b"")

        there.answers["/state"] = [state]
        there.answers["report"] = [on("init"), on("plan"), on("apply"), (200, NOTHING_LEFT)]
        backend = StateBackend(address=f"{there.url}/state", username="u", password="of-lease")
        phases = [Phase.PREPARE, Phase.INIT, Phase.PLAN, Phase.APPLY]
        return await run(phases, backend=backend)

    return go


def handed_over(there):
    """(query, state) of what the server was given to keep."""
    return [
        (path.partition("?")[2], json.loads(gzip.decompress(body)))
        for path, body in there.asked
        if "/unsaved-state" in path
    ]


async def test_a_state_that_nobody_takes_is_handed_over_to_be_kept(
    applied_in_vain, there, tmp_path
):
    there.answers["unsaved-state"] = [(200, {"accepted": True})]

    reports = await applied_in_vain()

    assert reports[-1]["state_unsaved"]
    assert "gantry admin unsaved-states" in reports[-1]["reason"]
    ((query, state),) = handed_over(there)
    assert query.startswith("fence=")
    assert [resource["type"] for resource in state["resources"]] == ["terraform_data"]
    assert list((tmp_path / "unsaved").iterdir()) == []


async def test_a_state_that_cannot_even_be_handed_over_waits_sealed_on_the_worker(
    applied_in_vain, there, tmp_path, key
):
    there.answers["unsaved-state"] = [(503, b"away")]

    reports = await applied_in_vain()

    (sealed,) = (tmp_path / "unsaved").iterdir()
    assert reports[-1]["state_unsaved"]
    assert str(sealed) in reports[-1]["reason"]
    assert b"terraform_data" not in sealed.read_bytes()
    assert sealed.stat().st_mode & 0o077 == 0

    there.answers["unsaved-state"] = [(200, {"accepted": True})]
    server = ControlPlane(there.url, "POOL", lambda: "proof")
    await unsaved.hand_over_all(server, a_key(), tmp_path / "launcher-0")
    assert sealed.exists(), "another pool's worker has nothing to do with it"
    before = len(handed_over(there))

    await unsaved.hand_over_all(server, key, tmp_path / "launcher-0")

    await server.close()
    assert len(handed_over(there)) == before + 1
    assert list(sealed.parent.iterdir()) == []


async def test_a_link_in_place_of_the_state_keeps_nothing_of_the_host(run, there, tmp_path):
    (tmp_path / "secret").write_text("of-the-host")
    there.answers["report"] = [on("perform"), (200, NOTHING_LEFT)]

    reports = await run(
        [Phase.PREPARE, Phase.PERFORM],
        command=f"ln -s {tmp_path}/secret errored.tfstate; exit 1",
    )

    assert reports[-1]["kind"] == "failed"
    assert not reports[-1]["state_unsaved"]
    assert handed_over(there) == []
    assert not (tmp_path / "unsaved").exists()


async def test_a_state_is_kept_when_the_lease_is_lost_while_it_is_being_made(
    applied_in_vain, there, tmp_path
):
    """What the server answers to the next line of the log: somebody else has the run."""

    def lost(path, body):
        applying = len(there.bodies("report")) == 3
        return (200, {"accepted": False, "offset": 0}) if applying else took(path, body)

    there.answers["source"] = [(200, source(SLOW))]
    there.answers["logs/1"] = [lost]
    there.answers["unsaved-state"] = [(200, {"accepted": True})]

    reports = await applied_in_vain()

    assert [report["kind"] for report in reports] == ["phase_done", "phase_done", "planned"]
    assert [state["resources"][0]["type"] for _, state in handed_over(there)] == ["terraform_data"]


SLOW = b"""
resource "terraform_data" "it" {
  input = "made"
  provisioner "local-exec" { command = "sleep 1" }
}
"""


async def test_a_state_is_kept_when_the_worker_ends_at_once_while_it_is_being_saved(
    applied_in_vain, there, tmp_path, monkeypatch
):
    monkeypatch.setattr("gantry_worker.steps.rescue.WAITS", (60.0,))
    there.answers["unsaved-state"] = [(200, {"accepted": True})]

    task = asyncio.ensure_future(applied_in_vain())
    pending = unsaved.pending(tmp_path / "launcher-0")
    async with asyncio.timeout(30):
        while not list(pending.glob("*.sealed")):
            await asyncio.sleep(0.02)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    (sealed,) = (tmp_path / "unsaved").iterdir()
    assert sealed.suffix == ".sealed"
    assert list(pending.iterdir()) == []
    assert list((tmp_path / "runs").iterdir()) == []


async def test_a_state_that_no_disk_takes_is_handed_over_out_of_memory(
    applied_in_vain, there, tmp_path, monkeypatch
):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(unsaved, "seal", full)
    there.answers["unsaved-state"] = [(200, {"accepted": True})]

    reports = await applied_in_vain()

    assert reports[-1]["state_unsaved"]
    assert "gantry admin unsaved-states" in reports[-1]["reason"]
    assert len(handed_over(there)) == 1


async def test_a_state_that_came_with_the_commit_is_not_taken_for_the_runs_own(run, there):
    there.answers["source"] = [(200, source(b"", {"errored.tfstate": b'{"version": 4}'}))]
    there.answers["report"] = [on("perform"), (200, NOTHING_LEFT)]

    reports = await run([Phase.PREPARE, Phase.PERFORM], command="exit 1")

    assert reports[-1]["reason"] == "The command failed with exit code 1."
    assert handed_over(there) == []


async def test_a_state_that_is_not_whole_is_neither_pushed_nor_handed_over(run, there):
    there.answers["report"] = [on("perform"), (200, NOTHING_LEFT)]

    reports = await run(
        [Phase.PREPARE, Phase.PERFORM],
        command="echo '{\"version\": 4,' > errored.tfstate; exit 1",
    )

    assert reports[-1]["state_unsaved"]
    assert "terraform had no room for all of it" in reports[-1]["reason"]
    assert "could not save the state" not in log_of(there)
    assert handed_over(there) == []


@pytest.mark.parametrize("ending", ["exit 0", "sleep 60"])
async def test_a_task_that_leaves_a_state_locks_its_stack_however_it_ends(
    run, there, impatient, ending
):
    there.answers["unsaved-state"] = [(200, {"accepted": True})]
    there.answers["report"] = [on("perform"), (200, NOTHING_LEFT)]

    reports = await run(
        [Phase.PREPARE, Phase.PERFORM],
        command=f"echo '{{}}' > errored.tfstate; {ending}",
        minutes=0.05,
    )

    assert reports[-1]["state_unsaved"]
    assert [state for _, state in handed_over(there)] == [{}]


async def test_what_the_server_will_never_take_is_offered_once(applied_in_vain, there, tmp_path):
    there.answers["unsaved-state"] = [(200, {"accepted": False, "reason": "no"})]
    await applied_in_vain()
    server = ControlPlane(there.url, "POOL", lambda: "proof")

    for _ in range(2):
        await unsaved.hand_over_all(server, a_key(), tmp_path / "launcher-0")

    await server.close()
    (kept,) = (tmp_path / "unsaved").iterdir()
    assert kept.suffix == ".refused"
    assert len(handed_over(there)) == 1


def test_what_a_killed_worker_left_is_sealed_before_its_workspaces_are_cleared(tmp_path, key):
    place = tmp_path / "launcher-0"
    workspace = Workspace(place / "runs" / "RUN-7")
    workspace.make()
    (workspace.source / "errored.tfstate").write_text("what was made")
    workspace.executing.write_text("source/errored.tfstate")

    assert unsaved.take_over(place, key) == 1
    clear_leftovers(place)

    (sealed,) = (tmp_path / "unsaved").iterdir()
    assert sealed.name == "RUN-7.sealed"
    assert b"what was made" not in sealed.read_bytes()
    assert list((place / "runs").iterdir()) == []
    assert unsaved.take_over(place, key) == 0
