"""Sign-on with the account's identity provider: out to it, and the ways back.

A browser comes here by following links and posting forms, so it is answered with pages to go to,
also when something is wrong: the sign-in page says in words what the code means.

A SAML provider posts from its own site, and such a request carries no SameSite=Lax cookie. So what
it brings is kept, and the browser is sent on with a GET, which does carry it, and with a ticket,
which nobody else gets.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl, urlencode

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from gantry.api.doors import Access, Endpoint, House, body_of, client_address, door, house
from gantry.api.login.cookies import begun_cookie, remember_begun, remember_session
from gantry.domains.identity_providers import rules, service, signing_on
from gantry.domains.identity_providers.kinds import ProviderKind
from gantry.domains.identity_providers.signing_on import Arrived, Premises
from gantry.kernel.errors import NotAllowed, UserError
from gantry.ports.sign_on import Unsolicited

log = structlog.get_logger()

SIGN_IN = "/sign-in"
SIGN_ON = "/sign-on"
"""Where a browser goes that wants to sign in with the identity provider."""
COLLECT = "/saml/collect"
MAX_RESPONSE = 512 * 1024
"""Bytes of a form with a SAML response, which is base64 of at most 256 KiB."""


def premises(there: House) -> Premises:
    """What sign-on needs of the house."""
    return Premises(
        db=there.db,
        vault=there.vault,
        protocols=there.sign_on,
        base_url=there.base_url,
        session_lasts=there.session_lasts,
    )


async def begin(request: Request) -> Response:
    """`GET /sign-on?next=/stack/one`: off to the provider."""
    there = house(request)
    # Pictures and frames of other sites would use up the sign-ons of everybody at this address.
    if request.headers.get("sec-fetch-dest", "document") != "document":
        raise NotAllowed("A sign-on begins on a page of its own, not as a part of another.")
    begun = await signing_on.begin(
        premises(there),
        browser=request.cookies.get(begun_cookie(there), ""),
        return_to=request.query_params.get("next", "/"),
        address=client_address(request),
    )
    response = RedirectResponse(begun.location, status_code=303)
    remember_begun(response, there, begun.browser)
    return response


async def back_from_oidc(request: Request) -> Response:
    """`GET /oidc/exchange?state=…&code=…`"""
    return await _back(request, ProviderKind.OIDC)


async def back_from_github(request: Request) -> Response:
    """`GET /github/exchange?state=…&code=…`"""
    return await _back(request, ProviderKind.GITHUB)


async def take_response(request: Request) -> Response:
    """`POST /saml/acs`: the assertion consumer service."""
    there = house(request)
    form = dict(parse_qsl((await body_of(request, MAX_RESPONSE)).decode("latin-1")))
    try:
        kept = await signing_on.take_response(
            premises(there), form.get("SAMLResponse", ""), address=client_address(request)
        )
    except Unsolicited:
        # The provider's own page led here: it leads to a sign-on that begins here.
        return RedirectResponse(SIGN_ON, status_code=303)
    query = urlencode({"state": kept.state, "ticket": kept.ticket.reveal()})
    return RedirectResponse(f"{COLLECT}?{query}", status_code=303)


async def collect(request: Request) -> Response:
    """`GET /saml/collect?state=…&ticket=…`: the browser comes for what the response proved."""
    there = house(request)
    arrived = await signing_on.collect(
        premises(there),
        state=request.query_params.get("state", ""),
        ticket=request.query_params.get("ticket", ""),
        browser=request.cookies.get(begun_cookie(there), ""),
        address=client_address(request),
    )
    return _in(there, arrived)


async def metadata(request: Request) -> Response:
    """`GET /saml/metadata`: what a SAML provider has to know of this installation."""
    there = house(request)
    described = there.sign_on.saml.describe(
        entity_id=service.saml_entity_id(there.base_url),
        acs_url=there.base_url + rules.SAML_CALLBACK,
    )
    return Response(described, media_type="application/samlmetadata+xml")


async def _back(request: Request, kind: ProviderKind) -> Response:
    there, given = house(request), request.query_params
    arrived = await signing_on.come_back(
        premises(there),
        kind,
        state=given.get("state", ""),
        code=given.get("code", ""),
        browser=request.cookies.get(begun_cookie(there), ""),
        address=client_address(request),
    )
    return _in(there, arrived)


def _in(there: House, arrived: Arrived) -> Response:
    response = RedirectResponse(arrived.return_to, status_code=303)
    remember_session(response, there, arrived.signed_in)
    return response


def _for_browsers(endpoint: Callable[[Request], Awaitable[Response]]) -> Endpoint:
    """Errors lead to the sign-in page, with nothing of them but the code."""

    async def answered(request: Request) -> Response:
        try:
            return await endpoint(request)
        except UserError as error:
            log.info("sign-on refused", code=error.code, reason=error.message, detail=error.detail)
            where = f"{SIGN_IN}?{urlencode({'problem': error.code})}"
            return RedirectResponse(where, status_code=303)

    answered.__name__ = endpoint.__name__
    return answered


def routes() -> list[Route]:
    """The doors of sign-on."""
    ways = [
        (SIGN_ON, begin, "GET"),
        (rules.OIDC_CALLBACK, back_from_oidc, "GET"),
        (rules.GITHUB_CALLBACK, back_from_github, "GET"),
        (rules.SAML_CALLBACK, take_response, "POST"),
        (COLLECT, collect, "GET"),
    ]
    return [
        *(
            door(path, _for_browsers(end), access=Access.PUBLIC, methods=[method])
            for path, end, method in ways
        ),
        door(rules.SAML_METADATA, metadata, access=Access.PUBLIC, methods=["GET"]),
    ]
