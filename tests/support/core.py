"""The control plane without its doors: real database, objects, keys, Git and jobs."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import procrastinate
from cryptography.hazmat.primitives.asymmetric import rsa
from gantry.apps.keys import RsaKeyring
from gantry.apps.metering import note
from gantry.domains.accounts import service as accounts
from gantry.domains.audit import repo as audit
from gantry.domains.audit.retention import AHEAD
from gantry.domains.pools.service import Reach
from gantry.domains.spaces import repo as spaces
from gantry.domains.vcs import service as vcs
from gantry.infra import job_failures, live, queue
from gantry.infra.db import Database, connect, libpq_url
from gantry.infra.git import GitSources
from gantry.infra.local_objects import LocalObjects
from gantry.infra.meter import Meter
from gantry.infra.outward import OutwardHttp
from gantry.infra.outward_allowed import parse_allowed
from gantry.infra.passwords import Argon2Passwords
from gantry.infra.pki import PoolAuthority, new_ca
from gantry.infra.pool_keys import new_pool_key
from gantry.infra.tls import Trust
from gantry.infra.vault import RsaVault
from gantry.jobs.catalog import Outside, catalog
from gantry.jobs.routing import ROUTES, SIGNALS
from gantry.kernel.tx import SYSTEM
from gantry_protocol.proxies import Proxies
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.support.git_repository import Repository

BASE_URL = "https://gantry.test"
LEASE = timedelta(seconds=30)
REACH = Reach(api=BASE_URL, broker="tls://gantry.test:1984", namespace="gantry")


_DUE = (
    "select 1 from procrastinate_jobs where status = 'todo'"
    " and (scheduled_at is null or scheduled_at <= now()) limit 1"
)


@dataclass(frozen=True)
class Source:
    """A repository on disk with three commits; the trees of the first two are stored already."""

    url: str
    first: str
    second: str
    """The tip of main."""
    side: str
    """The tip of the branch `side`, which nobody has fetched."""


@dataclass(frozen=True)
class Keys:
    """What takes long to make and is the same for every test."""

    private: rsa.RSAPrivateKey
    vault: RsaVault
    authority: PoolAuthority
    ca: tuple[str, str]
    pool_requests: tuple[str, str]
    """Signing requests of two different pool keys."""
    pool_keys: tuple[str, str]
    """Their private keys, base64 of PEM."""


@dataclass
class Core:
    """One process' connections, open while a test runs."""

    url: str
    db: Database
    queue: procrastinate.App
    vault: RsaVault
    objects: LocalObjects
    sources: GitSources
    outward: OutwardHttp
    authority: PoolAuthority
    passwords: Argon2Passwords
    keys: Keys
    source: Source
    meter: Meter
    """Counts as a process of an installation does."""
    reach: Reach = REACH

    async def drain(self) -> None:
        """Do the jobs that wait, and those that they lead to. Raises when one fails."""
        async with self.queue.open_async():
            # A worker that does not wait ends when it finds nothing, though a job that still runs
            # may lead to others.
            while await self.rows(_DUE):
                await self.queue.run_worker_async(
                    wait=False, listen_notify=False, install_signal_handlers=False, concurrency=4
                )
        failed = await self.rows(
            "select task_name, args::text from procrastinate_jobs where attempts > 0"
            " and status in ('todo', 'failed')"
        )
        assert not failed, f"jobs failed: {failed}"

    async def rows(self, query: str, **values: object) -> list[tuple[object, ...]]:
        """What a query finds, for looking behind the services."""
        async with self.db.engine.connect() as connection:
            return [tuple(row) for row in await connection.execute(text(query), values)]

    async def change(self, statement: str, **values: object) -> None:
        """Change rows behind the services: what time or an accident would do."""
        async with self.db.engine.begin() as connection:
            await connection.execute(text(statement), values)


def make_keys() -> Keys:
    """Fresh keys. 2048 bits: the least that is allowed, for speed."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    ca = new_ca("Gantry test pools")
    pools = [new_pool_key(None), new_pool_key(None)]
    return Keys(
        private=private,
        vault=RsaVault(private, {1: os.urandom(32)}, 1),
        authority=PoolAuthority(*ca),
        ca=ca,
        pool_requests=(pools[0][1], pools[1][1]),
        pool_keys=(pools[0][0] or "", pools[1][0] or ""),
    )


def make_source(place: Path) -> Source:
    """The repository that stacks of tests come from."""
    repository = Repository(place)
    first = repository.commit({"main.tf": 'output "n" { value = 1 }\n'}, "First\n\nwith a body")
    second = repository.commit({"main.tf": 'output "n" { value = 2 }\n'}, "Second")
    repository.git("checkout", "--quiet", "-b", "side")
    side = repository.commit({"main.tf": 'output "n" { value = 3 }\n'}, "Aside")
    repository.git("checkout", "--quiet", "main")
    return Source(repository.url, first, second, side)


async def fill(url: str, place: Path, keys: Keys, source: Source) -> None:
    """Put into a template what a first start does, and fetch the source's first two commits."""
    engine = connect(url)
    try:
        built = core(engine, url, place, keys, source)
        async with built.db.write(SYSTEM) as tx:
            await spaces.make_root(tx)
            await audit.make_months(tx, tx.now + AHEAD)
            account = await accounts.initialise(
                tx,
                ca=lambda: keys.ca,
                seal_ca_key=lambda key: keys.vault.seal(key, identity="account:ca"),
            )
            account.name = "acme"
            for sha in (source.first, source.second):
                await vcs.want(tx, repository_url=source.url, branch="main", sha=sha)
        await built.drain()
        for table in ("live_event", "procrastinate_jobs"):
            await built.change(f"delete from {table}")
    finally:
        await engine.dispose()


def core(engine: AsyncEngine, url: str, place: Path, keys: Keys, source: Source) -> Core:
    """A core on a database, with its files below `place`."""
    store = LocalObjects(
        place / "objects",
        base_url=BASE_URL,
        sign=keys.vault.sign_url,
        check=keys.vault.check_url,
        clock=lambda: datetime.now(UTC),
    )
    sources = GitSources(
        allow_file=True,
        allow_private=True,
        scratch=place / "scratch",
        timeout=timedelta(seconds=60),
    )
    # Receivers of tests are on this machine; nothing else is opened.
    outward = OutwardHttp(allowed=parse_allowed(["127.0.0.1"]), trust=Trust(), proxies=Proxies())
    app = queue.open_queue(libpq_url(url))
    db, meter = Database(engine, queue.outbox(app, ROUTES, SIGNALS)), Meter()
    db.observe = partial(note, meter)
    outside = Outside(
        db=db,
        vault=keys.vault,
        ring=RsaKeyring(keys.private),
        tokens_last=timedelta(days=7),
        objects=store,
        sources=sources,
        outward=outward,
        log_retention=timedelta(days=60),
        audit_retention=timedelta(days=365),
        lease=LEASE,
        forget_live_events=partial(live.forget_old, engine),
        retry_stalled_jobs=partial(queue.retry_stalled, app),
        forget_job_failures=partial(job_failures.forget, engine),
        tidy_objects=store.tidy,
    )
    queue.serve(
        app,
        catalog(outside),
        remember=partial(job_failures.remember, engine),
        measure=meter.worked,
        waited=meter.begun,
    )
    return Core(
        url=url,
        db=db,
        queue=app,
        vault=keys.vault,
        objects=store,
        sources=sources,
        outward=outward,
        authority=keys.authority,
        passwords=Argon2Passwords(),
        keys=keys,
        source=source,
        meter=meter,
    )
