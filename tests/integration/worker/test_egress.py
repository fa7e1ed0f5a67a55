"""The only way out of a sandbox, tried by programs inside it against servers outside."""

import asyncio
import ipaddress
import os
import shutil
import signal
import subprocess
import sys
import uuid
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from gantry_worker.runtimes import egress, sandbox
from gantry_worker.runtimes.base import Command
from gantry_worker.runtimes.bounds import Bounds
from gantry_worker.runtimes.choice import Choice, NoSandbox
from gantry_worker.runtimes.confinement import Confinement
from gantry_worker.runtimes.gateway import Egress
from gantry_worker.runtimes.hardening import harden

from tests.integration.worker.stand_in import standing_in
from tests.support.commands import LONG, PATH, SOON, processes_with, run, shell, until

PYTHON = [] if sys.base_prefix == "/usr" else [Path(sys.base_prefix)]
INTERPRETER = str(Path(sys.base_prefix, "bin", "python3"))

ASK = """
import sys, urllib.error, urllib.request
for address in sys.argv[1:]:
    try:
        with urllib.request.urlopen(address, timeout=20) as answer:
            print("got", answer.status, answer.read().decode())
    except urllib.error.HTTPError as error:
        print("refused", error.code, error.read().decode().strip())
    except OSError as error:
        print("failed", error)
"""

TUNNEL = """
import os, socket, sys
proxy = os.environ["HTTPS_PROXY"].rpartition("/")[2].split(":")
with socket.create_connection((proxy[0], int(proxy[1])), timeout=20) as out:
    out.sendall(f"CONNECT {sys.argv[1]} HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n".encode())
    print(out.recv(4096).split(b"\\r\\n")[0].decode())
    out.sendall(b"GET /there HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
    print(out.recv(4096).partition(b"\\r\\n\\r\\n")[2].decode())
"""

STRAIGHT = """
import socket, sys
for word in sys.argv[1:]:
    host, _, port = word.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=5)
        print("connected")
    except OSError as error:
        print(type(error).__name__)
"""


@pytest.fixture
async def there():
    async with standing_in() as server:
        server.answers["/there"] = [(200, b"it is")]
        yield server


class Names:
    """A DNS of the test's own; remembers what it was asked."""

    def __init__(self, **known):
        self.known = {name.replace("_", "."): where for name, where in known.items()}
        self.asked = []

    async def __call__(self, host, port):
        self.asked.append(host)
        if host not in self.known:
            raise OSError("no such name")
        return [ipaddress.ip_address(self.known[host])]


@pytest.fixture
def boxed(workspace):
    """Makes a sandbox with these entries and names."""

    def make(*entries, names=None, server=None, tools=()):
        allowed = egress.parse(list(entries), server)
        confinement = Confinement(egress=Egress(allowed, names or Names()))
        return sandbox.for_run(workspace, [*PYTHON, *tools], grace=SOON, confinement=confinement)

    return make


async def told(box, workspace, script, *words, env=None):
    command = Command(
        (INTERPRETER, "-I", "-S", "-c", script, *words), workspace, {"PATH": PATH, **(env or {})}
    )
    ended, said = await run(box, command)
    assert ended.code == 0, said
    return said.decode().splitlines()


def port_of(there):
    return int(there.url.rpartition(":")[2])


async def test_a_listed_host_is_reached_by_name_and_its_name_is_looked_up_outside(
    boxed, workspace, there
):
    port, names = port_of(there), Names(good_example="127.0.0.1")
    box = boxed(f"good.example:{port}", f"127.0.0.1:{port}", names=names)

    said = await told(box, workspace, ASK, f"http://good.example:{port}/there")

    assert said == ["got 200 it is"]
    assert names.asked == ["good.example"]
    assert [path for path, _ in there.asked] == ["/there"]


async def test_a_tunnel_leads_to_a_listed_host(boxed, workspace, there):
    port = port_of(there)
    box = boxed(f"*.example:{port}", f"127.0.0.1:{port}", names=Names(good_example="127.0.0.1"))

    said = await told(box, workspace, TUNNEL, f"good.example:{port}")

    assert said == ["HTTP/1.1 200 Connection established", "it is"]


async def test_other_hosts_are_refused_unasked_and_the_log_says_so_once_for_each(
    boxed, workspace, there
):
    port, names = port_of(there), Names(good_example="127.0.0.1", evil_example="127.0.0.1")
    box = boxed(f"good.example:{port}", f"127.0.0.1:{port}", names=names)
    evil = f"http://evil.example:{port}/there"

    said = await told(box, workspace, ASK, evil, evil, "http://secret.of-run.evil.example/")

    line = f"egress to evil.example:{port} refused: not in GANTRY_WORKER_EGRESS"
    other = "egress to secret.of-run.evil.example:80 refused: not in GANTRY_WORKER_EGRESS"
    assert said.count(line) == 1
    assert said.count(other) == 1
    assert said.count(f"refused 403 {line}") == 2
    assert names.asked == []
    assert there.asked == []


async def test_a_listed_name_that_leads_inside_is_refused(boxed, workspace, there):
    port = port_of(there)
    names = Names(rebound_example="127.0.0.1", cloud_example="169.254.169.254")
    box = boxed(f"rebound.example:{port}", "cloud.example", names=names)

    said = await told(
        box, workspace, ASK, f"http://rebound.example:{port}/there", "http://cloud.example/"
    )

    assert sum("no public address" in line for line in said) == 4  # the answers and the log
    assert there.asked == []


async def test_there_is_no_other_way_out(boxed, workspace, there):
    port = port_of(there)
    direct = [f"127.0.0.1:{port}", "127.0.0.2:22", "169.254.169.254:80", "93.184.216.34:443"]
    box = boxed("good.example")

    said = await told(box, workspace, STRAIGHT, *direct)

    assert "connected" not in said
    assert len(said) == 4
    assert there.asked == []
    # The same from a sandbox with the host's network: the server is there.
    plain = sandbox.for_run(workspace, PYTHON, grace=SOON)
    assert await told(plain, workspace, STRAIGHT, f"127.0.0.1:{port}") == ["connected"]


async def test_abstract_sockets_of_the_host_are_out_of_reach(boxed, workspace):
    ask = """
import socket, sys
try:
    socket.socket(socket.AF_UNIX).connect("\\0" + sys.argv[1])
    print("connected")
except OSError as error:
    print(type(error).__name__)
"""
    name = f"gantry-test-{id(workspace)}"
    server = await asyncio.start_unix_server(lambda r, w: w.close(), path=f"\0{name}")
    async with server:
        assert await told(boxed("x.example"), workspace, ask, name) == ["ConnectionRefusedError"]
        plain = sandbox.for_run(workspace, PYTHON, grace=SOON)
        assert await told(plain, workspace, ask, name) == ["connected"]


async def test_a_listed_port_of_this_machine_is_reached_without_the_proxy(boxed, workspace, there):
    port = port_of(there)

    said = await told(boxed(f"127.0.0.1:{port}"), workspace, ASK, f"http://127.0.0.1:{port}/there")

    assert said == ["got 200 it is"]


async def test_a_command_cannot_set_the_proxy_aside(boxed, workspace):
    env = {"HTTPS_PROXY": "http://elsewhere:1", "no_proxy": "*"}
    command = shell(workspace, 'echo "$HTTPS_PROXY $http_proxy $no_proxy"', env=env)

    _, said = await run(boxed("x.example"), command)

    proxy = b"http://127.0.0.1:3128"
    assert said.split() == [proxy, proxy, b"localhost,127.0.0.1,::1"]


async def test_captured_output_holds_nothing_of_the_proxys(boxed, workspace):
    box = boxed("x.example")
    words = (INTERPRETER, "-I", "-S", "-c", ASK, "http://evil.example/")

    ended, out, errors = await box.capture(
        Command(words, workspace, {"PATH": PATH}), stop=asyncio.Event(), timeout=LONG, limit=4096
    )

    assert ended.code == 0
    assert out.startswith(b"refused 403")
    assert errors == b"egress to evil.example:80 refused: not in GANTRY_WORKER_EGRESS\n"


async def test_terraform_keeps_its_state_through_the_proxy(boxed, workspace, there):
    tool = shutil.which("terraform") or shutil.which("tofu")
    if tool is None:
        pytest.skip("neither terraform nor tofu is installed")
    binary = Path(tool).resolve()
    there.answers["/state"] = [lambda path, body: (200, b"") if body else (404, b"")]
    (workspace / "main.tf").write_text(
        'terraform {\n  backend "http" {}\n}\nresource "terraform_data" "it" {}\n'
    )
    port = port_of(there)
    # By name: of an address on the loopback Go's programs ask no proxy.
    box = boxed(
        server=f"http://gantry.example:{port}",
        names=Names(gantry_example="127.0.0.1"),
        tools=[binary.parent],
    )
    script = '"$1" init -input=false -no-color && "$1" apply -auto-approve -no-color'
    env = {"TF_HTTP_ADDRESS": f"http://gantry.example:{port}/state", "CHECKPOINT_DISABLE": "1"}

    ended, said = await run(box, shell(workspace, script, str(binary), env=env))

    assert ended.code == 0, said
    assert b"Apply complete! Resources: 1 added" in said
    assert any(b"terraform_data" in body for body in there.bodies("/state"))


async def test_an_installation_on_this_machine_is_reached(boxed, workspace, there):
    said = await told(boxed(server=there.url), workspace, ASK, f"{there.url}/there")

    assert said == ["got 200 it is"]


async def test_a_command_gets_no_descriptors_of_the_way_out(boxed, workspace):
    _, said = await run(boxed("x.example"), shell(workspace, "ls /proc/self/fd"))

    assert said.split() == [b"0", b"1", b"2", b"3"]  # 3 is the listing itself


DYING = """
import asyncio, sys, time
from datetime import timedelta
from pathlib import Path
from gantry_worker.runtimes import sandbox
from gantry_worker.runtimes.base import Command
from gantry_worker.runtimes.confinement import Confinement
from gantry_worker.runtimes.egress import AllowList
from gantry_worker.runtimes.gateway import Egress, Gateway

class Slow(Gateway):
    async def open(self, pid):
        if sys.argv[2] == "late":
            await super().open(pid)
        print("held", flush=True)
        time.sleep(60)

from gantry_worker.runtimes import confinement
confinement.Gateway = Slow

async def main():
    long, place = timedelta(seconds=60), Path(sys.argv[1])
    await sandbox.for_run(place, confinement=Confinement(egress=Egress(AllowList()))).run(
        Command(("sh", "-c", "touch /mnt/workspace/began; sleep " + sys.argv[3]), place,
                {"PATH": "/usr/bin:/bin"}),
        output=None, stop=asyncio.Event(), timeout=long, silence=long)

asyncio.run(main())
"""


@pytest.mark.parametrize("when", ["early", "late"])
async def test_a_worker_that_dies_before_a_command_begins_lets_none_begin(workspace, when):
    token = f"300.{uuid.uuid4().int}"
    words = (sys.executable, "-c", DYING, str(workspace), when, token)
    with subprocess.Popen(words, stdout=subprocess.PIPE) as worker:
        assert worker.stdout.readline() == b"held\n"
        boxes = [pid for pid in processes_with(token) if pid != worker.pid]
        assert boxes
        worker.kill()
    try:
        if when == "late":  # the doorway, which had answered, sees to it
            await until(lambda: not processes_with(token))
        else:
            await until(lambda: len(processes_with(token)) < len(boxes))
        assert not (workspace / "began").exists()
    finally:
        for pid in processes_with(token):
            os.kill(pid, signal.SIGKILL)


async def test_nothing_of_the_way_out_outlives_the_command(boxed, workspace, there):
    before = {task for task in asyncio.all_tasks() if not task.done()}
    port = port_of(there)
    box = boxed(f"127.0.0.1:{port}")

    await told(box, workspace, ASK, f"http://127.0.0.1:{port}/there")
    await asyncio.sleep(0)

    left = {task for task in asyncio.all_tasks() if not task.done()} - before
    assert not [task for task in left if "gateway" in repr(task)]


@asynccontextmanager
async def _slow_server():
    async def serve(reader, writer):
        writer.write(await reader.readexactly(1_000_000))
        writer.write_eof()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_a_lot_goes_through_whole(boxed, workspace):
    ask = """
import os, socket, sys, threading
proxy = os.environ["HTTPS_PROXY"].rpartition("/")[2].split(":")
out = socket.create_connection((proxy[0], int(proxy[1])), timeout=20)
out.sendall(f"CONNECT {sys.argv[1]} HTTP/1.1\\r\\n\\r\\n".encode())
assert out.recv(4096).startswith(b"HTTP/1.1 200")
data = os.urandom(1000000)
threading.Thread(target=out.sendall, args=(data,)).start()
back = b""
while more := out.recv(65536):
    back += more
print(back == data)
"""
    async with _slow_server() as port:
        box = boxed(
            f"big.example:{port}", f"127.0.0.1:{port}", names=Names(big_example="127.0.0.1")
        )
        assert await told(box, workspace, ask, f"big.example:{port}") == ["True"]


async def test_a_list_without_a_sandbox_is_a_reason_not_to_start():
    without = Choice("process", False, sandbox.for_run)

    with pytest.raises(NoSandbox, match="GANTRY_WORKER_EGRESS holds in sandboxes only"):
        await harden(without, Bounds(), egress.parse(["example.com"]))

    assert await harden(without, Bounds(), None) is without


async def test_a_hardened_choice_is_tried_out_and_makes_sandboxes_without_a_way_out(workspace):
    found = await harden(Choice("sandbox", True, sandbox.for_run), Bounds(), egress.parse([]))

    box = found.for_run(workspace, PYTHON, grace=SOON)
    assert await told(box, workspace, STRAIGHT, "127.0.0.1:9") == ["ConnectionRefusedError"]
    assert (await told(box, workspace, ASK, "http://x.example/"))[0].startswith(
        ("egress to x.example:80 refused", "refused 403")
    )
