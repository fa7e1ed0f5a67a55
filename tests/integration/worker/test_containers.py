"""What commands in containers can see and do, and what becomes of them. With a real engine."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import uuid
from dataclasses import replace
from pathlib import Path

import pytest
from gantry_worker.runtimes import docker as dockers
from gantry_worker.runtimes.base import CouldNotStart, Exit
from gantry_worker.runtimes.bounds import Bounds
from gantry_worker.runtimes.choice import NoSandbox, choose
from gantry_worker.runtimes.containers import Containers
from gantry_worker.runtimes.images import NoImage
from gantry_worker.runtimes.mounts import ExtraMount, parse

from tests.support.commands import (
    PATH,
    SOON,
    WORKER,
    Told,
    processes_with,
    run,
    say,
    shell,
)
from tests.support.engines import IMAGE, ask, build, containers, no_containers, unsaid
from tests.support.registry import registry


@pytest.fixture
def token():
    return f"gantry-{uuid.uuid4().hex}"


@pytest.fixture
def box(docker, workspace):
    return docker.for_run(workspace, grace=SOON)


@pytest.fixture
async def with_options(docker, workspace):
    """Makes the runtime of a worker with other options."""
    opened = []

    async def make(read_only=(), writable=(), image=None, **options):
        opened.append(await docker.with_options(**options))
        for_run = await opened[-1].for_image(image, unsaid)
        return for_run(workspace, read_only, writable, grace=SOON)

    yield make
    for each in opened:
        await each.close()


# ------------------------------------------------------------------ what is in there


async def test_the_workspace_is_at_its_agreed_place_and_files_stay_the_workers(box, workspace):
    (workspace / "plan.json").write_text("{}")

    told = await say(box, workspace, "pwd; ls /mnt/workspace; echo made > /mnt/workspace/made")

    assert told == "/mnt/workspace\nplan.json\n"
    made = (workspace / "made").stat()
    assert (made.st_uid, made.st_gid) == (os.getuid(), os.getgid())


async def test_commands_of_an_ordinary_workers_are_that_users(docker, workspace):
    user, group = 4711, 4712
    engine = replace(docker.docker, user=(user, group))
    for_run = await engine.for_image(None, unsaid)
    runtime = for_run(workspace, grace=SOON)
    for path in (workspace, workspace / ".home"):
        os.chown(path, user, group)

    told = await say(runtime, workspace, "id -u; id -g; echo made > made; cd; touch in-home")

    assert told == "4711\n4712\n"
    for made in (workspace / "made", workspace / ".home" / "in-home"):
        assert (made.stat().st_uid, made.stat().st_gid) == (user, group)


async def test_tools_keep_their_path_and_cannot_be_changed_caches_can(workspace, tmp_path, docker):
    tools, cache = tmp_path / "tools", tmp_path / "cache"
    for directory in (tools, cache):
        directory.mkdir()
        (directory / "there").write_text("it is\n")
    runtime = docker.for_run(workspace, [tools], [cache])
    script = 'cat "$1/there" "$2/there"; (echo x >"$1/made"); rm -f "$1/there"; echo y >"$2/made"'

    told = await say(runtime, workspace, script, str(tools), str(cache))

    assert told.startswith("it is\nit is\n")
    assert told.count("Read-only file system") == 2
    assert [path.name for path in tools.iterdir()] == ["there"]
    assert (cache / "made").read_text() == "y\n"


async def test_a_tool_among_the_systems_programs_is_put_beside_those_of_the_image(
    docker, workspace, tmp_path
):
    # As one in /usr/local/bin of the machine, a link at that.
    real = tmp_path / "versions" / "tool"
    real.parent.mkdir()
    real.write_text("#!/bin/sh\necho the tool\n")
    real.chmod(0o755)
    tool = tmp_path / "bin" / "tool"
    tool.parent.mkdir()
    tool.symlink_to(real)
    runtime = docker.for_run(workspace, [tool])

    path = f"{runtime.inside(tool.parent)}:{PATH}"

    told = await say(runtime, workspace, "tool", env={"PATH": path})

    assert told == "the tool\n"
    assert runtime.inside(tool) == str(tool)


async def test_no_engine_no_other_run_and_no_key_is_in_there(docker, box, workspace, tmp_path):
    other = tmp_path / "runs" / "other"
    other.mkdir()
    key = tmp_path / "pool.key"
    for path in (other / "state", key):
        path.write_text("secret of another")
    (workspace / "link").symlink_to(key)
    script = """
        for at in "$@" link /var/run/docker.sock /run/docker.sock /run/podman/podman.sock; do
            [ -e "$at" ] && echo "found $at"
        done
        ls /mnt /run /root /home
        tr '\\0' '\\n' </proc/1/environ
    """
    secrets = (str(docker.socket), str(docker.options.own), str(key), str(other / "state"))

    told = await say(box, workspace, script, *secrets)

    assert "found" not in told
    assert "secret" not in told
    assert told.count("No such file") == 3  # /run, /root and /home
    assert all(str(path) not in told for path in secrets)


async def test_it_has_no_privileges_and_cannot_get_any(box, workspace):
    script = """
        grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status
        unshare --user --map-root-user true && echo got a user namespace
        mount -t tmpfs none /tmp && echo mounted
        mknod disk b 254 0 && echo made a device
        for at in / /usr/bin /etc /etc/passwd /.gantry /.gantry/init /proc/sys/kernel/core_pattern
        do
            touch $at/made && echo made in $at
            (: >>$at) && echo opened $at
        done
    """
    told = await say(box, workspace, script)

    status = dict(line.split(":\t") for line in told.splitlines() if ":\t" in line)
    assert (status.pop("NoNewPrivs"), status.pop("Seccomp")) == ("1", "2")
    assert set(status) == {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}
    assert {int(mask, 16) for mask in status.values()} == {0}
    assert not any(word in told for word in ("got a", "mounted\n", "made ", "opened"))


async def test_namespaces_are_its_own(box, workspace):
    kinds = ("mnt", "pid", "ipc", "uts", "net")
    told = await say(
        box, workspace, f"cd /proc/self/ns; for k in {' '.join(kinds)}; do readlink $k; done"
    )

    assert all(
        inside != str(Path(f"/proc/self/ns/{kind}").readlink())
        for kind, inside in zip(kinds, told.split(), strict=True)
    )


async def test_temporary_files_are_its_own_and_gone_afterwards(box, workspace):
    script = "for at in /tmp /var/tmp; do ls -A $at; echo x >$at/$1; done"
    name = f"gantry-{uuid.uuid4().hex}"

    assert await say(box, workspace, script, name) == ""
    assert await say(box, workspace, script, name) == ""
    assert not any(Path(at, name).exists() for at in ("/tmp", "/var/tmp"))


async def test_the_engine_is_told_neither_command_nor_environment(docker, box, workspace):
    told, stop = Told(), asyncio.Event()
    command = shell(workspace, "echo ready; exec sleep 300 # hunter3", env={"PASSWORD": "hunter2"})
    running = asyncio.create_task(run(box, command, told, stop=stop))
    await told.wait_for(b"ready\n")

    (listed,) = containers(docker.socket)
    known = ask(docker.socket, "GET", f"/containers/{listed['Id']}/json").decode()

    assert '"OpenStdin":true' in known
    assert "hunter" not in known
    stop.set()
    await running


async def test_variables_of_the_image_are_known_and_reach_no_command_by_themselves(
    docker, with_options, workspace
):
    build(docker.socket, "gantry-test-env", changes="ENV FROM_IMAGE=yes")
    runtime = await with_options(image="gantry-test-env")

    told = await say(runtime, workspace, "env")

    assert runtime.variables["FROM_IMAGE"] == "yes"
    assert "FROM_IMAGE" not in told


@pytest.mark.parametrize("program", ["busybox", "bash"])
async def test_any_shell_will_do(docker, with_options, workspace, program):
    if shutil.which(program) is None:
        pytest.skip(f"there is no {program} on this machine")
    build(docker.socket, f"gantry-test-{program}", program)
    runtime = await with_options(image=f"gantry-test-{program}")
    env = {"PATH": PATH, "A": "ä \n'\"$x\\\udc81", "UID": "5", "IFS": "/", "LINENO": "x"}
    stop, told = asyncio.Event(), Told()
    script = "trap 'echo saved; exit 7' INT; echo ready; while :; do sleep 0.02; done"

    _, data = await run(runtime, shell(workspace, "env -0 | grep -z ^A; echo o; echo e >&2"))
    _, seen = await run(runtime, shell(workspace, "/usr/bin/env -0", env=env))
    ended, _ = await run(runtime, shell(workspace, "kill -SEGV $$"))
    running = asyncio.create_task(run(runtime, shell(workspace, script), told, stop=stop))
    await told.wait_for(b"ready\n")
    stop.set()

    assert data.endswith(b"o\ne\n")
    assert f"A={env['A']}".encode("utf-8", "surrogateescape") in seen.split(b"\0")
    assert ended == Exit(None, signal.SIGSEGV, "exited")
    assert await running == (Exit(7, None, "stopped"), b"ready\nsaved\n")


async def test_names_that_no_shell_can_hold_are_left_out_and_harm_nothing(box, workspace):
    env = {"a-b": "x", "1": "y", "x;touch made": "z", "GOOD": "good"}

    assert (
        await say(box, workspace, "env | grep -c 'x\\|y\\|z'; echo $GOOD", env=env) == "0\ngood\n"
    )
    assert not (workspace / "made").exists()


async def test_a_nul_byte_starts_nothing(box, workspace, docker):
    with pytest.raises(CouldNotStart, match="NUL"):
        await say(box, workspace, "touch made", env={"A": "x\0y"})

    assert not (workspace / "made").exists()
    await no_containers(docker.socket)


# ------------------------------------------------------------------ limits


async def test_a_command_that_takes_too_much_memory_is_killed_and_told_so(with_options, workspace):
    runtime = await with_options(bounds=Bounds(memory=64 * 1024**2))
    script = "echo begin; x=$(head -c 300000000 /dev/zero | tr '\\0' x); echo not reached"

    ended, data = await run(runtime, shell(workspace, script))

    words = (
        "The command needed more than the 64 MiB of memory that this worker allows"
        " (GANTRY_WORKER_MEMORY_LIMIT), and the system ended a process of it."
    )
    assert ended == Exit(None, signal.SIGKILL, "exited", words)
    assert data.decode() == f"begin\n{words}\n"


async def test_files_in_memory_fill_half_of_it_and_no_more(with_options, workspace):
    runtime = await with_options(bounds=Bounds(memory=64 * 1024**2))

    told = await say(runtime, workspace, "head -c 60000000 /dev/zero >/tmp/it; stat -c %s /tmp/it")

    assert "No space left on device" in told
    assert told.endswith(f"{32 * 1024**2}\n")


async def test_processes_are_limited(with_options, workspace):
    runtime = await with_options(bounds=Bounds(processes=20))

    told = await say(runtime, workspace, "for n in $(seq 40); do sleep 9 & done; echo not reached")

    assert "fork" in told.lower()


# ------------------------------------------------------------------ mounts


async def test_extra_mounts_are_there_in_the_phases_they_are_for(with_options, workspace, tmp_path):
    for name in ("always", "reading", "writing"):
        (tmp_path / name).mkdir()
    mounts = (
        ExtraMount(tmp_path / "always", "/extra/always", "all"),
        ExtraMount(tmp_path / "reading", "/extra/reading", "reading"),
        ExtraMount(tmp_path / "writing", "/extra/writing", "writing"),
    )
    runtime = await with_options(mounts=mounts)
    command = shell(workspace, "ls /extra; for at in /extra/*; do echo x >$at/made; done")

    _, planning = await run(runtime, command)
    _, applying = await run(runtime, replace(command, writes=True))

    assert planning.decode().split() == ["always", "reading"]
    assert applying.decode().split() == ["always", "writing"]
    assert (tmp_path / "writing" / "made").exists()


@pytest.mark.parametrize("what", ["socket", "around the socket", "own", "around", "below", "link"])
async def test_mounts_that_lead_to_the_engine_or_the_worker_are_refused(docker, tmp_path, what):
    own = docker.options.own
    (own / "below").mkdir(exist_ok=True)
    link = tmp_path / "harmless"
    link.symlink_to(docker.socket)
    source = {
        "socket": docker.socket,
        "around the socket": docker.socket.parent,
        "own": own,
        "around": own.parent,
        "below": own / "below",
        "link": link,
    }[what]

    with pytest.raises(dockers.NoEngine, match="is or holds"):
        await docker.with_options(mounts=(ExtraMount(source, "/extra", "all"),))


@pytest.mark.parametrize(
    "entry",
    [
        "/one",
        "one:/two",
        "/one:two",
        "/one:/two:ro",
        "/one:/mnt/workspace",
        "/one:/mnt",
        "/one:/",
        "/one:/mnt/workspace/source",
        "/one:/x/../.gantry/init",
    ],
)
def test_a_mount_that_is_none_or_hides_what_is_the_runs_is_refused(entry):
    with pytest.raises(ValueError, match=entry.replace(".", r"\.")):
        parse(entry, "all")


# ------------------------------------------------------------------ images


async def test_an_image_that_is_not_there_and_may_not_be_pulled_is_a_reason(docker):
    with pytest.raises(NoImage, match=r"gantry-absent is not on this worker.*DOCKER_PULL"):
        await docker.docker.for_image("gantry-absent", unsaid)


@pytest.mark.parametrize("name", ["../containers/x", "x?y", "x/../y", "x/", "/x", "a b", "x" * 256])
async def test_what_is_not_the_name_of_an_image_is_not_looked_for(docker, name):
    with pytest.raises(NoImage, match="is not the name of a container image"):
        await docker.docker.for_image(name, unsaid)


async def test_images_are_pulled_as_the_policy_says_with_the_registrys_credentials(
    docker, with_options, workspace, tmp_path
):
    heard = []

    async def hear(words):
        heard.append(words)

    with registry("somebody", "pass:word") as there:
        name = f"{there.address}/runner:1"
        (tmp_path / "config.json").write_text(json.dumps({"auths": there.auths}))
        missing = await docker.with_options(pull="if-missing", config_dir=tmp_path)
        await missing.for_image(name, hear)
        await missing.for_image(name, hear)
        pulled = there.pulled
        always = await docker.with_options(pull="always", config_dir=tmp_path)
        await always.for_image(name, hear)

        assert (pulled, there.pulled) == (1, 2)
        assert [words for words in heard if words.startswith("Pulling")] == [
            f"Pulling the image {name}"
        ] * 2

        stranger = await docker.with_options(pull="always")
        with pytest.raises(NoImage, match=r"cannot be pulled: .*(credentials|authori)"):
            await stranger.for_image(name, hear)
    with pytest.raises(NoImage, match=r"cannot be pulled: .*refused"):
        await always.for_image(name, hear)
    for each in (missing, always, stranger):
        await each.close()


async def test_credentials_that_cannot_be_read_are_the_reason(docker, tmp_path):
    (tmp_path / "config.json").write_text("not json")
    engine = await docker.with_options(pull="always", config_dir=tmp_path)

    with pytest.raises(NoImage, match="SPACELIFT_DOCKER_CONFIG_DIR"):
        await engine.for_image("localhost:1/x", unsaid)
    await engine.close()


async def test_a_program_hands_out_credentials(docker, tmp_path, monkeypatch):
    with registry("somebody", "secret") as there:
        answer = {"Username": "somebody", "Secret": "secret"}
        program = tmp_path / "docker-credential-test"
        program.write_text(
            f'#!/bin/sh\nread asked\n[ "$asked" = {there.address} ] || exit 1\n'
            f"echo '{json.dumps(answer)}'\n"
        )
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{PATH}")
        (tmp_path / "config.json").write_text(json.dumps({"credHelpers": {there.address: "test"}}))
        engine = await docker.with_options(pull="always", config_dir=tmp_path)

        await engine.for_image(f"{there.address}/runner:1", unsaid)

        assert there.pulled == 1
        await engine.close()


async def test_an_image_without_a_shell_is_a_reason(docker, with_options, workspace):
    build(docker.socket, "gantry-test-empty", shell=None)
    runtime = await with_options(image="gantry-test-empty")

    with pytest.raises(CouldNotStart, match="no container of gantry-test-empty starts"):
        await say(runtime, workspace, "true")
    await no_containers(docker.socket)


# ------------------------------------------------------------------ whatever happens


CLINGING = """
    # Hold the worker's end of the orders open, so that the container does not see it close, and
    # kill who would look at it.
    exec 9<>/proc/1/fd/3
    for at in /proc/[0-9]*; do
        pid=${at#/proc/}
        [ "$pid" = 1 ] || [ "$pid" = $$ ] || kill -KILL "$pid"
    done 2>/dev/null
    trap '' INT TERM HUP
    echo ready
    while :; do sleep 0.02; done
"""


async def test_a_command_that_clings_to_life_goes_with_a_worker_that_is_killed(
    docker, workspace, tmp_path
):
    worker = await a_worker(docker, tmp_path / "own", workspace)

    worker.kill()
    await worker.wait()

    await no_containers(docker.socket)


async def test_the_next_worker_removes_what_even_the_reaper_could_not(docker, workspace, tmp_path):
    own = tmp_path / "own"
    worker = await a_worker(docker, own, workspace)
    (reaper,) = [pid for pid in processes_with("reaper.py") if parent_of(pid) == worker.pid]
    os.kill(reaper, signal.SIGKILL)
    worker.kill()
    await worker.wait()
    assert len(containers(docker.socket)) == 1

    next_one = await docker.with_options(own=own)

    assert containers(docker.socket) == []
    await next_one.close()


async def a_worker(docker, own, workspace):
    """A worker of its own, whose command clings to life."""
    where = f"{docker.socket}|{own}|{IMAGE}"
    words = [sys.executable, "-c", WORKER, "docker", where, str(workspace), "sh", "-c", CLINGING]
    worker = await asyncio.create_subprocess_exec(
        *words, stdout=subprocess.PIPE, start_new_session=True
    )
    assert await worker.stdout.readline() == b"ready\n"
    return worker


def parent_of(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


async def test_a_stop_ends_a_command_that_clings_to_life(docker, box, workspace):
    told, stop = Told(), asyncio.Event()
    running = asyncio.create_task(run(box, shell(workspace, CLINGING), told, stop=stop))
    await told.wait_for(b"ready\n")

    stop.set()

    assert (await running)[0] == Exit(None, signal.SIGKILL, "stopped")
    await no_containers(docker.socket)


async def test_nothing_is_left_of_a_command_that_is_cancelled_while_it_starts(
    docker, box, workspace, token
):
    for waited in (0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4):
        running = asyncio.create_task(run(box, shell(workspace, "sleep 300", token)))
        await asyncio.sleep(waited)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    await no_containers(docker.socket)
    assert processes_with(token) == []
    assert not list(docker.options.files.glob("*.stdin"))


async def test_a_container_that_somebody_removes_is_an_end_and_told_so(docker, box, workspace):
    told = Told()
    running = asyncio.create_task(run(box, shell(workspace, "echo ready; sleep 300"), told))
    await told.wait_for(b"ready\n")
    (listed,) = containers(docker.socket)

    ask(docker.socket, "DELETE", f"/containers/{listed['Id']}?force=1")

    ended, data = await running
    assert ended == Exit(None, signal.SIGKILL, "exited")
    assert b"lost the container" in data


# ------------------------------------------------------------------ which runtime


async def test_containers_are_used_when_the_settings_say_so_and_are_never_replaced(
    docker, tmp_path
):
    chosen = await choose("docker", named=True, containers=docker.options)
    assert (chosen.name, chosen.isolates) == ("docker", True)
    await chosen.docker.close()

    absent = Containers(socket=tmp_path / "socket", own=tmp_path, image=IMAGE)
    with pytest.raises(NoSandbox, match=r"cannot be run in containers: .*socket"):
        await choose("docker", named=True, containers=absent)
    for wrong in ({"runtime": "absent"}, {"network": "absent"}):
        with pytest.raises(NoSandbox, match=r'no (runtime|network) "absent"'):
            await choose("docker", named=True, containers=replace(docker.options, **wrong))
