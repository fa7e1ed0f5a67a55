"""Giving a stack's current state to a person or their tool, by a signed address.

What is kept is sealed and cannot be handed out as it lies; it is opened for this one answer and
never stored in the clear.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gantry.api.doors import Access, door, house
from gantry.api.state.whole import whole
from gantry.domains.tfstate import service as states
from gantry.kernel.errors import NotFound

PURPOSE = "state-download"
PATH = "/state-download"
LASTS = timedelta(minutes=10)
"""A person or their tool uses the address at once."""


def claims(
    stack_id: str, base_url: str, now: datetime, *, version: str | None = None
) -> Mapping[str, Any]:
    """What the token in an address says: this stack's state, for the next minutes.

    Without a version it is the one that is current when the address is used.
    """
    chosen = {"version": version} if version else {}
    return {
        **chosen,
        "aud": [base_url],
        "sub": stack_id,
        "purpose": PURPOSE,
        "exp": int((now + LASTS).timestamp()),
    }


def address(base_url: str, token: str) -> str:
    """The address that gives the state to whoever has it, until it expires."""
    return f"{base_url}{PATH}?{urlencode({'token': token})}"


async def download(request: Request) -> Response:
    """`GET /state-download?token=…`"""
    there = house(request)
    token = request.query_params.get("token", "")
    signed = there.vault.verify(token, audience=there.base_url, purpose=PURPOSE)
    body = await states.read(
        there.db,
        there.vault,
        there.objects,
        signed.subject,
        version_id=signed.claims.get("version"),
    )
    if body is None:
        raise NotFound("state not found: the stack has none")
    return whole(body)


def routes() -> list[Route]:
    """The door of state downloads."""
    return [door(PATH, download, access=Access.SIGNED, methods=["GET"])]
