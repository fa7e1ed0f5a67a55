"""Serving the signed URLs of local object storage."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from gantry.api.doors import Access, door, house
from gantry.kernel.errors import NotFound
from gantry.ports.objects import Bucket, LocalFiles


def _checked(request: Request) -> tuple[LocalFiles, Bucket, str]:
    store = house(request).local_objects
    if store is None:
        raise NotFound("Objects are not kept on this server.")
    bucket, key = request.path_params["bucket"], request.path_params["key"]
    store.check_url(
        method="GET" if request.method == "HEAD" else request.method,
        bucket=bucket,
        key=key,
        expires=request.query_params.get("expires", ""),
        signature=request.query_params.get("signature", ""),
    )
    return store, Bucket(bucket), key


async def get(request: Request) -> Response:
    """The object, streamed."""
    store, bucket, key = _checked(request)
    size = await house(request).objects.size(bucket, key)
    # Never shown in place: an object is what somebody uploaded, and this is the API's own origin.
    headers = {"content-disposition": "attachment"}
    if size is not None:
        headers["content-length"] = str(size)
    stream = store.open_stream(bucket, key)
    return StreamingResponse(stream, media_type="application/octet-stream", headers=headers)


async def put(request: Request) -> Response:
    """Store the body under the key, whole or not at all."""
    store, bucket, key = _checked(request)
    limit = house(request).max_upload_bytes
    await store.write_stream(bucket, key, request.stream(), limit=limit)
    return Response(status_code=200)


def routes() -> list[Route]:
    """The doors of local object storage."""
    path = "/objects/{bucket}/{key:path}"
    return [
        door(path, get, access=Access.SIGNED, methods=["GET"]),
        door(path, put, access=Access.SIGNED, methods=["PUT"]),
    ]
