"""How much of the machine a command gets, with control groups and without."""

import json
import os
import re
import subprocess
import sys
import uuid
from contextlib import suppress
from datetime import timedelta
from types import SimpleNamespace

import pytest
from gantry_worker.runtimes import cgroups, confinement, sandbox
from gantry_worker.runtimes.base import Command, CouldNotStart, Exit
from gantry_worker.runtimes.bounds import Bounds, size
from gantry_worker.runtimes.choice import Choice
from gantry_worker.runtimes.confinement import Confinement
from gantry_worker.runtimes.hardening import harden
from gantry_worker.session import StepFailed
from gantry_worker.steps import shell as steps

from tests.support import limited_worker
from tests.support.commands import PATH, SOON, Told, run, say

MANY = "n=0; while [ $n -lt 300 ]; do sleep 60 & n=$((n+1)); done; echo started all"
GREEDY = "head -c 400000000 /dev/zero | tail -n 1 >/dev/null; echo went on"
# `tail` keeps a line that does not end in memory, as long as there is some.


@pytest.fixture
def workspace(tmp_path):
    path = tmp_path / "runs" / "mine"
    path.mkdir(parents=True)
    return path


def room():
    """A group below which others can be made with all three controllers; None if there is none."""
    with suppress(cgroups.Unavailable):
        own = cgroups._own()
        for at in (own, *own.parents):
            with suppress(OSError):
                given = (at / "cgroup.subtree_control").read_text().split()
                if {"memory", "pids", "cpu"} <= set(given) and os.access(at, os.W_OK):
                    return at
    return None


@pytest.fixture
def unit():
    """A group of the test's own, such as systemd makes for a unit with Delegate=yes."""
    if (parent := room()) is None:
        pytest.skip("no group of version 2 here can be divided by memory, pids and cpu")
    made = parent / f"gantry-test-{uuid.uuid4().hex}"
    made.mkdir()
    yield made
    for at in (*sorted(made.glob("*/"), reverse=True), made):
        at.rmdir()


def limited(unit, workspace, script, **bounds):
    words = (limited_worker.__file__, unit, workspace, json.dumps(bounds), script)
    told = subprocess.run(
        [sys.executable, "-P", *map(str, words)], capture_output=True, check=False
    )
    assert told.returncode == 0, told.stderr.decode()
    return json.loads(told.stdout)


def test_a_command_that_needs_too_much_memory_is_ended_and_that_is_said(unit, workspace):
    told = limited(unit, workspace, GREEDY, memory=64 * 1024**2)

    assert "more than the 64 MiB of memory" in told["shortage"]
    assert told["shortage"] in told["said"]
    assert "went on" in told["said"]  # the greedy process was ended, and no other
    assert told["files"]["memory.max"] == str(64 * 1024**2)
    assert told["files"].get("memory.swap.max", "0") == "0"
    assert told["left"] == told["missing"] == []


def test_a_command_gets_no_more_processes_than_it_may(unit, workspace):
    told = limited(unit, workspace, MANY, processes=64)

    assert "started all" not in told["said"]
    assert "could not start another" in told["shortage"]
    assert told["code"] != 0
    assert told["files"]["pids.max"] == "64"
    assert told["left"] == []


def test_processors_are_shared_out(unit, workspace):
    told = limited(unit, workspace, "echo there", processors=0.5)

    assert told["files"]["cpu.max"] == "50000 100000"


def test_a_command_that_is_content_is_not_spoken_of(unit, workspace):
    told = limited(
        unit, workspace, "echo content", memory=256 * 1024**2, processes=64, processors=1.0
    )

    assert (told["code"], told["shortage"], told["said"]) == (0, None, "content\n")
    assert told["left"] == []


def test_a_group_that_others_are_in_is_left_as_it_was(unit, workspace):
    with subprocess.Popen(["sleep", "60"]) as other:
        (unit / "cgroup.procs").write_text(str(other.pid))
        try:
            told = limited(unit, workspace, "true", processes=64)
            assert "other processes are in it" in told["unavailable"]
            assert (unit / "cgroup.procs").read_text().split() == [str(other.pid)]
            assert (unit / "cgroup.subtree_control").read_text().strip() == ""
            assert not [at for at in unit.iterdir() if at.is_dir()]
        finally:
            other.kill()


async def test_a_worker_that_cannot_have_groups_says_which_limits_do_not_hold(capsys, monkeypatch):
    if room() is not None:
        pytest.skip("groups can be had here")

    found = await harden(Choice("sandbox", True, sandbox.for_run), Bounds(memory=2**30), None)

    said = capsys.readouterr()
    assert "limits not enforced" in said.out + said.err
    assert "GANTRY_WORKER_MEMORY_LIMIT" in said.out + said.err
    assert found.isolates


async def test_without_groups_processes_are_limited_all_the_same(workspace):
    if not confinement.limit_holds():
        pytest.skip("root has no such limit, nor have kernels before 5.14 one of a sandbox alone")
    bounded = sandbox.for_run(workspace, grace=SOON, confinement=Confinement(Bounds(processes=64)))
    mine = [subprocess.Popen(["sleep", "60"]) for _ in range(80)]
    try:
        # The user's other processes do not count; its own do.
        assert await say(bounded, workspace, "echo there") == "there\n"
        assert "started all" not in await say(bounded, workspace, MANY)
        assert "started all" in await say(sandbox.for_run(workspace, grace=SOON), workspace, MANY)
    finally:
        for process in mine:
            process.kill()
            process.wait()


async def test_a_command_whose_limits_cannot_be_set_does_not_begin(workspace, tmp_path):
    nowhere = cgroups.Subtree(tmp_path / "gone", frozenset({"pids"}))
    runtime = sandbox.for_run(
        workspace, grace=SOON, confinement=Confinement(Bounds(processes=64), nowhere)
    )
    told = Told()

    with pytest.raises(CouldNotStart, match="limits cannot be set"):
        await run(runtime, Command(("touch", "made"), workspace, {"PATH": PATH}), told)

    assert told.data == b""
    assert not (workspace / "made").exists()


def test_what_a_command_ran_short_of_is_why_its_phase_failed():
    settings = SimpleNamespace(run_timeout=timedelta(0), logs_timeout=timedelta(0))
    session = SimpleNamespace(settings=settings)

    with pytest.raises(StepFailed, match="needed more memory"):
        steps._code(session, Exit(1, None, "exited", "needed more memory"))
    with pytest.raises(StepFailed, match="needed more memory"):
        steps._code(session, Exit(None, 9, "exited", "needed more memory"))
    assert steps._code(session, Exit(0, None, "exited", "needed more memory")) == 0
    assert steps._code(session, Exit(1, None, "exited")) == 1


@pytest.mark.parametrize(
    ("text", "in_bytes"),
    [("134217728", 2**27), ("512M", 2**29), ("2GiB", 2**31), ("2 gb", 2**31), ("1T", 2**40)],
)
def test_sizes_are_read_as_people_write_them(text, in_bytes):
    assert size(text) == in_bytes


@pytest.mark.parametrize("text", ["", "much", "2", "1.5G", "-1G", "63M", "2X"])
def test_sizes_that_cannot_be_meant_are_refused(text):
    with pytest.raises(ValueError, match=re.compile("must be")):
        size(text)
