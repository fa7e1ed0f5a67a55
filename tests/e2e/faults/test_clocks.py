"""Workers whose clock differs from the server's: leases, proofs and signed URLs hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.platform import make_pool

FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
SECONDS = 5


@pytest.mark.skipif(FAKETIME is None, reason="Debian's package faketime is not installed")
@pytest.mark.parametrize("ahead", [SECONDS, -SECONDS])
def test_a_run_goes_through_on_a_worker_whose_clock_is_wrong(house, ahead):
    pool = make_pool(house.site.api, f"workers {ahead:+d} seconds ahead")
    worker = house.platform.start_worker(
        pool,
        GANTRY_WORKER_DIR=str(house.platform.place / "worker" / f"ahead{ahead:+d}"),
        GANTRY_WORKER_RUNTIME="process",
        SPACELIFT_RUN_LOGS_ON_STANDARD_OUTPUT_ENABLED="true",
        LD_PRELOAD=str(FAKETIME),
        FAKETIME=f"{ahead:+d}",
        # Only what the clock says: how long things take is the same everywhere.
        FAKETIME_DONT_FAKE_MONOTONIC="1",
        NO_FAKE_STAT="1",
    )
    house.site.pool.workers.append(worker)
    stack, stopped = (house.stack(workerPool=pool.id) for _ in range(2))

    run = house.site.trigger(stack)
    house.confirm(stack, run)
    house.check_applied(stack, run)
    assert "libfaketime" in Path(f"/proc/{worker.pid}/maps").read_text()

    planning = house.planning(stopped)
    house.until(house.workers_listen, "the worker to hear what is rung")
    house.site.decide("runStop", stopped, planning)
    house.site.api.wait_for(planning, "STOPPED")
    house.check_let_go(stopped, planning)
    house.check_next(stopped)

    worker.terminate()
    assert worker.ended() == 0
