"""Commands of a run: what they print and how they end, in every runtime. With real processes."""

import asyncio
import os
import signal
import subprocess
import sys
import uuid
from contextlib import suppress
from datetime import timedelta

import pytest
from gantry_worker.runtimes import process, sandbox
from gantry_worker.runtimes.base import Command, CouldNotStart, Exit, TooMuchOutput

from tests.support.commands import (
    LONG,
    PATH,
    SOON,
    WORKER,
    Told,
    command_line,
    processes_with,
    run,
    say,
    shell,
    until,
)
from tests.support.engines import IMAGE, no_containers


@pytest.fixture
def workspace(tmp_path):
    path = tmp_path / "runs" / "mine"
    path.mkdir(parents=True)
    return path


@pytest.fixture(params=["process", "sandbox", "docker", "podman"])
def kind(request):
    return request.param


@pytest.fixture
def engine(request, kind):
    return request.getfixturevalue(kind) if kind in ("docker", "podman") else None


@pytest.fixture
def runtime(kind, engine, workspace):
    made = engine or {"process": process, "sandbox": sandbox}[kind]
    return made.for_run(workspace, grace=SOON)


@pytest.fixture
def token():
    """Five minutes and a bit, to tell a test's processes by their arguments from all others."""
    word = f"300.{uuid.uuid4().int}"
    yield word
    for pid in processes_with(word):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


async def test_output_arrives_in_the_order_it_was_written_byte_for_byte(runtime, workspace):
    script = r"for n in 1 2 3; do printf 'o\000\377%s\n' $n; printf 'e%s\r' $n >&2; done; exit 3"

    ended, data = await run(runtime, shell(workspace, script))

    assert data == b"".join(b"o\0\xff%d\ne%d\r" % (n, n) for n in (1, 2, 3))
    assert ended == Exit(3, None, "exited")


async def test_a_lot_of_output_arrives_whole(runtime, workspace):
    _, data = await run(runtime, shell(workspace, "head -c 3000000 /dev/zero | tr '\\0' x"))

    assert data == b"x" * 3_000_000


async def test_a_command_that_a_signal_ends_says_which(runtime, workspace):
    ended, _ = await run(runtime, shell(workspace, "kill -SEGV $$"))

    assert ended == Exit(None, signal.SIGSEGV, "exited")


async def test_a_command_reads_what_it_is_given_and_else_nothing(runtime, workspace):
    given = bytes(range(256)) * 1000

    _, data = await run(runtime, shell(workspace, "cat", stdin=given))
    _, nothing = await run(runtime, shell(workspace, "cat"))

    assert data == given
    assert nothing == b""


async def test_a_command_runs_where_it_is_told_to(runtime, workspace):
    source = workspace / "source"
    source.mkdir()

    told = await say(runtime, source, "pwd; echo here > made")

    assert told == f"{runtime.inside(source)}\n"
    assert (source / "made").read_text() == "here\n"


async def test_the_environment_is_what_was_passed_with_a_place_and_a_home(runtime, workspace):
    passed = {"PATH": PATH, "TF_VAR_x": "ü \n'\"$x", "RAW": "\udcff"}
    _, data = await run(runtime, Command(("env", "-0"), workspace, passed))

    found = dict(line.decode("utf-8", "surrogateescape").split("=", 1) for line in split(data))
    assert found == {**passed, "PWD": runtime.inside(workspace), "HOME": runtime.home}


def split(data):
    return data.removesuffix(b"\0").split(b"\0")


async def test_home_is_a_place_of_the_runs_own_unless_the_environment_says_else(runtime, workspace):
    assert await say(runtime, workspace, "cd; pwd; touch .netrc") == f"{runtime.home}\n"
    assert await say(runtime, workspace, "echo $HOME", env={"HOME": "/mine"}) == "/mine\n"
    assert (workspace / ".home" / ".netrc").exists()


async def test_captured_output_comes_apart_from_complaints(runtime, workspace):
    command = shell(workspace, "cat; echo careful >&2; exit 2", stdin=b'{"a": 1}')

    answer = await runtime.capture(command, stop=asyncio.Event(), timeout=LONG, limit=8)

    assert answer == (Exit(2, None, "exited"), b'{"a": 1}', b"careful\n")


async def test_capturing_more_than_the_limit_ends_the_command(runtime, workspace, token):
    command = shell(workspace, "yes; sleep 60", token)

    with pytest.raises(TooMuchOutput):
        await runtime.capture(command, stop=asyncio.Event(), timeout=LONG, limit=1000)

    assert processes_with(token) == []


async def test_of_many_complaints_the_last_are_kept(runtime, workspace):
    command = shell(workspace, "seq 100000 >&2")

    _, _, tail = await runtime.capture(command, stop=asyncio.Event(), timeout=LONG, limit=0)

    assert tail.endswith(b"\n99999\n100000\n")
    assert len(tail) <= 16 * 1024


async def test_a_program_that_is_not_there_is_an_error_and_not_an_exit(runtime, workspace):
    for command in (
        Command(("no-such-program",), workspace, {"PATH": PATH}),
        Command(("true",), workspace / "no-such-directory", {"PATH": PATH}),
    ):
        with pytest.raises(CouldNotStart):
            await run(runtime, command)


async def test_stopping_lets_a_command_finish_what_it_does(runtime, workspace):
    told, stop = Told(), asyncio.Event()
    script = "trap 'echo state saved; exit 7' INT; echo ready; while :; do sleep 0.02; done"
    running = asyncio.create_task(run(runtime, shell(workspace, script), told, stop=stop))
    await told.wait_for(b"ready\n")

    stop.set()

    assert await running == (Exit(7, None, "stopped"), b"ready\nstate saved\n")


async def test_a_command_that_ignores_sigint_gets_sigterm(runtime, workspace):
    told, stop = Told(), asyncio.Event()
    script = "trap '' INT; trap 'echo bye; exit 8' TERM; echo ready; while :; do sleep 0.02; done"
    running = asyncio.create_task(run(runtime, shell(workspace, script), told, stop=stop))
    await told.wait_for(b"ready\n")

    stop.set()

    ended, data = await running
    assert ended == Exit(8, None, "stopped")
    assert data.endswith(b"bye\n")


async def test_the_signal_reaches_a_program_behind_a_shell(runtime, workspace):
    told, stop = Told(), asyncio.Event()
    inner = "trap 'echo inner stops; exit 0' INT; echo ready; while :; do sleep 0.02; done"
    command = shell(workspace, 'trap : INT; sh -c "$1" && echo after', inner)
    running = asyncio.create_task(run(runtime, command, told, stop=stop))
    await told.wait_for(b"ready\n")

    stop.set()

    assert await running == (Exit(0, None, "stopped"), b"ready\ninner stops\nafter\n")


async def test_a_stop_before_the_start_starts_nothing(runtime, workspace):
    stop = asyncio.Event()
    stop.set()

    ended, data = await run(runtime, shell(workspace, "touch started; echo started"), stop=stop)

    assert (ended, data) == (Exit(None, None, "stopped"), b"")
    assert not (workspace / "started").exists()


STUBBORN = """
    trap '' INT TERM HUP QUIT
    # two that nobody waits for, in sessions of their own, with no output to give them away
    (setsid sh -c 'trap "" INT TERM HUP; setsid sleep "$1" & exec sleep "$1"' sh "$1" \
        >/dev/null 2>&1 </dev/null &)
    echo ready
    while :; do sleep 0.02; done
"""


async def test_nothing_survives_a_stop_however_stubborn(runtime, workspace, token):
    told, stop = Told(), asyncio.Event()
    running = asyncio.create_task(run(runtime, shell(workspace, STUBBORN, token), told, stop=stop))
    await told.wait_for(b"ready\n")
    await until(lambda: sleepers(token) == 2)

    stop.set()

    assert await running == (Exit(None, signal.SIGKILL, "stopped"), b"ready\n")
    assert processes_with(token) == []


def sleepers(token):
    return sum(command_line(pid).startswith(b"sleep\0") for pid in processes_with(token))


async def test_what_a_command_leaves_behind_ends_with_it(runtime, workspace, token):
    script = '(setsid sleep "$1" >/dev/null 2>&1 &); sleep "$1" & echo done'

    ended, data = await run(runtime, shell(workspace, script, token))

    assert (ended, data) == (Exit(0, None, "exited"), b"done\n")
    assert processes_with(token) == []


async def test_the_time_limit_ends_a_command(runtime, workspace, token):
    ended, _ = await run(runtime, shell(workspace, "exec sleep 300", token), timeout=SOON)

    assert ended == Exit(None, signal.SIGINT, "timed_out")


async def test_silence_ends_a_command_and_output_keeps_it_alive(runtime, workspace):
    script = "for n in 1 2 3 4 5 6 7 8; do echo $n; sleep 0.15; done; exec sleep 300"

    ended, data = await run(runtime, shell(workspace, script), silence=timedelta(seconds=1))

    assert ended == Exit(None, signal.SIGINT, "silent")
    assert data == b"1\n2\n3\n4\n5\n6\n7\n8\n"


async def test_time_that_the_log_takes_is_not_the_commands_silence(runtime, workspace):
    # Enough for a shell to begin and to end on a machine that has other things to do.
    limit = timedelta(seconds=1.5)

    async def slowly(data):
        await asyncio.sleep(limit.total_seconds() + 0.1)

    ended, _ = await run(runtime, shell(workspace, "echo a"), slowly, silence=limit)

    assert ended == Exit(0, None, "exited")


async def test_a_command_waits_while_its_output_is_not_taken(runtime, workspace):
    taking, got = asyncio.Event(), Told()

    async def take(data):
        await taking.wait()
        await got(data)

    # More than Docker's engine holds back, which is a megabyte beyond what pipes do.
    script = "head -c 4000000 /dev/zero; touch all-written"
    running = asyncio.create_task(run(runtime, shell(workspace, script), take))
    await asyncio.sleep(0.5)
    assert not (workspace / "all-written").exists()

    taking.set()

    assert (await running)[0] == Exit(0, None, "exited")
    assert got.data == bytes(4_000_000)
    assert (workspace / "all-written").exists()


async def test_an_output_that_fails_ends_the_command_gently_and_is_told(runtime, workspace, token):
    class LogLost(Exception): ...

    async def lose(data):
        raise LogLost

    script = "trap 'touch state-saved; exit 0' INT; echo hi; while :; do sleep 0.02; done"
    with pytest.raises(LogLost):
        await run(runtime, shell(workspace, script, token), lose)

    assert (workspace / "state-saved").exists()
    assert processes_with(token) == []


async def test_cancelling_kills_at_once(runtime, workspace, token):
    told = Told()
    running = asyncio.create_task(run(runtime, shell(workspace, STUBBORN, token), told))
    await told.wait_for(b"ready\n")

    running.cancel()

    with pytest.raises(asyncio.CancelledError):
        await running
    assert processes_with(token) == []


async def test_a_worker_that_is_killed_takes_its_commands_along(
    runtime, engine, workspace, token, tmp_path
):
    where = f"{engine.socket}|{tmp_path / 'own'}|{IMAGE}" if engine else ""
    argv = [sys.executable, "-c", WORKER, runtime.name, where, str(workspace), "sh", "-c", STUBBORN]
    worker = await asyncio.create_subprocess_exec(
        *argv, "sh", token, stdout=subprocess.PIPE, start_new_session=True
    )
    assert await worker.stdout.readline() == b"ready\n"
    await until(lambda: sleepers(token) == 2)

    worker.kill()
    await worker.wait()

    await until(lambda: processes_with(token) == [])
    if engine:
        await no_containers(engine.socket)


async def test_the_host_shows_no_secrets_of_a_command_in_its_process_list(runtime, workspace):
    told, stop = Told(), asyncio.Event()
    secret = f"hunter2-{uuid.uuid4().hex}"
    command = shell(workspace, "echo ready; exec sleep 300", env={"PASSWORD": secret}, stdin=b"x")
    running = asyncio.create_task(run(runtime, command, told, stop=stop))
    await told.wait_for(b"ready\n")

    assert processes_with(secret) == []

    stop.set()
    await running


async def test_a_library_named_in_the_environment_acts_on_the_command_only(runtime, workspace):
    # The dynamic linker of each program that gets this variable complains once.
    told = await say(runtime, workspace, "echo hi", env={"LD_PRELOAD": "/no/such/library.so"})

    assert told.count("/no/such/library.so") == 1
