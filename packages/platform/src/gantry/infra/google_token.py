"""A token for Google's API from what an installation is given: a key file, or the machine's own.

obstore makes its own for objects; this one is for what obstore does not ask (how buckets are kept).
"""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import httpx2
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

METADATA = "http://metadata.google.internal"
_TOKEN = "/computeMetadata/v1/instance/service-accounts/default/token"  # noqa: S105
_SCOPE = "https://www.googleapis.com/auth/devstorage.read_only"
_LASTS = 300  # seconds; it is used at once


class TokenMissing(Exception):
    """There is none to be had, and why; the message ends no sentence."""


async def google_token(
    http: httpx2.AsyncClient, credentials: Path | None, *, metadata: str = METADATA
) -> str:
    """A bearer token that may read. Raises TokenMissing.

    A service account's key signs it by itself (google.aip.dev/auth/4111); without a file the
    metadata server of the machine or workload is asked.
    """
    if credentials is not None:
        return await asyncio.to_thread(_self_signed, credentials)
    try:
        answer = await http.get(f"{metadata}{_TOKEN}", headers={"Metadata-Flavor": "Google"})
        return str(answer.raise_for_status().json()["access_token"])
    except (httpx2.HTTPError, OSError, ValueError, KeyError, TypeError) as error:
        raise TokenMissing(f"the metadata server gives no token ({type(error).__name__})") from None


def _self_signed(file: Path) -> str:
    try:
        given = json.loads(file.read_text())
        if given.get("type") != "service_account":
            raise TokenMissing("the credentials are not a service account's")
        header = {"alg": "RS256", "kid": given["private_key_id"], "typ": "JWT"}
        who, now = given["client_email"], int(time.time())
        claims = {"iss": who, "sub": who, "scope": _SCOPE, "iat": now, "exp": now + _LASTS}
        return jwt.encode(header, claims, RSAKey.import_key(given["private_key"]))
    except (OSError, ValueError, KeyError, AttributeError, JoseError):
        raise TokenMissing("the file of credentials cannot be used") from None
