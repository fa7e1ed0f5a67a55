"""Our issuer's public face: who signs our tokens, and with which keys."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gantry.api.doors import Access, door, house

CLAIMS = (
    *("iss", "sub", "aud", "exp", "iat", "nbf", "jti"),
    *("spaceId", "callerType", "callerId", "runType", "runId", "scope"),
)
"""What runs' tokens say (runs.manifests)."""


async def jwks(request: Request) -> Response:
    """`/.well-known/jwks`"""
    return JSONResponse(dict(house(request).vault.jwks()))


async def discovery(request: Request) -> Response:
    """`/.well-known/openid-configuration` (OpenID Connect Discovery 1.0, section 3)"""
    there = house(request)
    return JSONResponse(
        {
            "issuer": there.issuer,
            "jwks_uri": there.jwks_url,
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "claims_supported": list(CLAIMS),
        }
    )


def routes() -> list[Route]:
    """The doors of the issuer."""
    return [
        door("/.well-known/jwks", jwks, access=Access.PUBLIC, methods=["GET"]),
        door("/.well-known/openid-configuration", discovery, access=Access.PUBLIC, methods=["GET"]),
    ]
