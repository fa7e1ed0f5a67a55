"""Putting the parts together: the only place that knows which vendor stands behind which port."""

from __future__ import annotations

import asyncio
import importlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.metadata import version

import procrastinate
import structlog
from gantry_protocol.endpoint import parse_endpoint
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from gantry.api.departure import Departure
from gantry.api.doors import House
from gantry.apps import metering, tracing
from gantry.apps.key_keeper import KeyKeeper, open_keeper
from gantry.apps.keys import keyring
from gantry.apps.remote_storage import remote_objects
from gantry.apps.setting_groups.storage import StorageType
from gantry.apps.settings import MisconfiguredError, Settings
from gantry.apps.sign_on import sign_on_protocols
from gantry.domains.accounts import service as accounts
from gantry.domains.pools.service import Reach
from gantry.domains.runs.manifests import STATE_TOKEN_LASTS
from gantry.infra import job_failures, live, queue
from gantry.infra.bus import Bus
from gantry.infra.db import Database, connect, libpq_url
from gantry.infra.external_broker import Login
from gantry.infra.git import GitSources
from gantry.infra.git_credentials import credentials
from gantry.infra.handover import CommandLineHandover
from gantry.infra.issuers import OidcIssuers
from gantry.infra.local_objects import LocalObjects
from gantry.infra.meter import Meter
from gantry.infra.news import NewsDesk
from gantry.infra.objects import RemoteObjects
from gantry.infra.outward import OutwardHttp
from gantry.infra.passwords import Argon2Passwords
from gantry.infra.pki import PoolAuthority, new_ca
from gantry.infra.schema import migrate
from gantry.infra.tls import Trust, present
from gantry.jobs.catalog import SPARED, TIMETABLE, Outside, catalog
from gantry.jobs.routing import ROUTES, SIGNALS
from gantry.kernel.secret import Secret
from gantry.kernel.tx import SYSTEM, Event
from gantry.ports.findings import Finding
from gantry.ports.objects import Objects
from gantry.ports.outward import Outward
from gantry.ports.traces import Traces
from gantry.ports.vault import Vault

log = structlog.get_logger()

for _noun in (
    "notifications",
    "accounts",
    "keys",
    "people",
    "identity_providers",
    "spaces",
    "filters",
    "contexts",
    "pools",
    "vcs",
    "webhooks",
    "stacks",
    "tfstate",
    "runs",
):
    # Every mapped class has to be known before the first query or migration.
    importlib.import_module(f"gantry.domains.{_noun}.model")


def release() -> str:
    """This release's version."""
    return version("gantry-platform")


SERVER_NAME = "gantry-server"
"""The name in the certificate that servers show to an external broker."""
SHOWN_FOR = timedelta(days=1)
"""How long such a certificate lasts. It is looked at when a connection is made, and each has one
of its own; the clocks may be hours apart."""


@dataclass
class Core:
    """One process' connections, open while the process runs."""

    settings: Settings
    db: Database
    queue: procrastinate.App
    vault: Vault
    keeper: KeyKeeper
    objects: Objects
    local_objects: LocalObjects | None
    sources: GitSources
    outward: Outward
    authority: Callable[[], Awaitable[PoolAuthority]]
    bus: Bus
    meter: Meter
    trust: Trust
    traces: Traces | None = None
    """Where spans go, if anybody wants them."""
    departure: Departure = field(default_factory=Departure)

    @property
    def reach(self) -> Reach:
        """How workers find this installation."""
        return Reach(
            api=self.settings.base_url,
            broker=self.settings.mqtt_broker_endpoint,
            namespace=self.settings.mqtt_namespace,
            by_certificate=self.settings.mqtt_broker_type == "external",
        )

    async def broker_login(self) -> Login:
        """How this installation's servers get into an external broker."""
        settings = self.settings
        _, _, encrypted = parse_endpoint(settings.server_endpoint)
        if settings.mqtt_username is not None and settings.mqtt_password is not None:
            password = Secret(settings.mqtt_password.get_secret_value())
            context = self.trust.context if encrypted else None
            return Login(context, settings.mqtt_username, password)
        authority = await self.authority()

        def show() -> ssl.SSLContext:
            context = self.trust.context()
            present(context, *authority.client(SERVER_NAME, lasts=SHOWN_FOR))
            return context

        return Login(show)


@asynccontextmanager
async def core(settings: Settings, *, process: str = "gantry") -> AsyncIterator[Core]:
    """Migrate, connect, and read the keys. `process` is what traces call this one.

    Raises MisconfiguredError, DatabaseUnusable.
    """
    url = settings.database_url.get_secret_value()
    await asyncio.to_thread(migrate, url)
    trust = _trust(settings)
    jobs, meter = queue.open_queue(libpq_url(url)), Meter()
    ring = await keyring(settings, trust, meter.key_service_failed)
    engine = connect(url, pool_size=settings.database_pool_size)
    replica = settings.database_read_only_url
    db = Database(
        engine,
        queue.outbox(jobs, ROUTES, SIGNALS),
        # Statistics are asked for now and then: few connections, kept open.
        replica=connect(replica.get_secret_value(), pool_size=2) if replica else None,
    )
    objects: Objects | None = None
    async with jobs.open_async(), _traces(settings, process) as traces:
        db.observe = partial(_observe, meter, traces)
        try:
            keeper = await open_keeper(db, ring, url=url, longest=_longest(settings))
            vault = keeper.vault
            objects, local = _objects(settings, vault, trust)
            yield Core(
                settings=settings,
                db=db,
                queue=jobs,
                vault=vault,
                keeper=keeper,
                objects=objects,
                local_objects=local,
                sources=_sources(settings, trust),
                outward=OutwardHttp(
                    allowed=settings.outward, trust=trust, proxies=settings.proxies
                ),
                authority=await _authority(db, vault),
                bus=Bus(libpq_url(url), queue.NOTIFY_CHANNEL),
                meter=meter,
                trust=trust,
                traces=traces,
            )
        finally:
            await db.close()
            if isinstance(objects, RemoteObjects):
                await objects.aclose()


def _observe(meter: Meter, traces: Traces | None, events: Sequence[Event]) -> None:
    metering.note(meter, events)
    if traces is not None:
        tracing.note(traces, events)


@asynccontextmanager
async def _traces(settings: Settings, process: str) -> AsyncIterator[Traces | None]:
    """Where spans go; what is left of them is sent in the end."""
    endpoint = settings.traces_to
    if endpoint is None:
        yield None
        return
    # Only here: who wants no traces does not pay for the library.
    from gantry.infra.otlp import Collector

    collector = Collector(endpoint, service=process, version=release())
    log.info("traces sent", collector=endpoint)
    if endpoint.endswith(":4317"):
        log.warning("collectors take OTLP over HTTP on port 4318; 4317 is usually gRPC's")
    try:
        yield collector
    finally:
        await asyncio.to_thread(collector.close)


def house(
    built: Core, *, examine: Callable[[], Awaitable[Sequence[Finding]]] | None = None
) -> House:
    """What the HTTP doors lead to. `examine` looks at what the installation stands on."""
    settings = built.settings
    password = settings.admin_password
    return House(
        db=built.db,
        vault=built.vault,
        objects=built.objects,
        sources=built.sources,
        outward=built.outward,
        authority=built.authority,
        passwords=Argon2Passwords(),
        issuers=OidcIssuers(built.outward),
        base_url=settings.base_url,
        issuer=settings.issuer,
        jwks_url=settings.jwks_url,
        secure=settings.server_scheme == "https",
        sign_on=sign_on_protocols(settings, built.trust),
        handover=CommandLineHandover(),
        reach=built.reach,
        admin_username=settings.admin_username,
        admin_password=Secret(password.get_secret_value()) if password else None,
        session_lasts=timedelta(hours=settings.session_hours),
        lease=timedelta(seconds=settings.lease_seconds),
        max_log_bytes=settings.max_log_bytes,
        max_state_bytes=settings.max_state_bytes,
        max_upload_bytes=settings.max_upload_bytes,
        version=release(),
        terraform_versions=settings.terraform_versions,
        opentofu_versions=settings.opentofu_versions,
        trusted_proxies=settings.trusted_proxies,
        ready=partial(readiness, built),
        local_objects=built.local_objects,
        live=NewsDesk(built.db.engine, built.bus),
        departure=built.departure,
        examine=examine,
        resolver_failed=built.meter.resolver_failed,
    )


async def readiness(built: Core) -> str | None:
    """What keeps this process from its work; None when nothing does."""
    if built.departure.announced.is_set():
        return "the server is about to end"
    for _ in range(2):  # the first may meet a connection from before the database's restart
        try:
            # Two seconds: a probe that waits longer is counted as failed anyway.
            async with asyncio.timeout(2), built.db.engine.connect() as connection:
                await connection.execute(text("select 1"))
                return None
        except (SQLAlchemyError, OSError, TimeoutError):
            continue
    return "the database does not answer"


def handlers(built: Core) -> None:
    """Register every job with this process' queue."""
    outside = Outside(
        db=built.db,
        vault=built.vault,
        ring=built.keeper.ring,
        tokens_last=built.keeper.longest,
        objects=built.objects,
        sources=built.sources,
        outward=built.outward,
        log_retention=timedelta(days=built.settings.run_log_retention_days),
        audit_retention=timedelta(days=built.settings.audit_retention_days),
        lease=timedelta(seconds=built.settings.lease_seconds),
        forget_live_events=partial(live.forget_old, built.db.engine),
        retry_stalled_jobs=partial(queue.retry_stalled, built.queue),
        forget_job_failures=partial(job_failures.forget, built.db.engine),
        tidy_objects=built.local_objects.tidy if built.local_objects else _nothing_to_tidy,
    )
    timeout = built.settings.message_processing_timeout
    queue.serve(
        built.queue,
        catalog(outside),
        timeout=timeout,
        remember=partial(job_failures.remember, built.db.engine),
        measure=built.meter.worked,
        waited=built.meter.begun,
    )


async def drain(built: Core) -> None:
    """Work off jobs until cancelled."""
    handlers(built)
    await _steadily(
        "drain",
        lambda: queue.work(
            built.queue,
            concurrency=built.settings.drain_concurrency,
            periodic=built.settings.drain_concurrency_cronjobs,
        ),
    )


async def schedule(built: Core) -> None:
    """Defer periodic jobs until cancelled. On a queue of its own, so that a drain in the same
    process does not keep time as well."""
    url = libpq_url(built.settings.database_url.get_secret_value())
    own = queue.open_queue(url, pool_size=2)
    queue.serve(own, dict.fromkeys(TIMETABLE, _never))

    def spared(name: str) -> bool:
        return name == SPARED and not built.keeper.under_way

    async with own.open_async():
        await _steadily("scheduler", lambda: queue.keep_time(own, TIMETABLE, spared=spared))


async def _steadily(name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Do the work until cancelled; what ends it, such as a database that is away, is outlived."""
    while True:
        try:
            await work()
        except Exception:
            log.exception("interrupted, beginning again", part=name)
        # A restarted database is back within seconds; an absent one is not asked in a loop.
        await asyncio.sleep(2)


async def _nothing_to_tidy() -> int:
    """Buckets elsewhere have rules of their own for how long they keep what."""
    return 0


async def _never() -> None:
    raise RuntimeError("the scheduler does not do jobs")


def _longest(settings: Settings) -> timedelta:
    """How long anything lasts that is signed with a key of ours, but for checkpoints."""
    return max(STATE_TOKEN_LASTS, timedelta(hours=settings.session_hours))


async def _authority(db: Database, vault: Vault) -> Callable[[], Awaitable[PoolAuthority]]:
    async with db.write(SYSTEM) as tx:
        account = await accounts.initialise(
            tx,
            ca=lambda: new_ca("Gantry worker pools"),
            seal_ca_key=lambda key: vault.seal(key, identity="account:ca"),
        )
        key_pem = vault.open(account.ca_key_sealed, identity="account:ca").decode()
        authority = PoolAuthority(key_pem, account.ca_certificate)

    async def get() -> PoolAuthority:
        return authority

    return get


def _trust(settings: Settings) -> Trust:
    try:
        return Trust(settings.added_authorities)
    except OSError as error:
        raise MisconfiguredError(f"GANTRY_CA_BUNDLE cannot be read: {error.strerror}") from None


def _objects(settings: Settings, vault: Vault, trust: Trust) -> tuple[Objects, LocalObjects | None]:
    if settings.object_storage_type is not StorageType.LOCAL:
        return remote_objects(settings, trust.added), None
    local = LocalObjects(
        settings.data_dir / "objects",
        base_url=settings.base_url,
        sign=vault.sign_url,
        check=vault.check_url,
        clock=lambda: datetime.now(UTC),
    )
    return local, local


def _sources(settings: Settings, trust: Trust) -> GitSources:
    return GitSources(
        allow_file=settings.git_allow_file,
        allow_private=settings.git_allow_private,
        scratch=settings.data_dir / "scratch",
        timeout=timedelta(seconds=settings.git_timeout),
        trust=trust,
        proxies=settings.proxies,
        credentials=credentials(
            settings.git_credentials, settings.git_ssh_key, settings.git_ssh_known_hosts
        ),
    )
