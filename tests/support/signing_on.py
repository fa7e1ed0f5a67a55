"""Setting up sign-on, and browsers that use it, for tests of the API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2

from tests.support.core import BASE_URL, Core
from tests.support.identity_providers import CLIENT_ID, CLIENT_SECRET, Providers

SET_OIDC = """
mutation ($input: OIDCInput!) { oidcCreate(input: $input) { clientId providerUrl redirectUrl } }
"""
SET_SAML = """
mutation ($input: SAMLInput!) { samlCreate(input: $input) { acsUrl entityId provider dynamic } }
"""
SET_GITHUB = """
mutation ($input: GitHubSignOnInput!) { githubSignOnSet(input: $input) { address organization } }
"""
VIEWER = "{ viewer { id login type } }"


def oidc_input(address: str, **changes: Any) -> dict[str, Any]:
    """Settings of an OpenID Connect provider."""
    given = {"clientId": CLIENT_ID, "clientSecret": CLIENT_SECRET, "providerUrl": address}
    return given | changes


def saml_input(providers: Providers, **changes: Any) -> dict[str, Any]:
    """Settings of the SAML provider."""
    given = {
        "metadata": providers.saml_metadata,
        "dynamic": True,
        "nameIdFormat": "PERSISTENT",
        "attributeMappings": [
            {"idpAttribute": "Groups", "attribute": "Teams"},
            {"idpAttribute": "GivenName", "attribute": "FirstName"},
        ],
    }
    return given | changes


async def know_group(core: Core, name: str = "Platform") -> None:
    """The account knows the group: its members may enter."""
    await core.change(
        "insert into user_group (id, name, description, created_at, created_by)"
        " values ('g1', :name, '', now(), 'a test')",
        name=name,
    )


@asynccontextmanager
async def browser(app: Any) -> AsyncIterator[httpx2.AsyncClient]:
    """A browser of its own: it keeps cookies, and follows no redirects by itself."""
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url=BASE_URL) as http:
        yield http


async def sent_off(http: httpx2.AsyncClient, return_to: str = "/") -> str:
    """Where the browser is sent to sign on."""
    answer = await http.get("/sign-on", params={"next": return_to})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def problem(answer: httpx2.Response) -> str | None:
    """The code with which the sign-in page is shown; None when it is not."""
    assert answer.status_code == 303, answer.text
    where = httpx2.URL(answer.headers["location"])
    return str(where.params["problem"]) if where.path == "/sign-in" else None


async def viewer(http: httpx2.AsyncClient) -> Any:
    """Who the browser is signed in as."""
    headers = {"origin": BASE_URL}
    answer = await http.post("/graphql", json={"query": VIEWER}, headers=headers)
    return answer.json()["data"]["viewer"]


async def nobody_came(core: Core) -> bool:
    """Whether there is no session but the administrator's, and no person besides."""
    sessions = await core.rows(
        "select 1 from session s join app_user u on u.id = s.user_id where u.source <> 'admin'"
    )
    people = await core.rows("select 1 from app_user where source <> 'admin'")
    return not sessions and not people
