"""`gantry worker`, and `python -m gantry_worker`: one launcher in one process."""

from __future__ import annotations

import asyncio
import ctypes
import fcntl
import logging
import os
import resource
import signal
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import structlog
import typer
from gantry_protocol.endpoint import parse_endpoint
from gantry_protocol.token import decode_pool_token

from gantry_worker import unsaved
from gantry_worker.agent import Agent, clear_leftovers
from gantry_worker.control_plane import Refused
from gantry_worker.keys import PoolKey, load_pool_key
from gantry_worker.runtimes import egress
from gantry_worker.runtimes.bounds import Bounds
from gantry_worker.runtimes.choice import Choice, NoSandbox, choose
from gantry_worker.runtimes.containers import Containers
from gantry_worker.runtimes.hardening import harden
from gantry_worker.settings import (
    MisconfiguredError,
    WorkerSettings,
    environment,
    forget_key,
    load_settings,
    unheeded,
)

log = structlog.get_logger()

PR_SET_DUMPABLE = 4  # linux/prctl.h


def worker_command(
    concurrency: Annotated[
        int | None, typer.Option(min=1, max=256, help="Runs to take at a time.")
    ] = None,
) -> None:
    """Take runs from a control plane and perform them.

    Needs SPACELIFT_TOKEN (the worker pool's config) and SPACELIFT_POOL_PRIVATE_KEY. Ends in order
    on SIGTERM: what it holds is finished first; a second SIGTERM ends it at once.
    """
    try:
        _close_to_others()
        settings = load_settings()
        forget_key()
        if concurrency is not None:
            settings = settings.model_copy(update={"concurrency": concurrency})
        configure_logging(settings.log_level)
        if ignored := unheeded(environment()):
            log.warning("variables without effect here", names=ignored)
        asyncio.run(_work(settings))
    except (MisconfiguredError, NoSandbox) as error:
        sys.exit(f"gantry worker: {error}")
    except Refused as refused:
        sys.exit(f"gantry worker: the control plane refused this worker: {refused.message}")


async def _work(settings: WorkerSettings) -> None:
    try:
        token = decode_pool_token(settings.token)
        key = load_pool_key(settings.private_key.get_secret_value())
        parse_endpoint(token.broker)
    except ValueError as error:
        raise MisconfiguredError(str(error)) from None
    place = await asyncio.to_thread(_own_directory, settings.work_dir, key)
    choice = await _hardened(settings, token.api, place)
    settings = settings.model_copy(update={"work_dir": place})
    agent = Agent(settings, token, key, choice, environment(), version("gantry-worker"))
    loop, main = asyncio.get_running_loop(), asyncio.current_task()

    def asked_to_end() -> None:
        if agent.leaving.is_set() and main is not None:
            log.warning("asked twice, ending at once")
            main.cancel()
        agent.leave()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked_to_end)
    try:
        await agent.run()
    except asyncio.CancelledError:
        log.info("worker ended at once")
    finally:
        if choice.docker is not None:
            await choice.docker.close()


def _containers(settings: WorkerSettings, place: Path, bounds: Bounds) -> Containers:
    return Containers(
        socket=Path(settings.docker_host.removeprefix("unix://")),
        own=place.resolve(),
        image=settings.runner_image,
        pull=settings.docker_pull,
        config_dir=settings.docker_config_dir,
        network=settings.docker_network,
        runtime=settings.docker_runtime,
        bounds=bounds,
        mounts=(*settings.extra_mounts, *settings.reading_mounts, *settings.writing_mounts),
    )


async def _hardened(settings: WorkerSettings, server: str, place: Path) -> Choice:
    # Who lists where commands may go relies on the sandbox as who names it does.
    named = "runtime" in settings.model_fields_set or settings.egress is not None
    bounds = Bounds(settings.memory_limit, settings.pids_limit, settings.cpu_limit)
    containers = _containers(settings, place, bounds)
    choice = await choose(settings.runtime, named=named, containers=containers)
    listed = settings.egress
    return await harden(
        choice, bounds, egress.parse(listed, server) if listed is not None else None
    )


def _close_to_others() -> None:
    """Keep other processes of this user, a run's unisolated commands among them, from reading
    this one's memory and the environment it was started with. Those of root still can.
    """
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        log.warning("the worker's memory stays readable", error=os.strerror(ctypes.get_errno()))
    # Nor should what dies leave its memory, secrets and all, where the system keeps such things.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _own_directory(work_dir: Path, key: PoolKey) -> Path:
    """A directory that no other launcher uses, cleared of what a killed one left."""
    try:
        work_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        for number in range(256):  # launchers on one machine; each takes the first free place
            place = work_dir / f"launcher-{number}"
            place.mkdir(exist_ok=True, mode=0o700)
            handle = (place / "lock").open("w")
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                handle.close()
                continue
            _HELD.append(handle)
            if states := unsaved.take_over(place, key):
                log.warning("unsaved states of an earlier worker found", states=states)
            left = clear_leftovers(place)
            if left:
                log.info("leftovers of an earlier worker removed", entries=left)
            return place
    except OSError as error:
        raise MisconfiguredError(
            f"GANTRY_WORKER_DIR is not usable: {error}. Name a directory this user may write to."
        ) from None
    raise MisconfiguredError(f"GANTRY_WORKER_DIR: {work_dir} is full of running launchers.")


_HELD: list[object] = []
"""Locks held as long as the process lives; the kernel lets go of them however it ends."""


def configure_logging(level: str) -> None:
    """JSON lines on standard error, or readable ones on a terminal."""
    renderer = (
        structlog.dev.ConsoleRenderer()
        if sys.stderr.isatty()
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def main() -> None:
    """For `python -m gantry_worker`."""
    typer.run(worker_command)


if __name__ == "__main__":
    main()
