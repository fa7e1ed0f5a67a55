"""The web application: files that `tools/bootstrap.sh ui` built, and one page that loads them.

The page is the same for everybody and shows nothing by itself; what people see, it asks of the
API. Everything it loads comes from here: the policy allows no script or style from elsewhere, and
none within the page but the styles that carry this answer's nonce.
"""

from __future__ import annotations

import functools
import mimetypes
import secrets
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

from gantry.api.doors import Access, door
from gantry.kernel.errors import NotFound

BUILT = Path(__file__).parent / "built"
NONCE = "__NONCE__"
FOR_EVER = "public, max-age=31536000, immutable"
"""For files whose names change with what is in them: a year, the most that HTTP's caches heed."""
AN_HOUR = "public, max-age=3600"
"""For files that keep their names, and matter little."""

PLACES = (
    *("sign-in", "apikeytoken", "cli_login", "auth_success", "auth_failure"),
    *("setup", "launchpad", "account", "help"),
    *("stacks", "stack", "new", "workers", "contexts", "context"),
    *("spaces", "access", "audit", "integrations", "notifications"),
)
"""The first words of the application's addresses, as in `ui/src/routes.tsx`."""


def policy(nonce: str) -> str:
    """The content security policy of the page."""
    return (
        "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:;"
        f" font-src 'self'; style-src 'self' 'nonce-{nonce}'; form-action 'self';"
        " base-uri 'none'; frame-ancestors 'none'"
    )


@functools.cache
def _page() -> str | None:
    page = BUILT / "index.html"
    return page.read_text() if page.is_file() else None


async def page(request: Request) -> Response:
    """The page, under every address of the application."""
    text = _page()
    if text is None:
        raise NotFound(
            "This installation is from source, and its web application was not built:"
            " run tools/bootstrap.sh ui. The API works without it."
        )
    nonce = secrets.token_urlsafe(16)
    return HTMLResponse(
        text.replace(NONCE, nonce), headers={"content-security-policy": policy(nonce)}
    )


@functools.cache
def _files() -> dict[str, Path]:
    # By name, so that no path is put together from what was asked for.
    assets = BUILT / "assets"
    return {file.name: file for file in assets.iterdir()} if assets.is_dir() else {}


async def asset(request: Request) -> Response:
    """A script, a style or a picture."""
    file = _files().get(request.path_params["name"])
    if file is None:
        raise NotFound("There is no such file; load the page again.")
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    return FileResponse(file, media_type=kind, headers={"cache-control": FOR_EVER})


async def icon(request: Request) -> Response:
    """The sign of the house."""
    file = BUILT / "icon.svg"
    if not file.is_file():
        raise NotFound("There is no icon.")
    return FileResponse(file, media_type="image/svg+xml", headers={"cache-control": AN_HOUR})


def routes() -> list[Route]:
    """The doors of the web application."""
    paths = ["/", *(f"/{place}{rest}" for place in PLACES for rest in ("", "/{rest:path}"))]
    return [
        door("/assets/{name}", asset, access=Access.PUBLIC, methods=["GET"]),
        door("/icon.svg", icon, access=Access.PUBLIC, methods=["GET"]),
        *(door(path, page, access=Access.PUBLIC, methods=["GET"]) for path in paths),
    ]
