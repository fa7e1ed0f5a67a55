"""Commands in namespaces of their own, made by bubblewrap: what a worker uses wherever it can.

A command sees the system's programs and its own workspace, and only its own processes. It does
not see the worker's key, other runs, the host's homes or its services' sockets, and calls to the
kernel that no tool needs are refused (seccomp.py). The network is the host's, because providers
need it: what listens on localhost or on an abstract Unix socket, or hands out credentials by
address as clouds do, stays reachable, unless the operator has listed where commands may go
(egress.py). Make the worker an ordinary user: the command has the worker's user id (without any
capability), so that files in the workspace stay the worker's.
"""

from __future__ import annotations

import asyncio
import functools
import json
import os
import platform
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from gantry_worker.runtimes import seccomp
from gantry_worker.runtimes.base import GRACE, Command, CouldNotStart, ForRun
from gantry_worker.runtimes.confinement import Confinement, Held
from gantry_worker.runtimes.supervised import HOME, Supervised, make_home
from gantry_worker.runtimes.supervision import Streams, in_memory, wait_until_readable
from gantry_worker.runtimes.surroundings import Place, bubblewrap_options, inside

STATUS = 4096  # bytes; bubblewrap's two status lines are far shorter
SIGNALLED = 128  # a shell's and bubblewrap's exit code for "ended by signal n" is 128 + n
LAST_SIGNAL = 64
PROBE_LIMIT = timedelta(seconds=10)  # it takes milliseconds where it works
ATTEMPTS, BETWEEN = 100, 0.01  # seconds; bubblewrap makes its process group within milliseconds
OPEN = Confinement()


def for_run(
    workspace: Path,
    read_only: Sequence[Path] = (),
    writable: Sequence[Path] = (),
    *,
    grace: timedelta = GRACE,
    confinement: Confinement = OPEN,
) -> Supervised:
    """A sandbox with `workspace` at /mnt/workspace; the other paths keep their names.

    Raises CouldNotStart when bubblewrap is not installed.
    """
    program = shutil.which("bwrap")
    if program is None:
        raise CouldNotStart("bubblewrap (bwrap) is not installed")
    make_home(workspace)
    place = Place(
        workspace=workspace.resolve(),
        workspace_name=workspace.absolute(),
        read_only=tuple(path.absolute() for path in read_only),
        writable=tuple(path.absolute() for path in writable),
    )
    return Supervised(
        name="sandbox",
        isolates=True,
        home=inside(place, place.workspace / HOME),
        grace=grace,
        inside=partial(inside, place),
        start=partial(_start, program, place, confinement),
    )


async def probe_sandbox(make: ForRun | None = None) -> str | None:
    """None when sandboxes can be made here, as `make` makes them, else the reason why not."""
    said = bytearray()

    async def listen(data: bytes) -> None:
        said.extend(data)

    with tempfile.TemporaryDirectory(prefix="gantry-probe-") as place:
        try:
            ended = await (make or for_run)(Path(place)).run(
                Command(("true",), Path(place), {}),
                output=listen,
                stop=asyncio.Event(),
                timeout=PROBE_LIMIT,
                silence=PROBE_LIMIT,
            )
        except CouldNotStart as cause:
            return said.decode(errors="replace").strip() or str(cause)
    if ended.code == 0:
        return None
    return said.decode(errors="replace").strip() or f"a trial command ended with {ended}"


@functools.cache
def _offers(program: str, option: str) -> bool:
    """Whether this bubblewrap knows an option; the ones in use differ by years."""
    answer = subprocess.run([program, "--help"], capture_output=True, env={}, check=False)
    return option.encode() in answer.stdout + answer.stderr


@dataclass(slots=True)
class _Boxed:
    """A command in its sandbox: bubblewrap outside, process 1 of the sandbox as the host sees it.

    When process 1 dies, the kernel kills everything else in the sandbox first, so its death is
    the proof that nothing is left. Bubblewrap ends earlier, once it knows the exit code.
    """

    bubblewrap: asyncio.subprocess.Process
    status: int
    told: bytes
    init: int | None
    init_handle: int | None
    held: Held | None

    def shortage(self) -> str | None:
        """See `supervision.Bounded`."""
        return self.held.shortage if self.held is not None else None

    async def gone(self) -> tuple[int | None, int | None]:
        returned = await self.bubblewrap.wait()
        with suppress(BlockingIOError):
            self.told += os.read(self.status, STATUS)
        os.close(self.status)
        if self.init is not None and self.init_handle is not None:
            await wait_until_readable(self.init_handle)  # it is, when the process is dead
            _reap_if_ours(self.init)
            os.close(self.init_handle)
            self.init_handle = None
        if self.held is not None:
            await self.held.end()
        code = _facts(self.told).get("exit-code")
        if code is None:  # bubblewrap tells it only when the program was really started
            if 0 <= returned <= SIGNALLED:
                raise CouldNotStart("bubblewrap could not start the command; the output says why")
            code = returned if returned > 0 else SIGNALLED - returned
        if SIGNALLED < code <= SIGNALLED + LAST_SIGNAL:
            return None, code - SIGNALLED
        return code, None

    async def signal(self, number: int) -> None:
        """Not to bubblewrap: it would die, and take the sandbox along before it could react."""
        for _ in range(ATTEMPTS):
            if self.init is None or self.bubblewrap.returncode is not None:
                return
            try:
                os.killpg(self.init, number)
            except ProcessLookupError:  # the sandbox is not quite ready, or just gone
                await asyncio.sleep(BETWEEN)
            else:
                return

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            if self.init_handle is not None:
                signal.pidfd_send_signal(self.init_handle, signal.SIGKILL)
            elif self.bubblewrap.returncode is None:
                self.bubblewrap.kill()


async def _start(
    program: str, place: Place, confinement: Confinement, command: Command, streams: Streams
) -> _Boxed:
    hidden = [*bubblewrap_options(place), *confinement.options()]
    hidden += ["--chdir", inside(place, command.cwd), "--clearenv"]
    for name, value in {**command.env, **confinement.variables()}.items():
        hidden += ["--setenv", name, value]
    if _offers(program, "--disable-userns"):
        # Inside namespaces of its own a command would have capabilities, and so could reach
        # parts of the kernel that ordinary users cannot.
        hidden.append("--disable-userns")
    if any("\0" in word for word in (*hidden, *command.argv)):
        raise CouldNotStart("a NUL byte in the environment or an argument")
    with ExitStack() as theirs, ExitStack() as ours:
        given: list[int] = []

        def give(content: bytes) -> str:
            given.append(in_memory("file", content))
            theirs.callback(os.close, given[-1])
            return str(given[-1])

        for path, text in place.user_database().items():
            hidden += ["--ro-bind-data", give(text.encode()), path]
        if seccomp.why_not() is None:
            hidden += ["--seccomp", give(seccomp.program(platform.machine()))]
        held, release = None, None
        if confinement.begins_first:
            held = Held(confinement, streams.stderr)
            ours.callback(held.close)
            # Process 1 of the sandbox has the other end as well: were it to end with the worker,
            # a worker that dies now would let the command begin.
            gate, release = os.pipe2(os.O_CLOEXEC)
            given += [gate, release]
            theirs.callback(os.close, gate)
            ours.callback(os.close, release)
            hidden += ["--block-fd", str(gate), "--sync-fd", str(release)]
        hidden += ["--remount-ro", "/"]
        # Options travel in a file and the environment is empty: process lists are public, and
        # a command's LD_PRELOAD must not act on bubblewrap, outside the sandbox.
        options = give(b"".join(os.fsencode(word) + b"\0" for word in hidden))
        status, report = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(status, False)
        theirs.callback(os.close, report)
        ours.callback(os.close, status)
        process = await asyncio.create_subprocess_exec(
            *(program, "--args", options, "--json-status-fd", str(report), "--"),
            *command.argv,
            stdin=streams.stdin,
            stdout=streams.stdout,
            stderr=streams.stderr,
            pass_fds=(*given, report),
            env={},
            start_new_session=True,  # Ctrl-C in the worker's terminal is the worker's business
        )
        theirs.close()
        boxed = _Boxed(process, status, b"", None, None, held)
        try:
            boxed.told = await _first_line(status)
            boxed.init = _facts(boxed.told).get("child-pid")
            boxed.init_handle = _handle(boxed.init)
            if held is not None and boxed.init is not None:
                await held.begin(boxed.init)
            if release is not None:
                with suppress(BrokenPipeError):  # it has ended already; its status says how
                    os.write(release, b"\0")
        except BaseException:
            await _abandon(boxed)
            raise
        ours.pop_all()
    if held is not None and release is not None:
        held.begun()
        os.close(release)
    return boxed


async def _abandon(boxed: _Boxed) -> None:
    """End a sandbox that has not begun: process 1 does not die with bubblewrap yet."""
    with suppress(ProcessLookupError):
        boxed.bubblewrap.kill()
    await boxed.bubblewrap.wait()
    if boxed.init_handle is None:
        with suppress(BlockingIOError, ValueError):  # it has not said, or not all of it
            boxed.told += os.read(boxed.status, STATUS)
            boxed.init_handle = _handle(_facts(boxed.told).get("child-pid"))
    boxed.kill()
    if boxed.init_handle is not None:
        os.close(boxed.init_handle)


async def _first_line(status: int) -> bytes:
    told = b""
    while b"\n" not in told:
        await wait_until_readable(status)
        more = os.read(status, STATUS)
        if not more:
            break
        told += more
    return told


def _facts(told: bytes) -> dict[str, int]:
    """What bubblewrap's status lines say together. One JSON object a line; bwrap(1)."""
    facts: dict[str, int] = {}
    for line in told.splitlines():
        facts.update(json.loads(line))
    return facts


def _reap_if_ours(pid: int) -> None:
    """Process 1 of a sandbox dies an orphan, and orphans come to us if we are process 1 of a
    container. Elsewhere the system's own process 1 reaps them.
    """
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def _handle(pid: int | None) -> int | None:
    """A descriptor of the process, which unlike its number cannot become someone else's."""
    if pid is None:
        return None
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        return None
