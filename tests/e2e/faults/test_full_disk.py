"""A worker whose disk is full: nothing is half done in silence, and the next run goes well."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.house import House
from tests.support.platform import make_pool

SIZE = "8m"
"""Room for the workspaces of a few runs, and quickly filled."""


@dataclass
class Disk:
    """A small file system of one worker's own."""

    place: Path
    pool: str

    @contextlib.contextmanager
    def full(self) -> Iterator[None]:
        """While this lasts, there is no room for one more byte."""
        ballast = self.place / "ballast"
        with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(b"\0" * 4096):
                pass
        assert os.statvfs(self.place).f_bavail == 0
        try:
            yield
        finally:
            ballast.unlink()

    def left(self) -> list[Path]:
        """What is left of runs."""
        return list(self.place.glob("worker/launcher-*/runs/*"))


@pytest.fixture(scope="module")
def disk(house: House) -> Iterator[Disk]:
    place = house.place / "small disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("a file system can be mounted by root only")
    try:
        pool = make_pool(house.site.api, "workers on a small disk")
        worker = house.platform.start_worker(
            pool,
            GANTRY_WORKER_DIR=str(place / "worker"),
            GANTRY_WORKER_RUNTIME="process",
            SPACELIFT_RUN_LOGS_ON_STANDARD_OUTPUT_ENABLED="true",
        )
        house.site.pool.workers.append(worker)
        yield Disk(place, pool.id)
        worker.terminate()
        worker.ended()
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_a_run_that_finds_the_disk_full_fails_and_says_so(house, disk):
    stack = house.stack(workerPool=disk.pool, autodeploy=True)

    with disk.full():
        run = house.site.trigger(stack)
        failed = house.site.api.wait_for(run, "FAILED")

    assert failed["failureReason"].endswith("No space left on device. The worker's disk is full.")
    assert house.applied()[run] == 0
    house.check_let_go(stack, run)
    house.check_next(stack)
    house.until(lambda: not disk.left(), "the workspaces to go")


def test_a_plan_for_which_there_is_no_room_fails_its_run_and_says_so(house, disk):
    stack = house.stack(workerPool=disk.pool)
    run = house.planning(stack)

    with disk.full():
        house.go_on(stack)
        failed = house.site.api.wait_for(run, "FAILED")

    assert failed["failureReason"].endswith("The worker's disk is full.")
    assert "hook" not in failed["failureReason"]
    assert house.applied()[run] == 0
    house.check_let_go(stack, run)
    house.check_next(stack)


def test_an_apply_during_which_the_disk_fills_up_saves_its_state(house, disk):
    stack = house.stack(workerPool=disk.pool, afterApply=["true"])
    run = house.applying(stack)

    with disk.full():
        house.go_on(stack)
        house.site.api.wait_for(run, "FINISHED")

    house.check_applied(stack, run)
    house.check_next(stack)


def test_a_state_that_neither_the_disk_nor_the_server_takes_locks_its_stack(house, disk):
    stack = house.stack(workerPool=disk.pool)
    run = house.applying(stack)

    with disk.full():
        # Somebody has freed the lock, so that the state is refused at once and for good.
        house.platform.change("delete from state_lock where stack_id = %s", stack)
        house.go_on(stack)
        failed = house.site.api.wait_for(run, "FAILED")

    assert "The worker's disk is full." in failed["failureReason"]
    assert "The state was not taken: " in failed["failureReason"]
    locked = house.site.look(stack, "lockedBy lockNote")
    assert locked["lockedBy"] == "system"
    assert "The state does not hold" in locked["lockNote"]
    assert "printed it into the log" in failed["failureReason"]
    assert "the raw state data is printed above" in house.site.api.whole_log(run)
    assert house.applied()[run] == 1
    house.site.api.ask(UNLOCK, id=stack)
    house.check_next(stack)


UNLOCK = "mutation ($id: ID!) { stackUnlock(id: $id) { lockedBy } }"
