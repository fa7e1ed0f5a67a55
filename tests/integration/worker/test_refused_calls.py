"""Calls to the kernel that commands in the sandbox may not make, made by real programs."""

import platform
import shutil
import sys
from pathlib import Path

import pytest
from gantry_worker.runtimes import sandbox, seccomp
from gantry_worker.runtimes.base import Command

from tests.support.commands import PATH, SOON, run, say

PYTHON = [] if sys.base_prefix == "/usr" else [Path(sys.base_prefix)]
INTERPRETER = str(Path(sys.base_prefix, "bin", "python3"))

CALLS = """
import ctypes, errno, os, sys
libc = ctypes.CDLL(None, use_errno=True)
for word in sys.argv[1:]:
    name, number, *arguments = word.split(",")
    ctypes.set_errno(0)
    answer = libc.syscall(int(number), *(ctypes.c_long(int(a)) for a in (*arguments, *"000000")))
    print(name, errno.errorcode[ctypes.get_errno()] if answer == -1 else "ok")
"""

I386 = """
import ctypes, mmap
code = b"\\xb8\\x14\\0\\0\\0\\xcd\\x80\\x48\\x98\\xc3"  # mov eax, getpid; int 0x80; cdqe; ret
page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
page.write(code)
at = ctypes.addressof(ctypes.c_char.from_buffer(page))
print(ctypes.CFUNCTYPE(ctypes.c_long)(at)())
"""


@pytest.fixture
def box(workspace):
    if (reason := seccomp.why_not()) is not None:
        pytest.skip(reason)
    return sandbox.for_run(workspace, PYTHON, grace=SOON)


def numbered(names):
    column = {"x86_64": 0, "aarch64": 1}[platform.machine()]
    table = {**seccomp.REFUSED, **seccomp.LOOKED_AT}
    return {name: table[name][column] for name in names if table[name][column] is not None}


async def made(box, workspace, calls):
    """How each call ended: its name and the error."""
    words = [",".join(map(str, call)) for call in calls]
    command = Command((INTERPRETER, "-I", "-S", "-c", CALLS, *words), workspace, {"PATH": PATH})
    ended, said = await run(box, command)
    assert ended.code == 0, said
    return [line.split() for line in said.decode().splitlines()]


async def test_every_call_of_the_list_fails_and_the_program_goes_on(box, workspace):
    wanted = numbered(seccomp.REFUSED)

    found = await made(box, workspace, [*wanted.items(), ("getppid", numbered_getppid())])

    assert found == [*([name, "EPERM"] for name in wanted), ["getppid", "ok"]]


def numbered_getppid():
    return {"x86_64": 110, "aarch64": 173}[platform.machine()]


async def test_calls_are_refused_by_their_arguments_and_the_filter_is_why(box, workspace):
    number = numbered(seccomp.LOOKED_AT)
    calls = [
        ("unshare", number["unshare"], 0),
        ("unshare", number["unshare"], 0x10000000),
        ("clone3", number["clone3"]),
        ("personality", number["personality"], 0x40000),
        ("ioctl", number["ioctl"], 0, 0x5412, 0),
        ("route", number["socket"], 16, 3, 0),
        ("diagnosis", number["socket"], 16, 3, 4),
        ("packet", number["socket"], 17, 3, 0),
        ("vsock", number["socket"], 40, 1, 0),
        ("stream", number["socket"], 2, 1, 0),
    ]

    assert await made(box, workspace, calls) == [
        ["unshare", "ok"],
        ["unshare", "EPERM"],
        ["clone3", "ENOSYS"],
        ["personality", "EPERM"],
        ["ioctl", "EPERM"],  # without the filter: ENOTTY, standard input is no terminal
        ["route", "ok"],
        ["diagnosis", "EAFNOSUPPORT"],
        ["packet", "EAFNOSUPPORT"],  # without the filter: EPERM, for want of a capability
        ["vsock", "EAFNOSUPPORT"],
        ["stream", "ok"],
    ]


@pytest.mark.skipif(platform.machine() != "x86_64", reason="32-bit calls of x86")
async def test_calls_of_32_bits_are_refused(box, workspace):
    command = Command((INTERPRETER, "-I", "-S", "-c", I386), workspace, {"PATH": PATH})

    ended, said = await run(box, command)

    # On a kernel without them the program dies of the attempt, which refuses it as well.
    assert said.strip() == b"-1" or ended.signal is not None


async def test_programs_of_runs_do_their_work(box, workspace):
    script = """
        set -e
        git init -q code && cd code
        git -c user.name=me -c user.email=me@here commit -q --allow-empty -m one
        git clone -q . ../copy && git -C ../copy log --format=%s
        tar -cf - . | tar -tf - >/dev/null
        find / -xdev -name 'no such file' 2>/dev/null || true
        for n in 1 2 3 4; do sleep 0.01 & done; wait
        mkfifo pipe; (echo through >pipe) & cat pipe
    """
    assert await say(box, workspace, script) == "one\nthrough\n"


THREADS = """
import concurrent.futures, multiprocessing, os, socket, subprocess, tempfile
with concurrent.futures.ThreadPoolExecutor(8) as pool:
    print(sum(pool.map(lambda n: n, range(100))))
with multiprocessing.get_context("fork").Pool(2) as pool:
    print(pool.map(abs, [-1, -2]))
one, other = socket.socketpair()
listener = socket.create_server(("127.0.0.1", 0))
socket.create_connection(listener.getsockname()).close()
print(subprocess.run(["echo", "child"], capture_output=True).stdout)
print(socket.getaddrinfo("localhost", 80)[0][4][1], len(os.listdir(tempfile.gettempdir())))
"""


async def test_python_has_threads_children_and_sockets(box, workspace):
    command = Command((INTERPRETER, "-I", "-c", THREADS), workspace, {"PATH": PATH})

    _, said = await run(box, command)

    assert said.decode().splitlines()[:3] == ["4950", "[1, 2]", "b'child\\n'"]
    assert said.decode().splitlines()[3].startswith("80 ")


NODE = """
const fs = require("fs"), http = require("http"), { Worker } = require("worker_threads");
fs.writeFileSync("made", "x");
new Worker("require('worker_threads').parentPort.postMessage(1)", { eval: true })
  .on("message", () => http.createServer((q, a) => a.end("hi")).listen(0, "127.0.0.1", function () {
    http.get({ port: this.address().port }, (r) => r.on("data", (d) => {
      console.log(String(d), fs.readFileSync("made", "utf8"),
        String(require("child_process").execSync("echo child")).trim());
      process.exit(0);
    }));
  }));
"""


@pytest.mark.skipif(
    not str(shutil.which("node")).startswith("/usr/"), reason="Node.js is not below /usr"
)
async def test_node_has_threads_children_and_sockets(box, workspace):
    _, said = await run(box, Command(("node", "-e", NODE), workspace, {"PATH": PATH}))

    assert said.decode().split() == ["hi", "x", "child"]


async def test_terraform_plans_and_applies(box, workspace):
    tool = shutil.which("terraform") or shutil.which("tofu")
    if tool is None:
        pytest.skip("neither terraform nor tofu is installed")
    (workspace / "main.tf").write_text(
        'resource "terraform_data" "it" {\n'
        '  provisioner "local-exec" { command = "echo child of terraform" }\n}\n'
    )
    runtime = sandbox.for_run(workspace, [*PYTHON, Path(tool).resolve().parent], grace=SOON)
    script = '"$1" init -input=false >/dev/null && "$1" apply -auto-approve -no-color'

    told = await say(runtime, workspace, script, str(Path(tool).resolve()))

    assert "child of terraform" in told
    assert "Apply complete! Resources: 1 added" in told
