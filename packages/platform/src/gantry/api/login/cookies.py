"""What browsers keep: who is signed in, and which of them began a sign-on.

Both are HttpOnly, SameSite=Lax and, over TLS, Secure.
"""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.responses import Response

from gantry.api.doors import COOKIE, House
from gantry.domains.identity_providers.signing_on import LASTS
from gantry.domains.people.service import SignIn
from gantry.kernel.secret import Secret


def begun_cookie(there: House) -> str:
    """The name of the cookie that says which browser began. Over TLS with the prefix by which
    browsers let no other host set it (RFC 6265bis, section 4.1.3.2).
    """
    return "__Host-gantry_sign_on" if there.secure else "gantry_sign_on"


def remember_session(response: Response, there: House, signed_in: SignIn) -> None:
    """The browser is signed in from now on."""
    response.set_cookie(
        COOKIE,
        signed_in.token.reveal(),
        expires=datetime.fromtimestamp(signed_in.valid_until, UTC),
        path="/",
        secure=there.secure,
        httponly=True,
        samesite="lax",
    )


def remember_begun(response: Response, there: House, browser: Secret) -> None:
    """The browser has begun a sign-on."""
    response.set_cookie(
        begun_cookie(there),
        browser.reveal(),
        max_age=int(LASTS.total_seconds()),
        path="/",
        secure=there.secure,
        httponly=True,
        samesite="lax",
    )
