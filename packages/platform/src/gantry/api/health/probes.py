"""Whether the process lives, has started, and is ready for traffic."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gantry.api.doors import Access, door, house


async def live(request: Request) -> Response:
    """`/health`: the process answers."""
    return JSONResponse({"status": "ok", "version": house(request).version})


async def ready(request: Request) -> Response:
    """`/readiness`, `/startup`: the process can do its work, else 503 and what is missing."""
    check = house(request).ready
    problem = await check() if check is not None else None
    if problem is not None:
        return JSONResponse({"status": "not ready", "reason": problem}, status_code=503)
    return JSONResponse({"status": "ready"})


def routes() -> list[Route]:
    """The doors of probes."""
    return [
        door("/health", live, access=Access.PUBLIC, methods=["GET"]),
        door("/readiness", ready, access=Access.PUBLIC, methods=["GET"]),
        door("/startup", ready, access=Access.PUBLIC, methods=["GET"]),
    ]
