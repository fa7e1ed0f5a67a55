"""A run's plan as JSON, for people and their tools."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from gantry.api.doors import Access, door, house
from gantry.domains.runs import repo as runs
from gantry.domains.runs.manifests import URL_LASTS
from gantry.kernel.errors import NotFound
from gantry.ports.objects import Bucket


async def plan(request: Request) -> Response:
    """`GET /plans/<run>`: to where the run's newest plan lies as gzipped JSON."""
    there = house(request)
    async with there.db.read(request.state.actor) as tx:
        run = await runs.find(tx, request.path_params["run"])
    key = run.plan_json_key
    # What is past its retention is told of here, not by the storage's own page.
    if key is None or await there.objects.size(Bucket.POLICY_INPUTS, key) is None:
        raise NotFound("plan not found: the run has none, or it is past its retention")
    url = await there.objects.download_url(Bucket.POLICY_INPUTS, key, lasts=URL_LASTS)
    return RedirectResponse(url, status_code=303)


def routes() -> list[Route]:
    """The door of plans."""
    return [door("/plans/{run}", plan, access=Access.SESSION, methods=["GET"])]
