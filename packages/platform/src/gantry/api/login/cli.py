"""`cli_login`: somebody at a browser lets the command line tool on their computer in.

The page asks first, in so many words: the address of it may come from anybody, with anybody's key.
What the tool gets is a session of its own, encrypted for its key (contract notes).
"""

from __future__ import annotations

import asyncio
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gantry.api.doors import Access, body_of, client_address, door, house, object_of
from gantry.domains.people import sessions
from gantry.kernel.errors import UserError

CLI_LOGIN = "/cli_login"
"""The page is the application's; what it posts comes here."""
MAX_FORM = 16 * 1024
PORTS = range(1, 65536)


class BadPort(UserError):
    """Not a port of this computer."""

    code = "BAD_CLI_PORT"


async def let_in(request: Request) -> Response:
    """`POST /cli_login`: where the browser goes next, on its own computer."""
    there = house(request)
    given = object_of(await body_of(request, MAX_FORM))
    port = str(given.get("port", ""))
    if not port.isascii() or not port.isdecimal() or len(port) > 5 or int(port) not in PORTS:
        raise BadPort("The command line tool's port is a number from 1 to 65535.")
    async with there.db.write(request.state.actor) as tx:
        signed_in = await sessions.open_another(
            tx,
            there.vault,
            audience=there.base_url,
            lasts=there.session_lasts,
            address=client_address(request),
        )
        # Within the transaction: a key that cannot be used leaves no session.
        parcel = await asyncio.to_thread(
            there.handover.pack, str(given.get("key", "")), signed_in.token
        )
    query = urlencode({"token": parcel.token, "key": parcel.key})
    # Nowhere else than this computer, whatever the page's address asked for.
    return JSONResponse({"location": f"http://127.0.0.1:{int(port)}/?{query}"})


def routes() -> list[Route]:
    """The door of the command line."""
    return [door(CLI_LOGIN, let_in, access=Access.SESSION, methods=["POST"])]
