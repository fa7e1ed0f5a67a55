"""How a route comes to be: every one declares who may knock.

`door` is the only way to make a route (a test walks the application and fails on any other),
and what it declares is enforced before the endpoint runs.
"""

from __future__ import annotations

import asyncio
import enum
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

import structlog
from gantry_protocol.calls import AUDIENCE
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gantry.api.departure import Departure
from gantry.domains.people import service as people
from gantry.domains.pools import service as pools
from gantry.domains.pools.model import WorkerPool
from gantry.domains.roles import rights
from gantry.domains.runs import identity
from gantry.domains.stacks.checks import Checks
from gantry.kernel.errors import NotFound, TooLarge, Unauthenticated, UserError
from gantry.kernel.secret import Secret
from gantry.kernel.texts import UNKEPT, all_can_be_kept, can_be_kept
from gantry.kernel.tx import ANONYMOUS, SYSTEM, Actor
from gantry.ports.db import Db
from gantry.ports.findings import Finding
from gantry.ports.handover import Handover
from gantry.ports.issuers import Issuers
from gantry.ports.live import Live
from gantry.ports.objects import LocalFiles, Objects
from gantry.ports.outward import Outward
from gantry.ports.passwords import Passwords
from gantry.ports.pki import Authority
from gantry.ports.sign_on import Protocols
from gantry.ports.sources import Sources
from gantry.ports.vault import InvalidToken, Vault

log = structlog.get_logger()

COOKIE = "gantry_session"
POOL_HEADER = "gantry-pool"
COMPARED_AT_ONCE = 2
"""Pairs of states that a server compares at a time: it holds one state of each."""

SEARCHED_AT_ONCE = 2
"""Uploaded trees that a server searches at a time: each takes a core for some seconds."""


class Access(enum.StrEnum):
    """Who may knock."""

    PUBLIC = "public"  # anybody; the endpoint gives nothing away
    ANYONE = "anyone"  # anybody; the endpoint itself asks what the actor may do, per thing
    SESSION = "session"  # somebody who has signed in
    WORKER = "worker"  # a worker of the pool whose key it proves
    LEASE = "lease"  # whoever proves a pool's key; the endpoint asks for the lease on a run of it
    RUN = "run"  # a run's own token; the endpoint checks phase and fence
    SIGNED = "signed"  # whoever holds a URL that we signed


@dataclass(frozen=True)
class House:
    """Everything the doors lead to."""

    db: Db
    vault: Vault
    objects: Objects
    sources: Sources
    outward: Outward
    authority: Callable[[], Awaitable[Authority]]
    passwords: Passwords
    issuers: Issuers
    """Those whose tokens API keys may trust."""
    base_url: str
    issuer: str
    """Who signs runs' tokens for clouds, as its discovery document and they name it."""
    jwks_url: str
    sign_on: Protocols
    """How identity providers are spoken with."""
    handover: Handover
    """How the command line tool is given a token."""
    secure: bool
    """Whether clients come over TLS: cookies are bound to it."""
    reach: pools.Reach
    admin_username: str | None
    admin_password: Secret | None
    session_lasts: timedelta
    lease: timedelta
    max_log_bytes: int
    max_state_bytes: int
    max_upload_bytes: int
    version: str
    terraform_versions: Sequence[str] = ()
    opentofu_versions: Sequence[str] = ()
    trusted_proxies: Sequence[IPv4Network | IPv6Network] = ()
    """Proxies whose word counts on where a request came from."""
    ready: Callable[[], Awaitable[str | None]] | None = None
    """What is not ready yet, as a sentence; None when everything is."""
    local_objects: LocalFiles | None = None
    live: Live | None = None
    departure: Departure = field(default_factory=Departure)
    comparing: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(COMPARED_AT_ONCE)
    )
    """Held while states are compared, each of which may be as large as states may be."""
    searching: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(SEARCHED_AT_ONCE)
    )
    """Held while an uploaded tree is searched, which somebody may have made to take long."""
    checks: Checks = field(default_factory=Checks)
    """Looks at what stacks are about to be made of, at each person's pace."""
    examine: Callable[[], Awaitable[Sequence[Finding]]] | None = None
    """Looks at what the installation stands on."""
    resolver_failed: Callable[[], None] = lambda: None
    """Is told of each field of the API that a bug kept from being answered."""


def house(request: Request) -> House:
    """What this application was built with."""
    found: House = request.app.state.house
    return found


Endpoint = Callable[[Request], Awaitable[Response]]


def door(path: str, endpoint: Endpoint, *, access: Access, methods: Sequence[str]) -> Route:
    """A route that lets in whom it declares."""

    async def guarded(request: Request) -> Response:
        # A request about a run or a stack says so in each of its lines, as jobs do.
        about = {f"{name}_id": request.path_params.get(name) for name in ("run", "stack")}
        structlog.contextvars.bind_contextvars(**{k: v for k, v in about.items() if v})
        try:
            if not all(can_be_kept(str(part)) for part in request.path_params.values()):
                raise NotFound("not found")
            await _admit(request, access)
            return await endpoint(request)
        except UserError as error:
            return error_response(error)

    guarded.__name__ = getattr(endpoint, "__name__", "endpoint")
    route = Route(path, guarded, methods=list(methods))
    route.access = access  # type: ignore[attr-defined]  # read by the test that walks the routes
    return route


def error_response(error: UserError) -> JSONResponse:
    """The user's face of an error; the other one goes to the log."""
    log.info("request refused", code=error.code, reason=error.message, detail=error.detail)
    return JSONResponse({"code": error.code, "message": error.message}, status_code=error.status)


async def _admit(request: Request, access: Access) -> None:
    if access is Access.SESSION or access is Access.ANYONE:
        request.state.actor = await actor_of(request)
        if access is Access.SESSION and request.state.actor.kind == "anonymous":
            raise Unauthenticated
    elif access is Access.WORKER or access is Access.LEASE:
        found = await _worker_of(request, known=access is Access.WORKER)
        request.state.pool, request.state.worker_id = found


async def actor_of(request: Request) -> Actor:
    """Who asks: by bearer token, or by the cookie of a browser on our own pages.

    A cookie counts only with a same-origin request, so that another site's form or script
    cannot use it. Raises InvalidToken for a token that is presented and not good.
    """
    there = house(request)
    header = request.headers.get("authorization", "")
    if header[:7].lower() == "bearer ":
        token = header[7:].strip()
    else:
        token = request.cookies.get(COOKIE, "")
        if token and not _same_origin(request, there.base_url):
            return ANONYMOUS
    if not token:
        return ANONYMOUS
    async with there.db.read(SYSTEM) as tx:
        try:
            actor = await people.recognise(
                tx,
                there.vault,
                token,
                audience=there.base_url,
                admin_password=there.admin_password,
            )
            actor = await rights.of_signed_in(tx, actor)
        except InvalidToken:
            if not header:
                return ANONYMOUS  # an expired cookie is no reason to refuse the sign-in page
            actor = await identity.recognise(tx, there.vault, token, audience=there.base_url)
    structlog.contextvars.bind_contextvars(actor=actor.name)
    return replace(actor, address=client_address(request))


def _same_origin(request: Request, base_url: str) -> bool:
    if request.method in ("GET", "HEAD"):
        return True
    origin = request.headers.get("origin")
    if origin is not None:
        return origin == base_url or origin == f"{request.url.scheme}://{request.url.netloc}"
    return request.headers.get("sec-fetch-site", "none") in ("same-origin", "none")


async def _worker_of(request: Request, *, known: bool) -> tuple[WorkerPool, str]:
    """The pool and the worker's id. `known`: whether the id is looked up, and has to be the pool's;
    a lease names both, so that whoever acts under one need not be looked up besides.
    """
    there = house(request)
    header = request.headers.get("authorization", "")
    proof = header[7:].strip() if header[:7].lower() == "bearer " else ""
    pool_id = request.headers.get(POOL_HEADER, "")
    if not proof or not pool_id:
        raise InvalidToken("a worker sends its proof and its pool's id")
    async with there.db.read(SYSTEM) as tx:
        pool, worker_id = await pools.admit(
            tx,
            await there.authority(),
            pool_id=pool_id,
            proof=proof,
            audience=AUDIENCE,
            known=known,
        )
    structlog.contextvars.bind_contextvars(worker_id=worker_id)
    return pool, worker_id


def client_address(request: Request) -> str:
    """The client's address, for throttling and history.

    That is the peer's, unless the peer is a trusted proxy: then the newest address in
    X-Forwarded-For that is not one. What stands before it, anybody may have written.
    """
    peer = request.client.host if request.client else "unknown"
    trusted = house(request).trusted_proxies
    hops = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
    address = peer
    while trusted and (found := _address(address)) and any(found in net for net in trusted):
        hop = _address(hops.pop()) if hops else None
        if hop is None:
            break  # nothing before it, or no address: the last one that is known counts
        address = str(hop)
    return address


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text.strip())
    except ValueError:
        return None
    # A socket that listens on IPv6 shows peers of IPv4 as mapped ones.
    return getattr(found, "ipv4_mapped", None) or found


def object_of(body: bytes) -> dict[str, Any]:
    """The JSON object in a body, none of whose texts a database would refuse. Raises UserError."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise UserError("The request is not JSON.") from None
    if not isinstance(document, dict):
        raise UserError("The request is not a JSON object.")
    if not all_can_be_kept(document):
        raise UserError(UNKEPT)
    return document


async def body_of(request: Request, limit: int) -> bytes:
    """The request's body. Raises TooLarge as soon as it is, without reading on."""
    return bytes(await large_body_of(request, limit))


async def large_body_of(request: Request, limit: int) -> bytearray:
    """As `body_of`, for bodies that are too large to be copied once more."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise TooLarge(f"The request is larger than the {limit} bytes that are taken here.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise TooLarge(f"The request is larger than the {limit} bytes that are taken here.")
    return body
