"""`gantry admin doctor`: what an installation stands on, tried out one by one.

Everything is tried from where the command runs, with the environment it has: run it where the
server runs for the server's view, and once more on a worker's machine for the addresses.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from urllib.parse import urlsplit

import aiomqtt
import httpx2
from gantry_protocol.endpoint import parse_endpoint

from gantry.apps import doctor_keys, doctor_storage, metering, wiring
from gantry.apps.remote_storage import storage_endpoint
from gantry.apps.settings import MisconfiguredError, Settings
from gantry.domains.runs import gauges_repo
from gantry.domains.tfstate import unsaved
from gantry.infra import schema
from gantry.infra.external_broker import ExternalBroker
from gantry.infra.tls import Peer, Trust, peer_of, shake_hands, why_not
from gantry.infra.tokens import is_confirmed, utc_now
from gantry.kernel.tx import SYSTEM
from gantry.ports.findings import Finding, Health, bad, good, odd
from gantry.ports.vault import KeyServiceDown, Unreadable

__all__ = ["Finding", "Health", "examine"]

PATIENCE = 10.0
"""Seconds for any one answer; what takes longer does not do for workers either."""

RENEWED_BEFORE = timedelta(days=14)
"""What renews certificates does so a month before they end, or a third of their life: one that
has only this long has been forgotten."""

SWEPT_WITHIN = timedelta(seconds=60)
"""Leases are looked at every ten seconds while a scheduler and a drain are at work."""


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Try everything, and go on as far as that makes sense. Changes nothing: what is written to
    object storage is removed again, and the database is brought to no other schema.
    """
    standing = None
    try:
        url = settings.database_url.get_secret_value()
        standing = await asyncio.to_thread(schema.look, url)
    except schema.DatabaseUnusable as error:
        yield bad("database", str(error), "Check DATABASE_URL, the network and the server.")
    if standing is not None:
        async for finding in _database(settings, standing):
            yield finding
    for name, variable in _names(settings):
        if settings.proxies.to(name, encrypted=True) is not None:
            continue  # the proxy looks it up; this machine need not know it
        yield await _looked_up(name, variable)
    try:
        trust = Trust(settings.added_authorities)
    except OSError as error:
        yield bad("authorities", f"cannot be read: {error.strerror}", "Check GANTRY_CA_BUNDLE.")
        trust = Trust()
    async for finding in _server(settings, trust):
        yield finding
    async for finding in broker(settings, trust):
        yield finding


async def _database(settings: Settings, standing: schema.Standing) -> AsyncIterator[Finding]:
    for finding in database(standing):
        yield finding
    if standing.revision is None or not standing.serves:
        return
    if standing.known and standing.revision != standing.newest:
        return
    try:
        async with wiring.core(settings) as core:
            yield await key(core)
            async for finding in doctor_keys.examine(core):
                yield finding
            if settings.mqtt_broker_type == "external":
                yield await _as_a_server(core)
            async for finding in doctor_storage.examine(settings, core.objects, core.trust):
                yield finding
            async for finding in work(core):
                yield finding
    except MisconfiguredError as error:
        yield bad("encryption key", str(error), "Set the variable as the processes have it.")
    except Unreadable as error:
        remedy = "Set the key that this database was set up with."
        yield bad("encryption key", f"does not open the data keys: {error}", remedy)


def database(standing: schema.Standing) -> Iterator[Finding]:
    """What a look at the database found: its clock, its version, its schema."""
    version = f"PostgreSQL {standing.version}"
    apart = abs(standing.clock_ahead)
    if apart > doctor_storage.CLOCKS_APART:
        says = f"the database's clock and this machine's are {apart.total_seconds():.1f} s apart"
        yield odd("clock", says, "Let both follow a time server (NTP).")
    else:
        yield good("clock", "as the database's")
    if standing.revision is None:
        yield odd("database", f"{version}, empty", "The first process that starts sets it up.")
        return
    if not standing.serves:
        yield bad("database", f"{version}, of a newer release", "Use that release's program.")
        return
    if standing.known and standing.revision != standing.newest:
        yield odd("database", f"{version}, of an older release", "Start this release.")
        return
    if standing.known:
        yield good("database", f"{version}, schema {standing.revision}")
    else:
        says = f"{version}, of a newer release that this one can work with"
        yield odd("database", says, "Bring all processes to one release.")


async def key(core: wiring.Core) -> Finding:
    """The data keys were unwrapped and opened a stored value, or there would be no `core`."""
    what = "encryption key"
    sealed = core.vault.seal(b"doctor", identity=what)
    core.vault.open(sealed, identity=what)
    async with core.db.read(SYSTEM) as tx:
        hour = tx.now + timedelta(hours=1)
    try:
        claims = {"sub": "doctor", "aud": "doctor", "exp": int(hour.timestamp())}
        token = await core.vault.vouch(claims)
    except KeyServiceDown as error:
        remedy = "Allow the processes kms:Sign with ENCRYPTION_KMS_SIGNING_KEY_ID."
        return bad(what, f"opens the data keys, and does not sign: {error.detail}", remedy)
    if not is_confirmed(token, core.vault.jwks()):
        remedy = "Does ENCRYPTION_KMS_SIGNING_KEY_ID name one and the same key at all times?"
        return bad(what, "signs what the published key does not confirm", remedy)
    return good(what, "opens the data keys, seals and signs")


async def work(core: wiring.Core) -> AsyncIterator[Finding]:
    """Whether somebody does the work, and what waits for a person."""
    async with core.db.read(SYSTEM) as tx:
        swept = await gauges_repo.last_swept(tx)
        kept = await unsaved.listed(tx)
    readings = {(r.name, r.labels): r.value for r in await metering.readings(core.db)}
    if swept is None or swept > SWEPT_WITHIN:
        since = "never" if swept is None else f"{swept.total_seconds():.0f} s ago"
        remedy = "Start `gantry scheduler` and `gantry backend drain`, or look at their logs."
        yield bad("scheduler and drain", f"looked at leases {since}", remedy)
    else:
        yield good("scheduler and drain", "at work")
    workers = sum(value for (name, _), value in readings.items() if name == "gantry_workers")
    if workers:
        yield good("workers", f"{workers:.0f} connected")
    else:
        yield odd("workers", "none is connected", "Start `gantry worker`.")
    failed = sum(
        value
        for (name, labels), value in readings.items()
        if name == "gantry_jobs" and ("state", "failed") in labels
    )
    if failed:
        yield odd("jobs", f"{failed:.0f} failed", "See `gantry admin jobs list`.")
    else:
        yield good("jobs", "none failed")
    if kept:
        yield odd("states", f"{len(kept)} kept apart", "See `gantry admin unsaved-states list`.")
    else:
        yield good("states", "none is kept apart")
    locked = readings.get(("gantry_stacks_locked", (("by", "system"),)), 0)
    if locked:
        remedy = "Look at their last runs, put right what is not, and unlock them."
        yield odd("stacks", f"{locked:.0f} locked by the system", remedy)
    else:
        yield good("stacks", "none is locked by the system")


def _names(settings: Settings) -> Iterator[tuple[str, str]]:
    """Host names that others have to find, each with the variable it comes from."""
    yield urlsplit(settings.base_url).hostname or "", "SERVER_DOMAIN"
    yield parse_endpoint(settings.mqtt_broker_endpoint)[0], "MQTT_BROKER_ENDPOINT"
    if (place := storage_endpoint(settings)) is not None:
        url, variable = place
        yield urlsplit(url).hostname or "", variable


async def _looked_up(name: str, variable: str) -> Finding:
    what = f"name {name}"
    try:
        async with asyncio.timeout(PATIENCE):
            found = await asyncio.get_running_loop().getaddrinfo(name, None)
    except (OSError, UnicodeError, TimeoutError) as error:
        remedy = f"Make a DNS entry for it, or correct {variable}."
        return bad(what, f"cannot be looked up: {_why(error)}", remedy)
    addresses = dict.fromkeys(str(entry[4][0]) for entry in found)
    return good(what, ", ".join(addresses))


async def _server(settings: Settings, trust: Trust) -> AsyncIterator[Finding]:
    what, url = f"server {settings.base_url}", f"{settings.base_url}/health"
    remedy = "Check SERVER_DOMAIN, its DNS entry, and what stands in front of the server."
    try:
        async with (
            httpx2.AsyncClient(timeout=PATIENCE, verify=trust.context()) as http,
            http.stream("GET", url) as answer,
        ):
            connection = answer.extensions["network_stream"].get_extra_info("ssl_object")
            peer = None if connection is None else peer_of(connection)
            await answer.aread()
        said = answer.json() if answer.status_code == 200 else None
        version = said["version"] if said is not None else None
    except (httpx2.HTTPError, OSError) as error:
        yield bad(what, f"cannot be reached: {_why(error)}", remedy)
        return
    except (ValueError, KeyError, TypeError):
        version = None
    if version is None:
        yield bad(what, f"somebody else answers: {answer.status_code}", remedy)
        return
    if version != wiring.release():
        says = f"runs release {version}, this is {wiring.release()}"
        yield odd(what, says, "Bring all processes to one release.")
    else:
        yield good(what, f"release {version}")
    if peer is not None:
        yield _lasts("certificate of the server", peer)


async def broker(settings: Settings, trust: Trust) -> AsyncIterator[Finding]:
    """The address that workers dial."""
    what = f"broker {settings.mqtt_broker_endpoint}"
    remedy = "Check MQTT_BROKER_ENDPOINT, its DNS entry, and what ends TLS in front of it."
    host, port, encrypted = parse_endpoint(settings.mqtt_broker_endpoint)
    peer = None
    try:
        async with asyncio.timeout(PATIENCE):
            if encrypted:
                # Who only takes known certificates has an objection to us here, and may.
                peer = await shake_hands(host, port, trust.context(), wait_for_word=False)
            else:
                _, writer = await asyncio.open_connection(host, port)
                writer.close()
    except (OSError, TimeoutError) as error:
        asks = isinstance(error, ssl.SSLError) and "ALERT" in (error.reason or "")
        if not (asks and settings.mqtt_broker_type == "external"):
            yield bad(what, f"cannot be reached: {_why(error)}", remedy)
            return
    yield good(what, "takes connections")
    if peer is not None:
        yield _lasts("certificate of the broker", peer)


async def _as_a_server(core: wiring.Core) -> Finding:
    """Whether an external broker lets servers in."""
    endpoint = core.settings.server_endpoint
    what = f"broker {endpoint} for servers"
    broker = ExternalBroker(
        endpoint=endpoint,
        namespace=core.settings.mqtt_namespace,
        login=await core.broker_login(),
        missed=_nothing,
    )
    try:
        await broker.try_out()
    except (aiomqtt.MqttError, OSError) as error:
        remedy = (
            "Runs start within seconds instead of at once. Is the broker there, does it know the"
            " certificate that `gantry admin broker-ca` prints, and do we know its own"
            " (GANTRY_CA_BUNDLE)? See docs/external-broker.md."
        )
        return bad(what, f"does not let us in: {await broker.reason(error)}", remedy)
    return good(what, "lets us in")


async def _nothing() -> None:
    pass


def _lasts(what: str, peer: Peer) -> Finding:
    left, until = peer.expires_at - utc_now(), f"{peer.expires_at:%Y-%m-%d}"
    if left < RENEWED_BEFORE:
        remedy = "Renew it, or look at what should have done so."
        return odd(what, f"ends in {left.days} days, on {until}", remedy)
    return good(what, f"lasts until {until}")


def _why(error: BaseException) -> str:
    """The reason; TLS's own where that is what it comes down to."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return why_not(cause)
        cause = cause.__cause__ or cause.__context__
    return str(error) or type(error).__name__
