"""The whole platform in one process and one directory: what `gantry up` and the demo run.

<data dir>/postgres/          the database, unless DATABASE_URL names another
<data dir>/objects/           object storage
<data dir>/encryption.key     protects every secret; lose it and they are lost
<data dir>/admin.password     for the first sign-in
<data dir>/public-pool.key    the private key of the local worker's pool
<data dir>/worker/            workspaces and downloaded tools of the local worker
"""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import structlog

from gantry.apps import presence, wiring
from gantry.apps.listening import only
from gantry.apps.settings import (
    MisconfiguredError,
    Settings,
    data_dir_from_environment,
    environment,
    load_settings,
)
from gantry.domains.pools import service as pools
from gantry.infra.embedded_postgres import EmbeddedPostgres
from gantry.infra.pool_keys import new_pool_key
from gantry.infra.postmaster import end_with_owner
from gantry.infra.vault import generate_private_key
from gantry.kernel.errors import UserError
from gantry.kernel.tx import SYSTEM

log = structlog.get_logger()

ADMIN = "admin"
PORT = 1983
POSTGRES_LOOK = 2.0
"""Seconds between looks at the embedded database: a dead one is back within moments."""
WORKER_PAUSE = 2.0
"""Seconds before a local worker that ended is started again."""


@dataclass(frozen=True)
class Installation:
    """A data directory with its generated secrets."""

    data_dir: Path
    encryption_key: str
    admin_password: str
    pool_key: str
    pool_request: str
    fresh: bool
    """True at the first start: the password is shown this once."""


def open_installation(data_dir: Path) -> Installation:
    """Read the directory's secrets, making them at the first start. Blocking."""
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = not (data_dir / "admin.password").exists()
    key = _kept(data_dir / "encryption.key", generate_private_key)
    # 18 random bytes: 24 characters that can be typed.
    password = _kept(data_dir / "admin.password", lambda: secrets.token_urlsafe(18))
    pool_key, request = new_pool_key(_kept_text(data_dir / "public-pool.key"))
    if pool_key is not None:
        _write(data_dir / "public-pool.key", pool_key)
    return Installation(
        data_dir, key, password, (data_dir / "public-pool.key").read_text(), request, fresh
    )


def _kept_text(path: Path) -> str | None:
    return path.read_text() if path.exists() else None


def _kept(path: Path, make: Callable[[], str]) -> str:
    if not path.exists():
        _write(path, make())
    return path.read_text().strip()


def _write(path: Path, text: str) -> None:
    # Readable by its owner from the first byte on, and there as a whole or not at all.
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)


@dataclass(frozen=True)
class Running:
    """The platform, up."""

    core: wiring.Core
    installation: Installation
    url: str


@asynccontextmanager
async def platform(
    *, data_dir: Path | None = None, overrides: dict[str, str] | None = None, worker: bool = True
) -> AsyncIterator[Running]:
    """Start everything, in order; end it, in the reverse order.

    Variables of the environment win over embedded mode's own settings, `overrides` over both.
    Raises MisconfiguredError, DatabaseUnusable, and OSError for a port that is taken.
    """
    place = (data_dir or data_dir_from_environment()).expanduser().resolve()
    installation = await asyncio.to_thread(open_installation, place)
    given = {**environment(), **(overrides or {})}
    async with AsyncExitStack() as stack:
        embedded: EmbeddedPostgres | None = None
        if not given.get("DATABASE_URL"):
            postgres = EmbeddedPostgres(place / "postgres")
            given["DATABASE_URL"] = await postgres.start()
            stack.push_async_callback(postgres.stop)
            embedded = postgres
        settings = load_settings(_with_defaults(given, installation))
        core = await stack.enter_async_context(wiring.core(settings))
        tasks = await stack.enter_async_context(_crew())
        ready = asyncio.Event()
        # Here and not above: what an operator asks of an installation needs no API.
        from gantry.apps.server import serve

        tasks.start(serve(core, ready=ready), "server")
        await tasks.wait_for(ready)
        tasks.start(wiring.drain(core), "drain")
        tasks.start(wiring.schedule(core), "scheduler")
        if embedded is not None:
            tasks.start(_keep_postgres(embedded), "database")
        await stack.enter_async_context(presence.present(core, "server", "drain", "scheduler"))
        token = await _public_pool(core, installation)
        if worker:
            tasks.start(_keep_worker(core.settings, installation, token), "worker")
        yield Running(core, installation, settings.base_url)


@asynccontextmanager
async def settings_here() -> AsyncIterator[Settings]:
    """For commands beside the platform: the environment's settings, or the embedded ones.

    Raises MisconfiguredError when there is neither a DATABASE_URL nor a data directory in use.
    """
    given = environment()
    if given.get("DATABASE_URL"):
        yield load_settings(given)
        return
    place = data_dir_from_environment().expanduser().resolve()
    if not (place / "admin.password").exists():
        raise MisconfiguredError(
            f"DATABASE_URL is not set, and {place} holds no installation;"
            " set DATABASE_URL or GANTRY_DATA_DIR, or start one with `gantry up`."
        )
    installation = await asyncio.to_thread(open_installation, place)
    postgres = EmbeddedPostgres(place / "postgres")
    given["DATABASE_URL"] = await postgres.start()
    try:
        yield load_settings(_with_defaults(given, installation))
    finally:
        await postgres.stop()


class PartEnded(UserError):
    """A part of the platform ended by itself, and the rest with it."""

    code = "PART_ENDED"
    status = 500


class _Crew:
    """Tasks that live as long as the platform; the end of one ends all."""

    def __init__(self) -> None:
        self.failure: str | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._owner = asyncio.current_task()

    def start(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Run one part."""
        task = asyncio.ensure_future(work)
        task.set_name(name)
        task.add_done_callback(self._ended)
        self._tasks.append(task)

    async def wait_for(self, event: asyncio.Event) -> None:
        """Wait for the event, or raise what ended a part before it came."""
        waiting = asyncio.ensure_future(event.wait())
        await asyncio.wait({waiting, *self._tasks}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        for task in self._tasks:
            if task.done():
                task.result()

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and self._owner is not None:
            log.error(
                "a part of the platform ended", part=task.get_name(), exc_info=task.exception()
            )
            self.failure = f"the {task.get_name()} ended: {only(task.exception())}"
            self._owner.cancel()

    async def stop(self) -> None:
        """End every part, the newest first, and wait until it has."""
        for task in reversed(self._tasks):
            task.remove_done_callback(self._ended)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def _crew() -> AsyncIterator[_Crew]:
    crew = _Crew()
    try:
        yield crew
    finally:
        await crew.stop()
        if crew.failure is not None:
            raise PartEnded(crew.failure)


def _with_defaults(given: dict[str, str], installation: Installation) -> dict[str, str]:
    port = given.get("GANTRY_SERVER_PORT") or str(PORT)
    # A port that is none is told of when the settings are read.
    after = str(int(port) + 1) if port.isdecimal() else str(PORT + 1)
    broker_port = given.get("GANTRY_MQTT_BROKER_PORT") or after
    defaults = {
        "SERVER_DOMAIN": f"localhost:{port}",
        "GANTRY_SERVER_SCHEME": "http",
        "GANTRY_SERVER_HOST": "127.0.0.1",
        "GANTRY_SERVER_PORT": port,
        "GANTRY_MQTT_BROKER_HOST": "127.0.0.1",
        "GANTRY_MQTT_BROKER_PORT": broker_port,
        "MQTT_BROKER_ENDPOINT": f"tcp://127.0.0.1:{broker_port}",
        # There is no other server that anybody could go to.
        "GANTRY_SHUTDOWN_DELAY_SECONDS": "0",
        "GANTRY_DATA_DIR": str(installation.data_dir),
        "ENCRYPTION_RSA_PRIVATE_KEY": installation.encryption_key,
        "ADMIN_USERNAME": ADMIN,
        "ADMIN_PASSWORD": installation.admin_password,
    }
    return {**defaults, **{name: value for name, value in given.items() if value}}


async def _public_pool(core: wiring.Core, installation: Installation) -> str:
    authority = await core.authority()
    async with core.db.write(SYSTEM) as tx:
        pool = await pools.ensure_public(tx, authority, core.reach, installation.pool_request)
        return pool.config


async def _keep_postgres(postgres: EmbeddedPostgres) -> None:
    """Start the database again when it dies; asking one that lives costs nothing."""
    while True:
        await asyncio.sleep(POSTGRES_LOOK)
        try:
            await postgres.start()
        except UserError as error:
            log.error("database not started, trying again", reason=error.message)


_WORKERS = frozenset(
    (
        *("PATH", "HOME", "LANG", "TMPDIR"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR"),
        *("ADDITIONAL_ROOT_CAS", "GANTRY_CA_BUNDLE", "GANTRY_ALLOW_UNSIGNED_TOOLS"),
    )
)
_WORKERS_PREFIXES = ("SPACELIFT_", "GANTRY_WORKER_", "GANTRY_TERRAFORM_", "GANTRY_OPENTOFU_")


def _is_for_the_worker(name: str, own: Mapping[str, str]) -> bool:
    """Whether the local worker is started with the variable: its own, and those that it is to
    pass on to runs.
    """
    asked = own.get("SPACELIFT_WHITELIST_ENVS", "").split(",")
    passed_on = {one.strip().removeprefix("ro_").removeprefix("wo_") for one in asked}
    return name in _WORKERS or name.startswith(_WORKERS_PREFIXES) or name in passed_on


async def _keep_worker(settings: Settings, installation: Installation, token: str) -> None:
    """Run the local worker as a process of its own, starting it again when it ends."""
    own = environment()
    passed = {name: value for name, value in own.items() if _is_for_the_worker(name, own)}
    variables = {
        **passed,
        "SPACELIFT_TOKEN": token,
        "SPACELIFT_POOL_PRIVATE_KEY": installation.pool_key,
        "GANTRY_WORKER_DIR": own.get("GANTRY_WORKER_DIR") or str(installation.data_dir / "worker"),
        "GANTRY_LOG_LEVEL": settings.log_level,
        **_way_out(settings),
    }
    while True:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "gantry_worker",
            env=variables,
            stdin=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for us; the worker is asked to end in order
            preexec_fn=end_with_owner(),  # and when we are killed, the kernel asks it
        )
        try:
            code = await process.wait()
        except asyncio.CancelledError:
            await _end(process)
            raise
        log.warning("local worker ended, starting it again", exit_code=code)
        await asyncio.sleep(WORKER_PAUSE)


def _way_out(settings: Settings) -> dict[str, str]:
    """The proxies, which the server on this machine has nothing to do with."""
    near = ["localhost", "127.0.0.1", *filter(None, [settings.no_proxy])]
    return replace(settings.proxies, without=",".join(near)).variables()


async def _end(process: asyncio.subprocess.Process) -> None:
    # Twice: do not finish the run in hand, end at once; it is the platform that goes away.
    process.terminate()
    await asyncio.sleep(0.1)
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(10):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
