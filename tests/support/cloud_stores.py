"""The stores of Google and Microsoft for tests, as near to the real ones as can be installed.

Azure is Azurite, Microsoft's own emulator, from npm. It checks signatures itself; the gate before
it only lets tests put its clock forward.

Google Cloud Storage has no emulator in the registries that speaks its XML API, which obstore uses.
That API is S3's but for names of headers and for who may ask: so moto's S3 stores, and a gate
before it checks what Google checks, tokens and signed URLs, against the service account's public
key (cloud.google.com/storage/docs/authentication/canonical-requests).
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import shutil
import socket
import subprocess
import time
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from functools import lru_cache
from pathlib import Path

import httpx2
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from gantry.infra.object_stores import azure_stores, gcs_stores
from gantry.infra.objects import RemoteObjects
from gantry.ports.objects import Bucket
from gantry_protocol.uploads import UPLOAD_HEADERS
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from tests.support.object_stores import Clock, Store, gate_before, serving

AZURITE = Path(__file__).parents[2] / ".cache/azurite/node_modules/.bin/azurite-blob"
ACCOUNT = "devstoreaccount1"
ACCOUNT_KEY = (  # the emulator's own, known to everybody
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)
GOOGLE = "storage.googleapis.com"  # what obstore signs for, wherever the endpoint of a test is
SERVICE_ACCOUNT = "gantry@example.iam.gserviceaccount.com"


# ------------------------------------------------------------------ Google


@lru_cache
def service_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def service_account(place: Path) -> Path:
    """The key file of a service account, as Google's console gives it out."""
    pem = service_key().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    content = {
        "type": "service_account",
        "project_id": "example",
        "private_key_id": "1",
        "private_key": pem.decode(),
        "client_email": SERVICE_ACCOUNT,
        "client_id": "1",
        "token_uri": "https://oauth2.example.com/token",
    }
    file = place / "service-account.json"
    file.write_text(json.dumps(content))
    return file


def google_takes(request, now: datetime) -> bool:
    """Whether Google would do what is asked: by a token of the service account, or by URL."""
    if "X-Goog-Signature" in request.query_params:
        return _google_signed(request, now)
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    with contextlib.suppress(JoseError, ValueError):
        claims = jwt.decode(token, RSAKey.import_key(service_key().public_key())).claims
        return kind == "Bearer" and claims["iss"] == SERVICE_ACCOUNT and claims["exp"] > time.time()
    return False


def _google_signed(request, now: datetime) -> bool:
    path, query = (request.scope[part].decode() for part in ("raw_path", "query_string"))
    asked = request.query_params
    signed_at = datetime.strptime(asked["X-Goog-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    if now >= signed_at + timedelta(seconds=int(asked["X-Goog-Expires"])):
        return False
    who, _, scope = asked["X-Goog-Credential"].partition("/")
    rest = sorted(part for part in query.split("&") if not part.startswith("X-Goog-Signature="))
    canonical = "\n".join([request.method, path, "&".join(rest), f"host:{GOOGLE}", "", "host"])
    digest = hashlib.sha256(f"{canonical}\nUNSIGNED-PAYLOAD".encode()).hexdigest()
    text = f"GOOG4-RSA-SHA256\n{asked['X-Goog-Date']}\n{scope}\n{digest}"
    try:
        service_key().public_key().verify(
            bytes.fromhex(asked["X-Goog-Signature"]),
            text.encode(),
            padding.PKCS1v15(),
            hashes.SHA256(),
        )
    except (InvalidSignature, ValueError):
        return False
    return who == SERVICE_ACCOUNT


def google(endpoint: str, credentials: Path, *, prefix: str = "gantry") -> RemoteObjects:
    names = {bucket: f"{prefix}-{bucket}" for bucket in Bucket}
    return RemoteObjects(gcs_stores(names, credentials=credentials, endpoint=endpoint))


@contextlib.asynccontextmanager
async def google_store(moto: str, place: Path):
    """Objects in moto, behind Google's gate."""
    clock = Clock()
    async with (
        httpx2.AsyncClient(base_url=moto) as client,
        serving(gate_before(client, lambda request: google_takes(request, clock()))) as url,
    ):
        yield Store(google(url, service_account(place)), clock)


# ------------------------------------------------------------------ Microsoft


@contextlib.contextmanager
def azurite():
    """Azurite with a container `gantry-<bucket>` for each bucket; yields the account's address."""
    if not AZURITE.exists():
        assert shutil.which("npm") is None, "Azurite is missing: run tools/bootstrap.sh test"
        pytest.skip("Azurite needs Node.js and npm")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [AZURITE, "--blobHost", "127.0.0.1", "--blobPort", str(port)]
    # obstore may speak a newer version of the protocol than the emulator knows by name.
    command += ["--inMemoryPersistence", "--disableTelemetry", "--skipApiVersionCheck", "--silent"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            with contextlib.suppress(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port)).close()
                break
            assert server.poll() is None, "Azurite ended"
            time.sleep(0.05)
        url = f"http://127.0.0.1:{port}/{ACCOUNT}"
        for bucket in Bucket:
            _make_container(url, f"gantry-{bucket}")
        yield url
    finally:
        server.terminate()
        server.wait()


def _make_container(url: str, name: str) -> None:
    headers = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": "2021-08-06"}
    told = "".join(f"{header}:{value}\n" for header, value in headers.items())
    # Shared key: the method, eleven headers that are empty, ours, and what is asked for.
    text = "PUT" + "\n" * 12 + told + f"/{ACCOUNT}/{ACCOUNT}/{name}\nrestype:container"
    digest = hmac.new(base64.b64decode(ACCOUNT_KEY), text.encode(), "sha256").digest()
    headers["authorization"] = f"SharedKey {ACCOUNT}:{base64.b64encode(digest).decode()}"
    httpx2.put(f"{url}/{name}?restype=container", headers=headers).raise_for_status()


def azure(url: str, *, prefix: str = "gantry", key: str = ACCOUNT_KEY) -> RemoteObjects:
    names = {bucket: f"{prefix}-{bucket}" for bucket in Bucket}
    stores = azure_stores(names, account=ACCOUNT, endpoint=url, account_key=key)
    return RemoteObjects(stores, upload_headers=UPLOAD_HEADERS)


def azure_takes(request, now: datetime) -> bool:
    ends = request.query_params.get("se")
    return ends is None or now < datetime.fromisoformat(ends)


@contextlib.asynccontextmanager
async def azure_store(azurite: str):
    """Objects in Azurite, whose clock can be put forward."""
    clock, base = Clock(), azurite.removesuffix(f"/{ACCOUNT}")
    async with (
        httpx2.AsyncClient(base_url=base) as client,
        serving(gate_before(client, lambda request: azure_takes(request, clock()))) as url,
    ):
        yield Store(azure(f"{url}/{ACCOUNT}"), clock)
