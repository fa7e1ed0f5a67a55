"""With what each route is called: as one who means it would, and with what each caller has."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from gantry.api.state.download import address, claims
from gantry.domains.tfstate import service as states
from gantry.kernel.tx import SYSTEM
from gantry.ports.objects import Bucket
from gantry_protocol.calls import Failed, Held, Register, Reported, TicketWanted
from gantry_protocol.words import Phase

from tests.integration.api.conftest import PASSWORD
from tests.integration.authz.world import OURS, World
from tests.support.core import BASE_URL

TOOL = rsa.generate_private_key(public_exponent=65537, key_size=2048)
"""Of the command line tool."""
JSON = {"content-type": "application/json"}
LOCK = b'{"ID": "a-lock"}'
LOGIN = json.dumps({"username": "ada", "password": PASSWORD}).encode()


@dataclass(frozen=True)
class Asked:
    """A request: where, with what, and what the caller sends besides its own headers."""

    path: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


Make = Callable[[World, str], Awaitable[Asked]]


def plain(path: str, body: bytes = b"", **headers: str) -> Make:
    """Always the same."""

    async def made(world: World, caller: str) -> Asked:
        return Asked(path, body, {**JSON, **headers} if body else headers)

    return made


def about(path: str, body: Callable[[World], bytes] = lambda world: b"") -> Make:
    """A path with words for ids of ours in braces."""

    async def made(world: World, caller: str) -> Asked:
        words = {word.replace(" ", "_"): one for word, one in world.ours.ids.items()}
        return Asked(
            path.format(**words, log=world.ours.log, fence=world.secrets["fence"]),
            body(world),
            JSON,
        )

    return made


def held(world: World) -> dict[str, Any]:
    """The lease on our run that is at work."""
    return {"run_id": world.ours.ids["working run"], "fence": int(world.secrets["fence"])}


def said(message: Any) -> bytes:
    """A message of the worker protocol."""
    return bytes(message.model_dump_json(by_alias=True).encode())


def report(world: World) -> bytes:
    """That the run has failed."""
    fence = int(world.secrets["fence"])
    return said(Reported(fence=fence, report=Failed(phase=Phase.PLAN, reason="it broke")))


def left(world: World) -> bytes:
    """A state that no backend took."""
    return gzip.compress(json.dumps({"version": 4, "serial": 1, "lineage": "x"}).encode())


async def plan(world: World, caller: str) -> Asked:
    """The plan of a run, which lies in the storage."""
    run = world.ours.ids["waiting run"]
    await world.core.change("update run set plan_json_key = 'plan' where id = :id", id=run)
    await world.core.objects.put(Bucket.POLICY_INPUTS, "plan", b"{}")
    return Asked(f"/plans/{run}")


async def unsaved(world: World, caller: str) -> Asked:
    """What our run left, which has changed something."""
    run = world.ours.ids["working run"]
    await world.core.change(
        "update run_transition set after = 'APPLYING' where run_id = :id and version = 1", id=run
    )
    return Asked(f"/worker/v1/runs/{run}/unsaved-state?fence={world.secrets['fence']}", left(world))


async def key_login(world: World, caller: str) -> Asked:
    """An API key's way into the pages."""
    given = {"id": world.secrets["key of nobody"], "secret": world.secrets["secret of nobody"]}
    return Asked("/apikeytoken", json.dumps(given).encode(), JSON)


async def cli_login(world: World, caller: str) -> Asked:
    """The command line tool's way in, through its owner's browser."""
    pem = TOOL.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    label = pem.replace(b"PUBLIC KEY", b"RSA PUBLIC KEY")
    key = base64.urlsafe_b64encode(label).rstrip(b"=").decode()
    body = json.dumps({"port": 4711, "key": key}).encode()
    return Asked("/cli_login", body, {**JSON, "origin": BASE_URL})


async def setup(world: World, caller: str) -> Asked:
    """The account gets its name, which it has not yet."""
    await world.core.change("update account set name = null")
    return Asked("/setup", b'{"name": "acme"}', JSON)


def state(body: bytes = b"", *, state: str = "PLANNING", locked: bool = False) -> Make:
    """Of the stack of our run, which is in this state. It has a credential of its own for it."""

    async def made(world: World, caller: str) -> Asked:
        stack, run = world.ours.ids["working stack"], world.ours.ids["working run"]
        await world.core.change("update run set state = :state where id = :id", state=state, id=run)
        if locked:
            async with world.core.db.write(SYSTEM) as tx:
                await states.lock(tx, stack, json.loads(LOCK), run_id=run)
        if caller != "run":
            return Asked(f"/state/{stack}", body, JSON)
        pair = base64.b64encode(f"{run}:{world.secrets['state']}".encode()).decode()
        return Asked(f"/state/{stack}", body, {**JSON, "authorization": f"Basic {pair}"})

    return made


def signed(*, upload: bool) -> Make:
    """An address of the local storage that somebody was given."""

    async def made(world: World, caller: str) -> Asked:
        store, lasts = world.core.objects, timedelta(minutes=1)
        await store.put(Bucket.UPLOADS, "there", b"x")
        asked = store.upload_url if upload else store.download_url
        url = urlsplit(await asked(Bucket.UPLOADS, "there", lasts=lasts))
        return Asked(f"{url.path}?{url.query}", b"y" if upload else b"")

    return made


async def state_download(world: World, caller: str) -> Asked:
    """An address of a state that somebody was given."""
    async with world.core.db.read(SYSTEM) as tx:
        token = world.core.vault.sign(claims(world.ours.ids["stack"], BASE_URL, tx.now))
    url = urlsplit(address(BASE_URL, token))
    return Asked(f"{url.path}?{url.query}")


CALLS: Mapping[str, Make] = {
    "GET /health": plain("/health"),
    "GET /readiness": plain("/readiness"),
    "GET /startup": plain("/startup"),
    "GET /.well-known/jwks": plain("/.well-known/jwks"),
    "GET /.well-known/openid-configuration": plain("/.well-known/openid-configuration"),
    "GET /graphql": plain("/graphql"),
    "POST /graphql": plain("/graphql", b'{"query": "{ debugInfo { selfHostedVersion } }"}'),
    "GET /admin-login": plain("/admin-login"),
    "POST /admin-login": plain("/admin-login", LOGIN),
    "GET /session": plain("/session"),
    "POST /session": plain("/session", LOGIN),
    "POST /apikeytoken": key_login,
    "POST /cli_login": cli_login,
    "GET /sign-on": plain("/sign-on"),
    "GET /oidc/exchange": plain("/oidc/exchange?state=x&code=y"),
    "GET /github/exchange": plain("/github/exchange?state=x&code=y"),
    "POST /saml/acs": plain("/saml/acs", b"SAMLResponse=x"),
    "GET /saml/collect": plain("/saml/collect?state=x"),
    "GET /saml/metadata": plain("/saml/metadata"),
    "POST /logout": plain("/logout", origin=BASE_URL),
    "POST /setup": setup,
    "GET /events": about("/events?topic=stack:{stack}"),
    "GET /logs/{run}/{version}": about("/logs/{working_run}/{log}"),
    "GET /plans/{run}": plan,
    "GET /usageanalytics/csv": plain("/usageanalytics/csv?aspect=run-minutes"),
    "GET /objects/{bucket}/{key:path}": signed(upload=False),
    "PUT /objects/{bucket}/{key:path}": signed(upload=True),
    "GET /state-download": state_download,
    "GET /state/{stack}": state(),
    "POST /state/{stack}": state(b'{"version": 4, "serial": 1, "lineage": "x"}', state="APPLYING"),
    "DELETE /state/{stack}": state(),
    "LOCK /state/{stack}": state(LOCK),
    "UNLOCK /state/{stack}": state(LOCK, locked=True),
    "POST /worker/v1/register": plain("/worker/v1/register", said(Register())),
    "POST /worker/v1/next": plain("/worker/v1/next", b"{}"),
    "POST /worker/v1/heartbeat": plain("/worker/v1/heartbeat", b"{}"),
    "POST /worker/v1/goodbye": plain("/worker/v1/goodbye"),
    "POST /worker/v1/runs/{run}/manifest": about(
        "/worker/v1/runs/{working_run}/manifest", lambda w: said(Held(**held(w)))
    ),
    "POST /worker/v1/runs/{run}/report": about("/worker/v1/runs/{working_run}/report", report),
    "POST /worker/v1/runs/{run}/logs/{version}": about(
        f"/worker/v1/runs/{{working_run}}/logs/{{log}}?fence={{fence}}&offset={len(OURS)}",
        lambda w: b"more",
    ),
    "POST /worker/v1/runs/{run}/ticket": about(
        "/worker/v1/runs/{working_run}/ticket",
        lambda w: said(TicketWanted(fence=int(w.secrets["fence"]))),
    ),
    "POST /worker/v1/runs/{run}/unsaved-state": unsaved,
}
"""By method and path, as the route has them."""
