"""The API over a real database, without a network: requests go straight to the application."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from gantry.api.app import application
from gantry.api.doors import House
from gantry.api.graphql.door import routes
from gantry.domains.people import admission, api_keys
from gantry.domains.people import service as people
from gantry.domains.people.admission import NotInvited
from gantry.domains.people.api_keys import Wanted
from gantry.domains.people.model import Identity
from gantry.infra.bus import Bus
from gantry.infra.db import libpq_url
from gantry.infra.github_sign_on import GitHubSignOn
from gantry.infra.handover import CommandLineHandover
from gantry.infra.issuers import OidcIssuers
from gantry.infra.news import NewsDesk
from gantry.infra.oidc import OidcProvider
from gantry.infra.outward import OutwardHttp
from gantry.infra.outward_allowed import Allowed
from gantry.infra.provider_calls import Calls
from gantry.infra.saml import SamlProvider
from gantry.infra.tls import Trust
from gantry.kernel.secret import Secret
from gantry.kernel.tx import SYSTEM
from gantry.ports.sign_on import Protocols
from gantry_protocol.proxies import Proxies

from tests.support.certificates import Authority
from tests.support.core import BASE_URL, LEASE, Core
from tests.support.token_issuer import TokenIssuer

PASSWORD = "the password of these tests"


class Caller:
    """Somebody who sends GraphQL operations."""

    def __init__(self, http: httpx2.AsyncClient, app: Any, token: str | None = None) -> None:
        self.http, self.app = http, app
        self.headers = {"authorization": f"Bearer {token}"} if token else {}

    async def send(self, body: Any, **headers: str) -> httpx2.Response:
        """Whatever the body is, as JSON in ASCII, which can say every text there is."""
        given = {"content-type": "application/json", **self.headers, **headers}
        return await self.http.post("/graphql", content=json.dumps(body), headers=given)

    async def answer(self, document: str, **variables: Any) -> dict[str, Any]:
        """The whole answer; its status is always 200."""
        response = await self.send({"query": document, "variables": variables})
        assert response.status_code == 200
        found: dict[str, Any] = response.json()
        return found

    async def ask(self, document: str, **variables: Any) -> dict[str, Any]:
        """The data of an operation that succeeds."""
        answer = await self.answer(document, **variables)
        assert "errors" not in answer, answer["errors"]
        data: dict[str, Any] = answer["data"]
        return data

    async def refusal(self, document: str, **variables: Any) -> tuple[str, str]:
        """(message, code) of an operation that is refused, and gives nothing besides."""
        answer = await self.answer(document, **variables)
        assert not any((answer["data"] or {}).values()), answer
        (error,) = answer["errors"]
        return error["message"], error["extensions"]["code"]


@pytest.fixture(scope="session")
def token_issuer(workshop: Path) -> Iterator[TokenIssuer]:
    """Somebody whose tokens API keys may trust. What a test changes in it, it changes back."""
    with TokenIssuer(Authority(workshop / "issuer")) as issuer:
        yield issuer


@pytest.fixture(scope="session")
def sign_on() -> Protocols:
    """Identity providers are asked; those of tests are on this machine, and without TLS."""

    def towards(host: str) -> OutwardHttp:
        allowed = Allowed(names=frozenset({host}))
        return OutwardHttp(allowed=allowed, trust=Trust(), proxies=Proxies(None, None, ""))

    calls = Calls(towards, plain=True)
    return Protocols(OidcProvider(calls), SamlProvider(calls), GitHubSignOn(calls))


@pytest.fixture
async def nobody(
    core: Core, token_issuer: TokenIssuer, sign_on: Protocols
) -> AsyncIterator[Caller]:
    """Somebody who has not signed in."""
    async with doors(core, token_issuer, sign_on) as caller:
        yield caller


@asynccontextmanager
async def doors(core: Core, token_issuer: TokenIssuer, sign_on: Protocols) -> AsyncIterator[Caller]:
    """The application on the control plane, and somebody in front of it who has not signed in."""

    async def authority():
        return core.authority

    there = House(
        db=core.db,
        vault=core.vault,
        objects=core.objects,
        sources=core.sources,
        outward=core.outward,
        authority=authority,
        passwords=core.passwords,
        issuers=OidcIssuers(token_issuer.outward("issuer.test")),
        base_url=BASE_URL,
        issuer=BASE_URL,
        jwks_url=f"{BASE_URL}/.well-known/jwks",
        sign_on=sign_on,
        handover=CommandLineHandover(),
        secure=True,
        reach=core.reach,
        admin_username="ada",
        admin_password=Secret(PASSWORD),
        session_lasts=timedelta(hours=1),
        lease=LEASE,
        max_log_bytes=1024 * 1024,
        max_state_bytes=1024 * 1024,
        max_upload_bytes=1024 * 1024,
        version="0",
        local_objects=core.objects,
        live=NewsDesk(core.db.engine, Bus(libpq_url(core.url))),
        resolver_failed=core.meter.resolver_failed,
    )
    app = application(there, routes(there), measure=core.meter.answered)
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url=BASE_URL) as http:
        yield Caller(http, app)


@pytest.fixture
async def ada(nobody: Caller) -> Caller:
    """The administrator."""
    credentials = {"username": "ada", "password": PASSWORD}
    response = await nobody.http.post("/admin-login", json=credentials)
    assert response.status_code == 200, response.text
    return Caller(nobody.http, nobody.app, response.json()["jwt"])


@pytest.fixture
def robot(core: Core, nobody: Caller):
    """Makes API keys that have signed in, without any role: (its id, the caller)."""

    async def make(name: str = "ci") -> tuple[str, Caller]:
        async with core.db.write(SYSTEM) as tx:
            key, secret = await api_keys.create(tx, core.passwords, Wanted(name))
        async with core.db.write(SYSTEM) as tx:
            signed_in = await people.sign_in_api_key(
                tx,
                core.vault,
                core.passwords,
                key_id=key.id,
                secret=secret.reveal(),
                audience=BASE_URL,
                address="127.0.0.1",
            )
        assert signed_in is not None
        return key.id, Caller(nobody.http, nobody.app, signed_in.token.reveal())

    return make


@pytest.fixture
def signs_in(core, nobody):
    """Somebody signs in with the account's identity provider: the caller, or the refusal."""

    async def sign_in(username: str, *groups: str, email: str | None = None):
        identity = Identity(
            source="oidc",
            subject=f"id of {username}",
            username=username,
            email=email,
            email_verified=True,
            name=None,
            groups=frozenset(groups),
        )
        async with core.db.write(SYSTEM) as tx:
            answer = await admission.admit(
                tx,
                core.vault,
                identity,
                audience=BASE_URL,
                lasts=timedelta(hours=1),
                address="203.0.113.9",
            )
        if isinstance(answer, NotInvited):
            return answer
        return Caller(nobody.http, nobody.app, answer.token.reveal())

    return sign_in
