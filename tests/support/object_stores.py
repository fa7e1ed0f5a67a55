"""Object stores for tests: a directory behind a door like the program's own, and S3. Those of
Google and Microsoft are in cloud_stores.py.

S3 is moto's server. It stores but takes any signature, so a gate before it checks presigned
URLs as S3 does, with botocore's own arithmetic.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import boto3
import httpx2
import uvicorn
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from gantry.infra.local_objects import LocalObjects
from gantry.infra.object_stores import s3_stores
from gantry.infra.objects import RemoteObjects
from gantry.kernel.errors import UserError
from gantry.ports.objects import Bucket, Objects
from starlette.applications import Starlette
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

DOOR_LIMIT = 1_000_000  # bytes that the door takes
KEY_ID, SECRET = "AKIDEXAMPLE", "example-secret-key"


@dataclass
class Clock:
    """The time of the serving side; tests put it forward."""

    ahead: timedelta = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class Store:
    """A store whose URLs are being served."""

    objects: Objects
    clock: Clock = field(default_factory=Clock)


@contextlib.asynccontextmanager
async def serving(endpoint, *, dates: bool = True):
    """`endpoint` takes every request; yields the address. With `dates` answers say the time."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        methods = ["GET", "HEAD", "PUT", "POST", "DELETE"]
        app = Starlette(routes=[Route("/{path:path}", endpoint, methods=methods)])
        server = uvicorn.Server(
            uvicorn.Config(app, log_level="error", lifespan="off", date_header=dates)
        )
        task = asyncio.create_task(server.serve(sockets=[sock]))
        while not server.started:
            await asyncio.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{sock.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task


def sign(text: str) -> str:
    return hmac.new(b"key", text.encode(), hashlib.sha256).hexdigest()


def door_of(objects: LocalObjects):
    """As the program's own HTTP door serves local objects."""

    async def door(request):
        _, bucket, key = request.path_params["path"].split("/", 2)
        query = {name: request.query_params.get(name, "") for name in ("expires", "signature")}
        try:
            objects.check_url(method=request.method, bucket=bucket, key=key, **query)
            if request.method == "PUT":
                await objects.write_stream(Bucket(bucket), key, request.stream(), limit=DOOR_LIMIT)
                return Response()
            stream = objects.open_stream(Bucket(bucket), key)
        except UserError as refused:
            return Response(refused.code, refused.status)
        return StreamingResponse(stream, headers={"content-length": str(stream.size)})

    return door


def gate_before(store: httpx2.AsyncClient, takes):
    """Passes on to the store what the provider would take."""

    async def gate(request):
        if not takes(request):
            return Response("AccessDenied", 403)
        query = request.scope["query_string"].decode()
        answer = await store.request(
            request.method,
            # Google's paths come with every sign quoted, which moto does not expect of buckets.
            quote(request.scope["path"]) + (f"?{query}" if query else ""),
            content=await request.body(),
            headers=request.headers,
        )
        answer.headers.pop("date", None)  # the gate says it itself
        return Response(answer.content, answer.status_code, dict(answer.headers))

    return gate


def s3_takes(request, now: datetime) -> bool:
    if "X-Amz-Signature" not in request.query_params:
        return True  # by the key itself; moto takes any
    parts = urlsplit(str(request.url))
    query = dict(parse_qsl(parts.query))
    signature = query.pop("X-Amz-Signature")
    signed_at = datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    if now >= signed_at + timedelta(seconds=int(query["X-Amz-Expires"])):
        return False
    region = query["X-Amz-Credential"].split("/")[2]
    auth = S3SigV4QueryAuth(Credentials(KEY_ID, SECRET), "s3", region)
    signed = AWSRequest(request.method, urlunsplit(parts._replace(query=urlencode(query))))
    signed.context["timestamp"] = query["X-Amz-Date"]
    text = auth.string_to_sign(signed, auth.canonical_request(signed))
    return hmac.compare_digest(auth.signature(text, signed), signature)


@contextlib.contextmanager
def moto_server():
    """moto's S3 with a bucket `gantry-<bucket>` for each of ours; yields its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            with contextlib.suppress(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port)).close()
                break
            assert server.poll() is None, "moto ended"
            time.sleep(0.05)
        url = f"http://127.0.0.1:{port}"
        client = boto3.client(
            "s3",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id=KEY_ID,
            aws_secret_access_key=SECRET,
        )
        for bucket in Bucket:
            client.create_bucket(Bucket=f"gantry-{bucket}")
        yield url
    finally:
        server.terminate()
        server.wait()


def remote(endpoint: str, *, prefix: str = "gantry", key_id=KEY_ID, secret=SECRET):
    return RemoteObjects(
        s3_stores(
            {bucket: f"{prefix}-{bucket}" for bucket in Bucket},
            region="us-east-1",
            endpoint=endpoint,
            access_key_id=key_id,
            secret_access_key=secret,
            allow_http=True,
            allow_invalid_certificates=False,
        )
    )


def local_at(root: Path, base_url: str, clock: Clock):
    def check(text: str, signature: str) -> bool:
        return hmac.compare_digest(sign(text), signature)

    return LocalObjects(root, base_url=base_url, sign=sign, check=check, clock=clock)


@contextlib.asynccontextmanager
async def local_store(root: Path):
    """Local objects and their door."""
    clock, place = Clock(), {}

    async def door(request):
        return await place["door"](request)

    async with serving(door) as url:
        objects = local_at(root, url, clock)
        place["door"] = door_of(objects)
        yield Store(objects, clock)


@contextlib.asynccontextmanager
async def remote_store(moto: str):
    """Objects in moto, behind the gate."""
    clock = Clock()
    async with (
        httpx2.AsyncClient(base_url=moto) as client,
        serving(gate_before(client, lambda request: s3_takes(request, clock()))) as url,
    ):
        yield Store(remote(url), clock)
