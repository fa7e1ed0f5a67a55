"""Signing in as the built-in admin, first setup, signing out.

The cookie (login.cookies) is not all: state changes need a request of our own origin besides
(doors.actor_of).
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from gantry.api.doors import COOKIE, Access, body_of, client_address, door, house, object_of
from gantry.api.login.cookies import remember_session
from gantry.domains.accounts import service as accounts
from gantry.domains.audit import service as audit
from gantry.domains.audit.kinds import Resource
from gantry.domains.identity_providers import service as identity_providers
from gantry.domains.people import access
from gantry.domains.people import service as people
from gantry.kernel.errors import NotAllowed, UserError
from gantry.kernel.tx import SYSTEM

MAX_FORM = 16 * 1024
SESSION = "/session"
"""Where the web application signs in: it gets a cookie, and never sees a token."""
SIGN_IN = "/sign-in"
"""The page of the application."""


async def elsewhere(request: Request) -> Response:
    """`GET /admin-login`: the address that operators know; the page is the application's."""
    return RedirectResponse(SIGN_IN, status_code=303)


async def ways(request: Request) -> Response:
    """`GET /session`: the ways of signing in that this installation offers, and nothing else."""
    there = house(request)
    async with there.db.read(SYSTEM) as tx:
        kind = await identity_providers.kind_in_use(tx)
    return JSONResponse(
        {
            "password": bool(there.admin_username and there.admin_password),
            "provider": None if kind is None else kind.value,
        }
    )


async def sign_in(request: Request) -> Response:
    """`POST /admin-login`: the answer has the token. `POST /session`: it has a cookie."""
    there = house(request)
    _require_same_origin(request, there.base_url)
    given = await _given(request)
    async with there.db.write(SYSTEM) as tx:
        found = await people.sign_in_admin(
            tx,
            there.vault,
            username=given.get("username", ""),
            password=given.get("password", ""),
            expected_username=there.admin_username,
            expected_password=there.admin_password,
            audience=there.base_url,
            lasts=there.session_lasts,
            address=client_address(request),
        )
    signed_in = people.arrived(found)
    if signed_in is None:
        words = "The user name or the password is wrong."
        return JSONResponse({"code": "WRONG_CREDENTIALS", "message": words}, status_code=401)
    token = signed_in.token.reveal()
    if request.url.path != SESSION:
        return JSONResponse({"jwt": token, "validUntil": signed_in.valid_until})
    response = JSONResponse({"validUntil": signed_in.valid_until})
    remember_session(response, there, signed_in)
    return response


async def exchange_key(request: Request) -> Response:
    """`POST /apikeytoken`: an API key's way into the pages, for when nothing else opens them."""
    there = house(request)
    _require_same_origin(request, there.base_url)
    given = await _given(request)
    async with there.db.write(SYSTEM) as tx:
        found = await people.sign_in_api_key(
            tx,
            there.vault,
            there.passwords,
            key_id=given.get("id", "").strip(),
            secret=given.get("secret", "").strip(),
            audience=there.base_url,
            address=client_address(request),
        )
    signed_in = people.arrived(found)
    if signed_in is None:
        words = "There is no such API key, or the secret is not its own."
        return JSONResponse({"code": "WRONG_CREDENTIALS", "message": words}, status_code=401)
    response = JSONResponse({"validUntil": signed_in.valid_until})
    remember_session(response, there, signed_in)
    return response


async def sign_out(request: Request) -> Response:
    """`POST /logout`"""
    there = house(request)
    async with there.db.write(request.state.actor) as tx:
        await people.sign_out(tx)
        audit.record(tx, "session.end", Resource.SESSION, tx.actor.session_id)
    response = RedirectResponse(SIGN_IN, status_code=303)
    response.delete_cookie(COOKIE, path="/")
    return response


async def setup(request: Request) -> Response:
    """`POST /setup`: name the account, once."""
    there = house(request)
    given = await _given(request)
    async with there.db.write(request.state.actor) as tx:
        access.require_admin(tx)
        account = await accounts.name_account(tx, given.get("name", "").strip())
        audit.record(tx, "account.name", Resource.ACCOUNT, account.name)
    return JSONResponse({"name": account.name})


def _require_same_origin(request: Request, base_url: str) -> None:
    # Also signing in: another site must not sign somebody in as somebody else.
    origin = request.headers.get("origin")
    own = (base_url, f"{request.url.scheme}://{request.url.netloc}")
    if origin is not None and origin not in own:
        raise NotAllowed("unauthorized: sign in from this installation's own page")


async def _given(request: Request) -> Mapping[str, str]:
    # JSON and nothing else: it is what a plain form of another site cannot send.
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise UserError("Send a JSON object, with the content type application/json.")
    body = await body_of(request, MAX_FORM)
    return {str(key): str(value) for key, value in object_of(body).items()}


def routes() -> list[Route]:
    """The doors of signing in."""
    return [
        door("/admin-login", elsewhere, access=Access.PUBLIC, methods=["GET"]),
        door("/admin-login", sign_in, access=Access.PUBLIC, methods=["POST"]),
        door(SESSION, ways, access=Access.PUBLIC, methods=["GET"]),
        door(SESSION, sign_in, access=Access.PUBLIC, methods=["POST"]),
        door("/apikeytoken", exchange_key, access=Access.PUBLIC, methods=["POST"]),
        door("/logout", sign_out, access=Access.SESSION, methods=["POST"]),
        door("/setup", setup, access=Access.SESSION, methods=["POST"]),
    ]
