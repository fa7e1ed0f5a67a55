"""What a trace of a run holds, whoever moves the run, and what it never costs."""

from __future__ import annotations

import subprocess
import sys
from functools import partial

import pytest
from gantry.apps.metering import note as count
from gantry.apps.tracing import note, run_span
from gantry.domains.runs import decisions
from gantry.domains.runs import repo as runs
from gantry.domains.runs.states import Kind
from gantry.infra.meter import Meter
from gantry.infra.otlp import Collector
from gantry.kernel.ids import as_number
from gantry.kernel.tx import SYSTEM
from gantry_protocol.calls import PhaseDone, StepTaken
from gantry_protocol.words import Phase

from tests.support import collector as collectors
from tests.support.given import (
    ONE_CHANGE,
    given_a_pool,
    given_a_run,
    given_a_stack,
    given_a_task,
    given_a_worker,
)
from tests.support.platform import free_port


@pytest.fixture
def kept(core, monkeypatch):
    """Spans of what this test makes true."""
    there = Kept()
    monkeypatch.setattr(core.db, "observe", partial(note, there))
    return there.spans


class Kept:
    def __init__(self):
        self.spans = []

    def keep(self, spans):
        self.spans += spans


async def test_a_run_is_one_trace_whose_states_follow_each_other_from_its_making_to_its_end(
    core, kept
):
    pool = await given_a_pool(core)
    worker = await given_a_worker(core, pool)
    stack = await given_a_stack(core, pool)
    run = await given_a_run(core, stack, Kind.PROPOSED)

    await worker.plan(run, ONE_CHANGE)

    (whole,) = [span for span in kept if span.parent is None]
    states = [span for span in kept if span.parent == whole.id]
    assert whole.id == run_span(run.id)
    assert {span.id.trace for span in kept} == {as_number(run.id)}
    assert [span.name for span in states] == [
        *("QUEUED", "READY", "PREPARING", "INITIALIZING", "PLANNING")
    ]
    assert [span.began for span in states[1:]] == [span.ended for span in states[:-1]]
    assert (whole.began, whole.ended) == (states[0].began, states[-1].ended)
    assert whole.attributes == {
        "gantry.run.id": run.id,
        "gantry.run.type": "PROPOSED",
        "gantry.run.outcome": "FINISHED",
        "gantry.stack.id": stack.id,
        "gantry.space.id": stack.space_id,
        "gantry.worker_pool.id": pool.id,
    }
    assert states[-1].attributes["gantry.worker.id"] == worker.id
    assert not any(span.failed for span in kept)


async def test_the_steps_of_a_worker_lie_in_the_state_they_were_taken_in(core, kept):
    pool = await given_a_pool(core)
    worker = await given_a_worker(core, pool)
    run = await given_a_run(core, await given_a_stack(core, pool))
    await worker.take(run)
    steps = [
        StepTaken(name="fetch source", ago=0.003, lasted=0.001),
        StepTaken(name="unpack source", ago=0.002, lasted=0.002, failed=True),
    ]

    await worker.say(run, PhaseDone(phase=Phase.PREPARE), steps=steps)
    told = list(kept)
    await worker.say(run, PhaseDone(phase=Phase.PREPARE), steps=steps)  # its answer was lost

    assert kept == told
    (preparing,) = [span for span in kept if span.name == "PREPARING"]
    fetched, unpacked = [span for span in kept if span.parent == preparing.id]
    assert (fetched.name, unpacked.name) == ("fetch source", "unpack source")
    assert (fetched.failed, unpacked.failed) == (False, True)
    assert (fetched.ended - fetched.began).total_seconds() == 0.001
    assert unpacked.ended == preparing.ended
    assert len({span.id for span in kept}) == len(kept)


async def test_no_step_began_before_its_run_or_after_its_report_whatever_a_worker_says(core, kept):
    pool = await given_a_pool(core)
    worker = await given_a_worker(core, pool)
    run = await given_a_run(core, await given_a_stack(core, pool))
    await worker.take(run)
    steps = [StepTaken(name="fetch source", ago=1e300, lasted=1e308)]

    await worker.say(run, PhaseDone(phase=Phase.PREPARE), steps=steps)

    (odd,) = [span for span in kept if span.name == "fetch source"]
    (preparing,) = [span for span in kept if span.name == "PREPARING"]
    assert odd.began == run.created_at
    assert odd.ended == preparing.ended


async def test_a_worker_that_makes_up_names_of_steps_makes_no_metrics_of_them(core, monkeypatch):
    meter = Meter()
    monkeypatch.setattr(core.db, "observe", partial(count, meter))
    pool = await given_a_pool(core)
    worker = await given_a_worker(core, pool)
    run = await given_a_run(core, await given_a_stack(core, pool))
    await worker.take(run)
    steps = [
        StepTaken(name="find tool", ago=1, lasted=1),
        *(StepTaken(name=f"made up {number}", ago=1, lasted=1) for number in range(20)),
    ]

    await worker.say(run, PhaseDone(phase=Phase.PREPARE), steps=steps)

    page = meter.page().decode()
    assert 'gantry_run_step_seconds_count{outcome="done",step="find tool"} 1.0' in page
    assert 'gantry_run_step_seconds_count{outcome="done",step="other"} 20.0' in page
    assert "made up" not in page


async def test_heartbeats_are_counted_by_what_became_of_the_leases(core, monkeypatch):
    meter = Meter()
    monkeypatch.setattr(core.db, "observe", partial(count, meter))
    pool = await given_a_pool(core)
    worker = await given_a_worker(core, pool)
    run = await given_a_run(core, await given_a_stack(core, pool))
    await worker.take(run)

    await worker.beat()
    await worker.beat((run.id, 7))

    page = meter.page().decode()
    assert 'gantry_lease_renewals_total{outcome="renewed"} 1.0' in page
    assert 'gantry_lease_renewals_total{outcome="refused"} 1.0' in page


async def test_a_run_that_lost_its_worker_shows_where_and_that_nobody_knows_how_it_ended(
    core, kept
):
    pool = await given_a_pool(core)
    worker = await given_a_worker(core, pool)
    task = await given_a_task(core, await given_a_stack(core, pool), skip_init=True)
    await worker.take(task)
    await worker.done(task, Phase.PREPARE)

    async with core.db.write(SYSTEM) as tx:
        stack, run = await runs.lock(tx, task.id)
        await decisions.end_without_worker(tx, stack, run, "its worker was lost")

    (whole,) = [span for span in kept if span.parent is None]
    (performing,) = [span for span in kept if span.name == "PERFORMING"]
    assert whole.failed
    assert performing.failed
    assert whole.attributes["gantry.run.outcome"] == "FAILED"
    assert whole.attributes["gantry.run.lost"] == "unknown"


async def test_what_was_undone_leaves_no_span(core, kept):
    pool = await given_a_pool(core)
    run = await given_a_run(core, await given_a_stack(core, pool))
    before = list(kept)

    with pytest.raises(ZeroDivisionError):
        await _lose_in_vain(core, run)

    assert kept == before


async def _lose_in_vain(core, run):
    async with core.db.write(SYSTEM) as tx:
        stack, held = await runs.lock(tx, run.id)
        await decisions.end_without_worker(tx, stack, held, "in vain")
        raise ZeroDivisionError


async def test_a_trace_that_cannot_be_kept_undoes_nothing(core, monkeypatch):
    class Broken:
        def keep(self, spans):
            raise OSError("no room")

    monkeypatch.setattr(core.db, "observe", partial(note, Broken()))
    pool = await given_a_pool(core)
    worker = await given_a_worker(core, pool)
    run = await given_a_run(core, await given_a_stack(core, pool))

    await worker.take(run)
    verdict = await worker.done(run, Phase.PREPARE)

    assert verdict.state == "INITIALIZING"


async def test_spans_reach_a_collector_as_they_were_made(core, kept):
    pool = await given_a_pool(core)
    worker = await given_a_worker(core, pool)
    run = await given_a_run(core, await given_a_stack(core, pool))
    await worker.take(run)
    await worker.fail(run, Phase.PREPARE)
    there = collectors.Collector()

    sender = Collector(there.url, service="drain", version="1")
    sender.keep(kept)
    sender.close()

    there.close()
    got = {span.id: span for span in there.spans}
    assert len(got) == len(kept)
    for span in kept:
        came = got[f"{span.id.span:016x}"]
        assert came.trace == f"{span.id.trace:032x}"
        assert came.parent == ("" if span.parent is None else f"{span.parent.span:016x}")
        assert came.attributes == span.attributes
        assert came.failed == span.failed
        assert (came.ended - came.began) // 1000 == (span.ended - span.began).microseconds
        assert came.service == "drain"


async def test_a_collector_that_is_away_keeps_nobody_waiting_and_takes_bounded_memory(core, kept):
    pool = await given_a_pool(core)
    worker = await given_a_worker(core, pool)
    run = await given_a_run(core, await given_a_stack(core, pool))
    await worker.take(run)
    sender = Collector(f"http://127.0.0.1:{free_port()}", service="drain", version="1")

    for _ in range(2000):
        sender.keep(kept)

    assert len(sender._batches._batch_processor._queue) <= 2048
    sender.close()


def test_whoever_wants_no_traces_does_not_load_the_library():
    code = (
        "import sys, gantry.apps.cli, gantry.apps.server\n"
        "assert not [name for name in sys.modules if name.startswith('opentelemetry')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
