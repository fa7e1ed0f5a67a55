"""Commands in containers: of the image that a stack or the operator names, one for each command.

A container sees its image, the run's workspace, and what the operator mounts into it. It has the
worker's user id and none of root's powers, a root file system that it cannot change, limits of
memory and processes, and nothing that leads to the engine. The worker itself can speak to the
engine, and is therefore as mighty as root.

A container ends and goes with its command. Should the worker die, the container's input ends, and
the container with it (init.sh); and a process of its own (reaper.py) removes what is left,
whatever a command did to stay. Should that die too, the next worker in the same place removes it.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from gantry_worker.runtimes import images, mounts, reaper
from gantry_worker.runtimes.base import GRACE, Command, CouldNotStart, ForRun
from gantry_worker.runtimes.contained import Contained, job
from gantry_worker.runtimes.containers import OWN, Bind, Containers, Sight, specification
from gantry_worker.runtimes.engine import Engine, EngineAway, EngineError
from gantry_worker.runtimes.images import Image
from gantry_worker.runtimes.supervised import HOME, Supervised, make_home
from gantry_worker.runtimes.supervision import Streams
from gantry_worker.runtimes.surroundings import WORKSPACE, user_database

log = structlog.get_logger()

PLACE, WORKER = "gantry.place", "gantry.worker"
"""Labels of containers: the directory that their worker owns, and which of its lives made them."""
INIT = Path(__file__).with_name("init.sh")
MISSING, BEING_REMOVED = 404, 409
ROOTLESS = "name=rootless"  # among the security options of an engine that an ordinary user runs
LIMITS = ("MemoryLimit", "PidsLimit", "CpuCfsQuota")


class NoEngine(Exception):
    """No container can be made here; the message says why, for the operator."""


@dataclass(frozen=True, slots=True)
class Docker:
    """An engine that is ready for runs."""

    options: Containers
    engine: Engine
    user: tuple[int, int]
    """As whom commands run inside. On this machine that is the worker's own user."""
    worker: str
    reaper: subprocess.Popen[bytes]
    removals: set[asyncio.Task[None]] = field(default_factory=set)

    async def for_image(self, wanted: str | None, say: images.Say) -> ForRun:
        """Makes runtimes of an image, the operator's own if None. Raises NoImage."""
        options = self.options
        image = await images.get(
            self.engine,
            wanted or options.image,
            pull=options.pull,
            config_dir=options.config_dir,
            say=say,
        )
        await say(f"Commands run in containers of the image {image.name}")
        return partial(self.for_run, image)

    def for_run(
        self,
        image: Image,
        workspace: Path,
        read_only: Sequence[Path] = (),
        writable: Sequence[Path] = (),
        *,
        grace: timedelta = GRACE,
    ) -> Supervised:
        """Containers with `workspace` at /mnt/workspace; the other paths keep their names."""
        make_home(workspace)
        binds = (
            Bind(workspace.resolve(), str(WORKSPACE), False),
            *(Bind(path.resolve(), str(path.absolute()), True) for path in read_only),
            *(Bind(path.resolve(), str(path.absolute()), False) for path in writable),
        )
        sight = Sight(binds, workspace.absolute())
        return Supervised(
            name="docker",
            isolates=True,
            home=str(WORKSPACE / HOME),
            grace=grace,
            inside=sight.inside,
            start=partial(self._start, image, sight),
            variables=image.variables,
        )

    async def _start(
        self, image: Image, sight: Sight, command: Command, streams: Streams
    ) -> Contained:
        name = f"gantry-{uuid.uuid4().hex}"
        given = self.options.files / f"{name}.stdin" if command.stdin is not None else None
        mark = uuid.uuid4().hex
        text = job(
            command,
            directory=sight.inside(command.cwd),
            stdin=f"{OWN}/stdin" if given else None,
            merged=streams.stdout == streams.stderr,
            mark=mark,
        )
        spec = specification(
            self.options,
            image,
            (*sight.binds, *self._files(given), *self._extra(writing=command.writes)),
            user=self.user,
            labels={PLACE: str(self.options.own), WORKER: self.worker},
            mark=mark,
        )
        if given is not None:
            await asyncio.to_thread(_write, given, command.stdin or b"")
        making = asyncio.create_task(
            self.engine.call("POST", "/containers/create", body=spec, query={"name": name})
        )
        clean_up = partial(self._discard, name, given, making)
        attached = None
        try:
            # Not broken off half-way, when nobody could say whether there is a container.
            await asyncio.shield(making)
            attached = await self.engine.attach(name)
            await self.engine.call("POST", f"/containers/{name}/start")
            await attached.write(text)
        except BaseException as cause:
            if attached is not None:
                await attached.close()
            await asyncio.shield(clean_up())
            if isinstance(cause, EngineAway):
                raise CouldNotStart(f"the container engine does not answer: {cause}") from None
            if isinstance(cause, EngineError):
                raise CouldNotStart(f"no container of {image.name} starts: {cause}") from None
            raise
        return Contained(
            self.engine,
            name,
            attached,
            streams,
            clean_up=clean_up,
            memory=self.options.bounds.memory,
        )

    def _files(self, stdin: Path | None) -> tuple[Bind, ...]:
        files = self.options.files
        given = [
            (files / "init", f"{OWN}/init"),
            (files / "passwd", "/etc/passwd"),
            (files / "group", "/etc/group"),
        ]
        if stdin is not None:
            given.append((stdin, f"{OWN}/stdin"))
        return tuple(Bind(source, target, True) for source, target in given)

    def _extra(self, *, writing: bool) -> tuple[Bind, ...]:
        return tuple(
            Bind(mount.source.resolve(), mount.target, False)
            for mount in self.options.mounts
            if mount.is_for(writing=writing)
        )

    def _discard(
        self, name: str, stdin: Path | None, making: asyncio.Task[Any]
    ) -> asyncio.Task[None]:
        """Kill and remove a container, whatever becomes of whoever asked for it."""
        task = asyncio.create_task(self._remove(name, stdin, making))
        self.removals.add(task)
        task.add_done_callback(self.removals.discard)
        return task

    async def _remove(self, name: str, stdin: Path | None, making: asyncio.Task[Any]) -> None:
        await asyncio.wait({making})
        if stdin is not None:
            await asyncio.to_thread(stdin.unlink, missing_ok=True)
        try:
            await self.engine.call("DELETE", f"/containers/{name}", query={"force": "1", "v": "1"})
        except (EngineError, EngineAway) as cause:
            if not isinstance(cause, EngineError) or cause.status not in (MISSING, BEING_REMOVED):
                # The reaper tries again when this worker ends, and the next worker after it.
                log.error("container not removed", container=name, reason=str(cause))

    async def close(self) -> None:
        """Finish removals, and let the reaper look a last time."""
        if self.removals:
            await asyncio.wait(self.removals)
        await self.engine.close()
        if self.reaper.stdin is not None:
            self.reaper.stdin.close()


async def connect(options: Containers) -> Docker:
    """The engine, found fit for runs, and cleared of what an earlier worker left.

    Raises NoEngine.
    """
    engine = Engine(options.socket)
    try:
        mounts.check(options.mounts, socket=options.socket, own=options.own)
        info = await engine.greet()
        await _check(engine, info, options)
        user = (0, 0) if _is_rootless(info) else (os.getuid(), os.getgid())
        await asyncio.to_thread(_lay_out, options.files, user)
        await _clear(engine, options)
    except mounts.BadMount as cause:
        await engine.close()
        raise NoEngine(f"an extra mount is refused: {cause}") from None
    except (EngineError, EngineAway) as cause:
        await engine.close()
        raise NoEngine(f"{options.socket}: {cause}") from None
    except NoEngine:
        await engine.close()
        raise
    worker = uuid.uuid4().hex
    return Docker(options, engine, user, worker, _reaper(options.socket, f"{WORKER}={worker}"))


def _reaper(socket: Path, label: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        (sys.executable, "-I", "-S", "-X", "utf8", reaper.__file__, str(socket), label),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={},
        start_new_session=True,  # what ends the worker's group must not end it as well
    )


async def _check(engine: Engine, info: dict[str, Any], options: Containers) -> None:
    known = info.get("Runtimes") or {}
    if options.runtime and known and options.runtime not in known:
        raise NoEngine(
            f'the engine has no runtime "{options.runtime}" (SPACELIFT_WORKER_RUNTIME); it has'
            f" {', '.join(sorted(known))}"
        )
    if options.network not in ("bridge", "host", "none"):
        try:
            await engine.call("GET", f"/networks/{options.network}")
        except EngineError:
            raise NoEngine(
                f'the engine has no network "{options.network}" (SPACELIFT_WORKER_NETWORK)'
            ) from None
    if lacking := [limit for limit in LIMITS if info.get(limit) is False]:
        log.warning("the engine cannot limit containers on this machine", lacking=lacking)


def _is_rootless(info: dict[str, Any]) -> bool:
    """Whether an ordinary user runs the engine: root inside is that user then."""
    return ROOTLESS in (info.get("SecurityOptions") or [])


def _lay_out(files: Path, user: tuple[int, int]) -> None:
    """Write what every container is given, where the engine can find it. Blocking."""
    files.mkdir(parents=True, mode=0o700, exist_ok=True)
    for old in files.iterdir():
        old.unlink()
    database = user_database(*user)
    for name, text in (
        ("init", INIT.read_text()),
        ("passwd", database["/etc/passwd"]),
        ("group", database["/etc/group"]),
    ):
        (files / name).write_text(text)
        (files / name).chmod(0o444)


def _write(path: Path, data: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400), "wb") as file:
        file.write(data)


async def _clear(engine: Engine, options: Containers) -> None:
    """Remove the containers of a worker that died in this place, and its reaper with it."""
    label = f"{PLACE}={options.own}"
    left = await asyncio.to_thread(reaper.sweep, str(engine.socket), label)
    if left:
        log.warning("containers of an earlier worker removed", containers=left)
