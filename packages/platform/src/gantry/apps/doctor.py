"""`gantry admin doctor`: what an installation stands on, tried out one by one.

Everything is tried from where the command runs, with the environment it has: run it where the
server runs for the server's view, and once more on a worker's machine for the addresses.
"""

from __future__ import annotations

import asyncio
import enum
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import httpx2
from gantry_protocol.endpoint import parse_endpoint

from gantry.apps import metering, wiring
from gantry.apps.setting_groups.storage import StorageType
from gantry.apps.settings import MisconfiguredError, Settings
from gantry.domains.runs import gauges_repo
from gantry.domains.tfstate import unsaved
from gantry.infra import schema
from gantry.infra.object_probe import probe
from gantry.kernel.tx import SYSTEM
from gantry.ports.objects import Bucket, Objects, StorageDown
from gantry.ports.vault import Unreadable

PATIENCE = 10.0
"""Seconds for any one answer; what takes longer does not do for workers either."""

CLOCKS_APART = timedelta(seconds=2)
"""Histories of several processes mix up beyond that; tokens bear minutes."""

SWEPT_WITHIN = timedelta(seconds=60)
"""Leases are looked at every ten seconds while a scheduler and a drain are at work."""


class Health(enum.StrEnum):
    """How one thing was found."""

    GOOD = "good"
    ODD = "look"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was tried: how it was found, and what to do about it."""

    what: str
    health: Health
    says: str
    remedy: str = ""


def _good(what: str, says: str) -> Finding:
    return Finding(what, Health.GOOD, says)


def _odd(what: str, says: str, remedy: str) -> Finding:
    return Finding(what, Health.ODD, says, remedy)


def _bad(what: str, says: str, remedy: str) -> Finding:
    return Finding(what, Health.BAD, says, remedy)


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Try everything, and go on as far as that makes sense. Changes nothing: what is written to
    object storage is removed again, and the database is brought to no other schema.
    """
    standing = None
    try:
        url = settings.database_url.get_secret_value()
        standing = await asyncio.to_thread(schema.look, url)
    except schema.DatabaseUnusable as error:
        yield _bad("database", str(error), "Check DATABASE_URL, the network and the server.")
    if standing is not None:
        async for finding in _database(settings, standing):
            yield finding
    yield await _server(settings)
    yield await _broker(settings)


async def _database(settings: Settings, standing: schema.Standing) -> AsyncIterator[Finding]:
    version = f"PostgreSQL {standing.version}"
    apart = abs(standing.clock_ahead)
    if apart > CLOCKS_APART:
        says = f"the database's clock and this machine's are {apart.total_seconds():.1f} s apart"
        yield _odd("clock", says, "Let both follow a time server (NTP).")
    else:
        yield _good("clock", "as the database's")
    if standing.revision is None:
        yield _odd("database", f"{version}, empty", "The first process that starts sets it up.")
        return
    if standing.revision != standing.newest:
        known = standing.revision in standing.known
        yield (
            _odd("database", f"{version}, of an older release", "Start this release.")
            if (known)
            else _bad("database", f"{version}, of a newer release", "Use that release's program.")
        )
        return
    yield _good("database", f"{version}, schema {standing.revision}")
    try:
        async with wiring.core(settings) as core:
            yield _good("encryption key", "opens the data keys")
            for bucket in Bucket:
                yield await _bucket(settings, core.objects, bucket)
            async for finding in _work(core):
                yield finding
    except MisconfiguredError as error:
        yield _bad("encryption key", str(error), "Set the variable as the processes have it.")
    except Unreadable:
        remedy = "Set ENCRYPTION_RSA_PRIVATE_KEY to the key that this database was set up with."
        yield _bad("encryption key", "does not open the data keys", remedy)


async def _bucket(settings: Settings, objects: Objects, bucket: Bucket) -> Finding:
    """Put and get, by our own credentials and by URL, as workers and browsers do."""
    what = f"bucket {bucket.value}"
    try:
        await probe(objects, bucket, verify=not settings.minio_allow_insecure)
    except StorageDown as error:
        remedy = (
            "Is GANTRY_DATA_DIR there, writable and shared, and does the server run?"
            if settings.object_storage_type is StorageType.LOCAL
            else f"Check OBJECT_STORAGE_BUCKET_{bucket.name}, rights, and the way there."
        )
        return _bad(what, error.detail or error.message, remedy)
    return _good(what, "takes and gives, also by URL")


async def _work(core: wiring.Core) -> AsyncIterator[Finding]:
    """Whether somebody does the work, and what waits for a person."""
    async with core.db.read(SYSTEM) as tx:
        swept = await gauges_repo.last_swept(tx)
        kept = await unsaved.listed(tx)
    readings = {(r.name, r.labels): r.value for r in await metering.readings(core.db)}
    if swept is None or swept > SWEPT_WITHIN:
        since = "never" if swept is None else f"{swept.total_seconds():.0f} s ago"
        remedy = "Start `gantry scheduler` and `gantry backend drain`, or look at their logs."
        yield _bad("scheduler and drain", f"looked at leases {since}", remedy)
    else:
        yield _good("scheduler and drain", "at work")
    workers = sum(value for (name, _), value in readings.items() if name == "gantry_workers")
    if workers:
        yield _good("workers", f"{workers:.0f} connected")
    else:
        yield _odd("workers", "none is connected", "Start `gantry worker`.")
    failed = sum(
        value
        for (name, labels), value in readings.items()
        if name == "gantry_jobs" and ("state", "failed") in labels
    )
    if failed:
        yield _odd("jobs", f"{failed:.0f} failed", "See `gantry admin jobs list`.")
    else:
        yield _good("jobs", "none failed")
    if kept:
        yield _odd("states", f"{len(kept)} kept apart", "See `gantry admin unsaved-states list`.")
    else:
        yield _good("states", "none is kept apart")
    locked = readings.get(("gantry_stacks_locked", (("by", "system"),)), 0)
    if locked:
        remedy = "Look at their last runs, put right what is not, and unlock them."
        yield _odd("stacks", f"{locked:.0f} locked by the system", remedy)
    else:
        yield _good("stacks", "none is locked by the system")


async def _server(settings: Settings) -> Finding:
    what, url = f"server {settings.base_url}", f"{settings.base_url}/health"
    remedy = "Check SERVER_DOMAIN, its DNS entry, and what stands in front of the server."
    try:
        async with httpx2.AsyncClient(timeout=PATIENCE) as http:
            answer = await http.get(url)
        said = answer.json() if answer.status_code == 200 else None
        version = said["version"] if said is not None else None
    except (httpx2.HTTPError, OSError) as error:
        return _bad(what, f"cannot be reached: {_why(error)}", remedy)
    except (ValueError, KeyError, TypeError):
        version = None
    if version is None:
        return _bad(what, f"somebody else answers: {answer.status_code}", remedy)
    if version != wiring.release():
        says = f"runs release {version}, this is {wiring.release()}"
        return _odd(what, says, "Bring all processes to one release.")
    return _good(what, f"release {version}")


async def _broker(settings: Settings) -> Finding:
    what = f"broker {settings.mqtt_broker_endpoint}"
    remedy = "Check MQTT_BROKER_ENDPOINT, its DNS entry, and what ends TLS in front of it."
    host, port, encrypted = parse_endpoint(settings.mqtt_broker_endpoint)
    try:
        async with asyncio.timeout(PATIENCE):
            context = ssl.create_default_context() if encrypted else None
            _, writer = await asyncio.open_connection(host, port, ssl=context)
        writer.close()
    except (OSError, TimeoutError) as error:
        return _bad(what, f"cannot be reached: {_why(error)}", remedy)
    return _good(what, "takes connections")


def _why(error: Exception) -> str:
    return str(error) or type(error).__name__
