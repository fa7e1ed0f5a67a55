"""Tokens as this product signs and checks them: which algorithms, which claims, how strictly."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from joserfc import jwt
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jwk import KeySet, OctKey, RSAKey
from joserfc.jws import JWSRegistry

from gantry.ports.vault import InvalidToken, SignedToken

CLOCK_SKEW = 5  # seconds: what NTP leaves between two hosts in bad weather, and no more

_TOKEN_HEADER = {"alg", "kid", "typ"}

# What joserfc 1.8 raises for tokens that are not even odd JSON: found by feeding it such tokens.
MALFORMED = (JoseError, ValueError, TypeError, RecursionError)


def utc_now() -> datetime:
    """The present, for whoever was given no other clock."""
    return datetime.now(UTC)


def published(key: RSAKey) -> dict[str, Any]:
    """The public half of a key, as others may have it (a JSON Web Key)."""
    public = key.as_dict(private=False)
    only = {"kty": "RSA", "n": public["n"], "e": public["e"]}
    return {**only, "kid": key.thumbprint(), "use": "sig", "alg": "RS256"}


def is_confirmed(token: str, jwks: Mapping[str, Any]) -> bool:
    """Whether one of the published keys made the signature, as clouds look at it."""
    try:
        jwt.decode(token, KeySet([RSAKey.import_key(key) for key in jwks["keys"]]))
    except MALFORMED:
        return False
    return True


def check_claims(claims: Mapping[str, Any]) -> None:
    """Raises ValueError for claims that nobody should sign."""
    audience = claims.get("aud")
    if not claims.get("exp") or not audience:
        raise ValueError("A token needs both `exp` and `aud`.")
    if "purpose" in claims and not (isinstance(audience, list) and len(audience) == 1):
        raise ValueError("The `aud` of a token with a purpose is a list of one audience.")


def check_vouched(claims: Mapping[str, Any]) -> None:
    """Raises ValueError for claims that other systems should not be shown."""
    check_claims(claims)
    if "purpose" in claims:
        raise ValueError("A token for other systems has no purpose: we never take it ourselves.")


def token_rules(*algorithms: str) -> JWSRegistry:
    """Which signatures are looked at: only these algorithms, by keys of up to 8192 bits."""
    rules = JWSRegistry(algorithms=algorithms)
    rules.max_signature_length = 1366  # 8192 bits in base64; joserfc stops at 6144 bits
    return rules


def check_token(
    token: str,
    key: RSAKey | OctKey | KeySet,
    rules: JWSRegistry,
    *,
    audience: str,
    purpose: str,
    now: datetime,
    kids: tuple[str, ...] | None = None,
) -> SignedToken:
    """What a JWT says, once it is known to be signed by `key` for this audience and purpose.

    With `kids` the header must name one of them. `exp` is needed; `exp`, `nbf` and `iat` may be
    five seconds off. Raises InvalidToken; says "expired" only of a token that is otherwise right.
    """
    try:
        decoded = jwt.decode(token, key, registry=rules)
    except MALFORMED:
        raise InvalidToken from None
    # Extensions (`crit`, `b64`, `jku` …) change what a signature covers; we never send one.
    if not _TOKEN_HEADER.issuperset(decoded.header):
        raise InvalidToken
    if kids is not None and decoded.header.get("kid") not in kids:
        raise InvalidToken
    claims = decoded.claims
    if claims.get("aud") != [audience] or not _same(claims.get("purpose"), purpose):
        raise InvalidToken("the token is meant for something else")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject:
        raise InvalidToken
    times = jwt.JWTClaimsRegistry(
        now=int(now.timestamp()), leeway=CLOCK_SKEW, exp={"essential": True}
    )
    try:
        times.validate(claims)
    except ExpiredTokenError:
        raise InvalidToken("the token has expired") from None
    except JoseError:
        raise InvalidToken from None
    return SignedToken(subject, claims)


def _same(claim: Any, wanted: str) -> bool:
    if not isinstance(claim, str):
        return False
    return hmac.compare_digest(
        claim.encode(errors="surrogatepass"), wanted.encode(errors="surrogatepass")
    )
