"""A container engine of the tests' own, and an image made from this machine's programs."""

import asyncio
import http.client
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import tarfile
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlencode

from gantry_worker.runtimes.base import ForRun
from gantry_worker.runtimes.containers import Containers
from gantry_worker.runtimes.docker import Docker, connect

IMAGE = "gantry-test"
PROGRAMS = (
    *(
        "cat",
        "env",
        "false",
        "grep",
        "head",
        "id",
        "ln",
        "ls",
        "mkdir",
        "mknod",
        "mount",
        "readlink",
    ),
    *(
        "mkfifo",
        "tar",
        "rm",
        "seq",
        "setsid",
        "sleep",
        "stat",
        "touch",
        "tr",
        "true",
        "unshare",
        "yes",
    ),
)
STARTS_WITHIN = 30.0  # seconds; it takes one or two

ATTEMPTS = 50  # a tenth of a second apart


class NoEngineHere(Exception):
    """This machine cannot run the engine; the message says why."""


@contextmanager
def engine(kind: str) -> Iterator[Path]:
    """Docker's daemon, or Podman's service, with everything it has in a directory of its own.

    Yields its socket. Raises NoEngineHere.
    """
    program = shutil.which("dockerd" if kind == "docker" else "podman")
    if program is None:
        raise NoEngineHere(f"there is no {kind} on this machine")
    if os.getuid() != 0:
        raise NoEngineHere("an engine of the tests' own needs root")
    place = Path(tempfile.mkdtemp(prefix="gantry-engine-"))
    try:
        with (place / "log").open("wb") as log:
            started = subprocess.Popen(
                [program, *_arguments(kind, place)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "CONTAINERS_CONF": str(_settings(place))},
                # Podman's parts leave notes where they are started.
                cwd=place,
                start_new_session=True,
            )
        try:
            _wait(started, place)
            yield place / "socket"
        finally:
            started.send_signal(signal.SIGTERM)
            started.wait(60)
    finally:
        _remove(place)


def _arguments(kind: str, place: Path) -> list[str]:
    if kind == "docker":
        return [
            *("--host", f"unix://{place}/socket", "--data-root", f"{place}/data"),
            *("--exec-root", f"{place}/exec", "--pidfile", f"{place}/pid"),
            # Nothing of this machine's network is to be changed.
            *("--iptables=false", "--bridge=none"),
        ]
    return [
        *("--root", f"{place}/data", "--runroot", f"{place}/exec", "--tmpdir", f"{place}/tmp"),
        *("--cgroup-manager", "cgroupfs", "--events-backend", "file"),
        # The one that copes with machines that have both versions of control groups.
        *("--runtime", "runc"),
        *("system", "service", "--time", "0", f"unix://{place}/socket"),
    ]


def _settings(place: Path) -> Path:
    """What Podman reads. Without it containers would get more open files than some machines, and
    CI among them, let even root give away."""
    file = place / "containers.conf"
    file.write_text('[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n')
    return file


def _wait(started: subprocess.Popen[bytes], place: Path) -> None:
    until = time.monotonic() + STARTS_WITHIN
    while started.poll() is None and time.monotonic() < until:
        try:
            ask(place / "socket", "GET", "/_ping")
            return
        except OSError:
            time.sleep(0.05)
    said = (place / "log").read_text(errors="replace").strip().splitlines()
    raise NoEngineHere("the engine does not start: " + " ".join(said[-2:]))


def _remove(place: Path) -> None:
    """Remove everything, also what Podman's own cleaning, which outlives it, mounts once more."""
    for _ in range(ATTEMPTS):
        for line in reversed(Path("/proc/self/mounts").read_text().splitlines()):
            at = line.split()[1]
            if at.startswith(f"{place}/"):
                subprocess.run(["umount", "-l", at], check=False)
        shutil.rmtree(place, ignore_errors=True)
        if not place.exists():
            return
        time.sleep(0.1)


class _Local(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("engine", timeout=60)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self._path))


def ask(path: Path, method: str, at: str, body: bytes | None = None, kind: str = "json"):
    """One question to an engine, without the code that is tested; its answer as bytes."""
    connection = _Local(path)
    try:
        connection.request(method, at, body, {"Content-Type": f"application/{kind}"})
        return connection.getresponse().read()
    finally:
        connection.close()


def containers(path: Path) -> list[dict]:
    """Every container that an engine has, running or not."""
    return json.loads(ask(path, "GET", "/containers/json?all=1"))


async def no_containers(path: Path) -> None:
    """Wait until an engine has none."""
    async with asyncio.timeout(30):
        while await asyncio.to_thread(containers, path):
            await asyncio.sleep(0.05)


def build(path: Path, name: str = IMAGE, shell: str | None = "dash", *, changes: str = "") -> None:
    """Make an image of this machine's shell, a few programs, and the libraries they need.

    Without a shell there is nothing in it. `changes` is a line of a Dockerfile.
    """
    wanted = {"fromSrc": "-", "repo": name, "tag": "latest"}
    query = urlencode({**wanted, "changes": changes} if changes else wanted)
    made = ask(path, "POST", f"/images/create?{query}", _root_file_system(shell), "x-tar")
    assert b"sha256:" in made, made


def _root_file_system(shell: str | None) -> bytes:
    links = {"bin": "usr/bin", "lib": "usr/lib", "lib64": "usr/lib64"}
    files: dict[str, Path] = {}
    for program in (*PROGRAMS, shell) if shell else ():
        found = shutil.which(program)
        if found is None:
            raise NoEngineHere(f"there is no {program} on this machine")
        at = Path(found).resolve()
        files[f"usr/bin/{program}"] = at
        for word in subprocess.run(["ldd", at], capture_output=True, text=True).stdout.split():
            if word.startswith("/"):
                # As on systems whose /bin, /lib and /lib64 are links.
                files[f"usr/{word.lstrip('/').removeprefix('usr/')}"] = Path(word).resolve()
    if shell:
        links["usr/bin/sh"] = shell
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for name, source in files.items():
            tar.add(source, name)
        for name, target in links.items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            tar.addfile(member)
    return raw.getvalue()


@dataclass(frozen=True)
class Connected:
    """An engine with an image, as a worker uses it."""

    kind: str
    options: Containers
    docker: Docker
    for_run: ForRun

    @property
    def socket(self) -> Path:
        return self.options.socket

    async def with_options(self, **changed) -> Docker:
        """Another worker's hold of the same engine; the caller closes it."""
        return await connect(replace(self.options, **changed))


@asynccontextmanager
async def connected(kind: str) -> AsyncIterator[Connected]:
    """An engine of the tests' own, for the length of a session. Raises NoEngineHere."""
    with engine(kind) as path, tempfile.TemporaryDirectory(prefix="gantry-worker-") as own:
        await asyncio.to_thread(build, path)
        options = Containers(
            socket=path, own=Path(own) / "own", image=IMAGE, pull="never", network="none"
        )
        docker = await connect(options)
        try:
            yield Connected(kind, options, docker, await docker.for_image(None, unsaid))
        finally:
            await docker.close()


async def unsaid(words: str) -> None:
    """Where what a run's log would say goes."""
