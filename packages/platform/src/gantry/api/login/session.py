"""Signing in as the built-in admin, first setup, signing out.

The cookie is HttpOnly, SameSite=Lax and, over TLS, Secure with the `__Host-` rules' path; state
changes need a request of our own origin besides (doors.actor_of).
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from gantry.api.doors import COOKIE, Access, body_of, client_address, door, house, object_of
from gantry.api.pages.html import page
from gantry.domains.accounts import service as accounts
from gantry.domains.people import access
from gantry.domains.people import service as people
from gantry.kernel.errors import NotAllowed, UserError
from gantry.kernel.texts import UNKEPT, all_can_be_kept
from gantry.kernel.tx import SYSTEM

MAX_FORM = 16 * 1024


async def form(request: Request) -> Response:
    """`GET /admin-login`"""
    there = house(request)
    if there.admin_username is None or there.admin_password is None:
        return page(
            "Sign in",
            "<p class='card'>Admin sign-in is switched off. Set <code>ADMIN_USERNAME</code> and"
            " <code>ADMIN_PASSWORD</code> on the server to use it.</p>",
        )
    return _form()


def _form(problem: str = "", status: int = 200) -> Response:
    warning = f"<p class='warn' role='alert'>{problem}</p>" if problem else ""
    return page(
        "Sign in",
        f"<div class='card'>{warning}<form method='post' action='/admin-login'>"
        "<label>User name<input name='username' autocomplete='username' required autofocus></label>"
        "<label>Password<input name='password' type='password' autocomplete='current-password'"
        " required></label><button>Sign in</button></form></div>",
        status=status,
    )


async def sign_in(request: Request) -> Response:
    """`POST /admin-login`: a form gets a cookie and the first page, JSON gets the token."""
    there = house(request)
    _require_same_origin(request, there.base_url)
    wants_json, given = await _given(request)
    async with there.db.write(SYSTEM) as tx:
        signed_in = await people.sign_in_admin(
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
    if signed_in is None:
        words = "The user name or the password is wrong."
        if wants_json:
            return JSONResponse({"code": "WRONG_CREDENTIALS", "message": words}, status_code=401)
        return _form(words, status=401)
    token = signed_in.token.reveal()
    if wants_json:
        return JSONResponse({"jwt": token, "validUntil": signed_in.valid_until})
    response = RedirectResponse("/", status_code=303)
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(there.session_lasts.total_seconds()),
        path="/",
        secure=there.secure,
        httponly=True,
        samesite="lax",
    )
    return response


async def sign_out(request: Request) -> Response:
    """`POST /logout`"""
    there = house(request)
    async with there.db.write(request.state.actor) as tx:
        await people.sign_out(tx)
    response = RedirectResponse("/admin-login", status_code=303)
    response.delete_cookie(COOKIE, path="/")
    return response


async def setup(request: Request) -> Response:
    """`POST /setup`: name the account, once."""
    there = house(request)
    wants_json, given = await _given(request)
    async with there.db.write(request.state.actor) as tx:
        access.require_admin(tx)
        account = await accounts.name_account(tx, given.get("name", "").strip())
    if wants_json:
        return JSONResponse({"name": account.name})
    return RedirectResponse("/", status_code=303)


def _require_same_origin(request: Request, base_url: str) -> None:
    # Also signing in: another site must not sign somebody in as somebody else.
    origin = request.headers.get("origin")
    own = (base_url, f"{request.url.scheme}://{request.url.netloc}")
    if origin is not None and origin not in own:
        raise NotAllowed("unauthorized: sign in from this installation's own page")


async def _given(request: Request) -> tuple[bool, Mapping[str, str]]:
    body = await body_of(request, MAX_FORM)
    if request.headers.get("content-type", "").startswith("application/json"):
        return True, {str(key): str(value) for key, value in object_of(body).items()}
    fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
    if not all_can_be_kept(fields):
        raise UserError(UNKEPT)
    return False, {key: values[0] for key, values in fields.items()}


def routes() -> list[Route]:
    """The doors of signing in."""
    return [
        door("/admin-login", form, access=Access.PUBLIC, methods=["GET"]),
        door("/admin-login", sign_in, access=Access.PUBLIC, methods=["POST"]),
        door("/logout", sign_out, access=Access.SESSION, methods=["POST"]),
        door("/setup", setup, access=Access.SESSION, methods=["POST"]),
    ]
