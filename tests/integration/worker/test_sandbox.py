"""What commands in the sandbox can see and do, tried by hostile ones; and when there is one."""

import os
import uuid
from pathlib import Path

import pytest
from gantry_worker.runtimes import sandbox
from gantry_worker.runtimes.base import CouldNotStart
from gantry_worker.runtimes.choice import NoSandbox, choose
from gantry_worker.runtimes.surroundings import KERNEL

from tests.support.commands import PATH, SOON, say


@pytest.fixture
def box(workspace):
    return sandbox.for_run(workspace, grace=SOON)


async def test_the_workspace_is_at_its_agreed_place_and_files_stay_the_workers(box, workspace):
    (workspace / "plan.json").write_text("{}")

    told = await say(box, workspace, "pwd; ls /mnt/workspace; echo made > /mnt/workspace/made")

    assert told == "/mnt/workspace\nplan.json\n"
    made = (workspace / "made").stat()
    assert (made.st_uid, made.st_gid) == (os.getuid(), os.getgid())


async def test_tools_keep_their_path_and_cannot_be_changed_caches_can(workspace, tmp_path):
    tools, cache = tmp_path / "tools", tmp_path / "cache"
    for directory in (tools, cache):
        directory.mkdir()
        (directory / "there").write_text("it is\n")
    runtime = sandbox.for_run(workspace, [tools], [cache])
    script = 'cat "$1/there" "$2/there"; (echo x >"$1/made"); rm -f "$1/there"; echo y >"$2/made"'

    told = await say(runtime, workspace, script, str(tools), str(cache))

    assert told.startswith("it is\nit is\n")
    assert told.count("Read-only file system") == 2
    assert [path.name for path in tools.iterdir()] == ["there"]
    assert (cache / "made").read_text() == "y\n"


async def test_other_runs_and_the_workers_key_are_not_there(box, workspace, tmp_path):
    other = tmp_path / "runs" / "other"
    other.mkdir()
    key = tmp_path / "pool.key"
    for path in (other / "state", key):
        path.write_text("secret of another")
    (workspace / "link").symlink_to(key)
    script = 'cat "$1" "$2" link ../../"$1"; ls -a "$3"; ls -a /mnt /root /home /work'

    told = await say(box, workspace, script, str(key), str(other / "state"), str(tmp_path))

    assert "secret" not in told
    assert told.count("No such file or directory") == 8
    assert key.read_text() == "secret of another"


async def test_of_the_hosts_configuration_only_what_programs_need_is_there(box, workspace):
    told = (await say(box, workspace, "ls /; ls -d /etc/*; cat /etc/passwd")).split()

    assert not {"home", "root", "var/run", "sys", "boot", "opt", "srv"} & set(told)
    assert not {"/etc/shadow", "/etc/ssh", "/etc/machine-id", "/etc/sudoers"} & set(told)
    assert {"/etc/resolv.conf", "/etc/passwd"} <= set(told)
    users = [word.split(":")[0] for word in told if word.count(":") > 2]
    assert users == ["root" if os.getuid() == 0 else "gantry", "nobody"]


async def test_private_keys_of_the_system_are_not_there(box, workspace):
    assert "No such file" in await say(box, workspace, "ls /etc/ssl/private")


async def test_only_its_own_processes_are_there(box, workspace):
    script = """
        ls /proc | grep -c '^[0-9]'
        kill -0 "$1"
        cat "/proc/$1/environ" "/proc/$1/cmdline"
        tr '\\0' '\\n' < /proc/1/environ
    """
    told = await say(box, workspace, script, str(os.getpid()))

    count, *rest = filter(None, told.splitlines())
    assert int(count) <= 4  # process 1, the shell, ls and grep
    assert len(rest) == 3  # three refusals, and nothing of process 1
    assert "No such process" in rest[0]
    assert all("No such file" in line for line in rest[1:])


async def test_nothing_outside_the_workspace_can_be_written(box, workspace):
    places = "/ /usr /usr/bin /etc /bin/ /lib/ /mnt /dev /proc /proc/self /var /run"
    told = await say(
        box, workspace, f"for at in {places}; do touch $at/made && echo made in $at; done"
    )

    assert "made in" not in told
    assert told.count("touch:") == len(places.split())


async def test_not_even_a_worker_that_is_root_lets_the_kernels_parameters_be_set(box, workspace):
    # Opened only: on a machine where this fails, it must do no harm.
    files = "/proc/sys/kernel/core_pattern /proc/sys/kernel/hostname /proc/self/oom_score_adj"
    told = await say(box, workspace, f"for it in {files}; do (: >>$it) && echo opened; done")

    assert "opened" not in told
    assert told.count("cannot create") == 3


async def test_proc_tells_nothing_of_the_machines_memory_keys_and_timers(box, workspace):
    names = [name for name in KERNEL if Path("/proc", name).exists()]
    told = await say(box, workspace, f"cd /proc; for at in {' '.join(names)}; do cat $at; done")

    assert len(told.splitlines()) == len(names) > 3
    assert all("Permission denied" in line for line in told.splitlines())


async def test_temporary_files_are_its_own_and_gone_afterwards(box, workspace):
    name = f"gantry-{uuid.uuid4().hex}"
    script = "for at in /tmp /var/tmp /dev/shm; do ls -A $at; echo x >$at/$1; done"

    assert await say(box, workspace, script, name) == ""
    assert await say(box, workspace, script, name) == ""
    assert not any(Path(at, name).exists() for at in ("/tmp", "/var/tmp", "/dev/shm"))


async def test_it_has_no_privileges_and_cannot_get_any(box, workspace):
    script = """
        grep -E '^(Cap|NoNewPrivs)' /proc/self/status
        unshare --user --map-root-user true && echo got a user namespace
        mount -t tmpfs none /tmp && echo mounted
        mknod disk b 254 0 && echo made a device
        mount -o remount,rw /usr && echo remounted
    """
    told = await say(box, workspace, script)

    status = dict(line.split(":\t") for line in told.splitlines() if ":\t" in line)
    assert status.pop("NoNewPrivs") == "1"
    assert set(status) == {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}
    assert {int(mask, 16) for mask in status.values()} == {0}
    assert not any(word in told for word in ("got a", "mounted\n", "made a", "remounted"))


async def test_it_has_namespaces_of_its_own_but_the_hosts_network(box, workspace):
    kinds = ("mnt", "pid", "ipc", "uts", "user", "net")
    told = await say(
        box, workspace, f"cd /proc/self/ns; for k in {' '.join(kinds)}; do readlink $k; done"
    )

    shared = [
        k
        for k, it in zip(kinds, told.split(), strict=True)
        if it == str(Path(f"/proc/self/ns/{k}").readlink())
    ]
    assert shared == ["net"]


async def test_it_gets_no_descriptors_but_the_three(box, workspace):
    held = os.open("/etc/passwd", os.O_RDONLY)
    os.set_inheritable(held, True)
    try:
        told = await say(box, workspace, "ls /proc/self/fd /proc/1/fd")
    finally:
        os.close(held)

    own = told.split("\n\n")[1].split()
    assert own == ["/proc/self/fd:", "0", "1", "2", "3"]  # 3 is the listing itself


async def test_a_variable_cannot_smuggle_options_into_bubblewrap(box, workspace):
    for env in ({"A": "x\0--bind\0/\0/host"}, {"A\0--bind\0/\0/host": ""}):
        with pytest.raises(CouldNotStart, match="NUL"):
            await say(box, workspace, "ls /host", env=env)
    env = {"A": "--bind", "B": "--", "C": ""}
    assert await say(box, workspace, 'echo "$A $B $C."', env=env) == "--bind -- .\n"


async def test_paths_translate_to_what_the_command_sees(box, workspace, tmp_path):
    linked = tmp_path / "linked"
    linked.symlink_to(workspace)
    through_link = sandbox.for_run(linked)

    assert box.inside(workspace / "source" / "..") == "/mnt/workspace"
    assert box.inside(Path("/usr/bin/git")) == "/usr/bin/git"
    assert through_link.inside(linked / "a") == through_link.inside(workspace / "a")
    for hidden in (tmp_path, workspace / ".." / "other", Path("/etc/shadow")):
        with pytest.raises(ValueError, match="cannot see"):
            box.inside(hidden)


async def test_where_sandboxes_work_they_are_chosen():
    assert await sandbox.probe_sandbox() is None
    chosen = await choose("auto")
    assert (chosen.name, chosen.isolates, chosen.for_run) == ("sandbox", True, sandbox.for_run)


async def test_plain_processes_are_used_only_when_asked_for_or_needed(tmp_path, monkeypatch):
    chosen = await choose("process")
    assert (chosen.name, chosen.isolates) == ("process", False)

    monkeypatch.setenv("PATH", str(tmp_path))
    assert "not installed" in await sandbox.probe_sandbox()
    assert (await choose("auto")).name == "process"
    with pytest.raises(NoSandbox, match="not installed"):
        await choose("sandbox")
    with pytest.raises(NoSandbox, match="not installed"):
        await choose("auto", named=True)


async def test_a_bubblewrap_that_fails_is_a_reason_in_its_own_words(tmp_path, monkeypatch):
    broken = tmp_path / "bwrap"
    broken.write_text(
        "#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n"
    )
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{PATH}")

    assert await sandbox.probe_sandbox() == "bwrap: No permissions to create new namespace"
