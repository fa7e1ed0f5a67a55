"""Tokens of OpenID Connect, checked by the keys that their issuers publish.

Keys are asked for where the issuer's own document says, over TLS and through the client that goes
to no private address (`outward`). They are kept for some minutes; a token by a key that is not
among them makes us ask again, though not more often than twice a minute.
"""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import re2
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, RSAKey

from gantry.infra.tokens import MALFORMED
from gantry.kernel.errors import UserError
from gantry.kernel.texts import can_be_kept
from gantry.ports.issuers import BadTrust, IssuerUnreachable, Trust, UntrustedToken
from gantry.ports.outward import Outward

ALGORITHMS = tuple(f"{kind}{bits}" for kind in ("RS", "PS", "ES") for bits in (256, 384, 512))
"""Signatures with a private key. Not `none`, and none by a secret that both sides know: a public
key must never be taken for one (RFC 8725 section 3.1)."""
_KIND = {"RS": "RSA", "PS": "RSA", "ES": "EC"}

LEEWAY = 60
"""Seconds by which the issuer's clock and ours may differ."""
KEPT = 300.0
"""Seconds that keys are used without asking again: a key that the issuer withdraws counts on for as
long."""
ASKED_AGAIN = 30.0
"""Seconds between questions because of a key that is not known: such tokens anybody can make."""
OUTLIVES = 3600.0
"""Seconds that keys are used while their issuer does not answer: as long as a session lasts."""
MAX_DOCUMENT = 256 * 1024
"""Bytes of what an issuer answers; Google's and Microsoft's keys take a few thousand."""
MAX_KEYS = 100
MIN_RSA = 2048
"""Bits of a key (RFC 7518 section 3.3)."""
PATIENCE = timedelta(seconds=5)
"""For one answer of an issuer, while somebody waits for theirs."""
TEXT_MAX = 1000
"""Characters of an issuer, a client's name and an expression."""

_WELL_KNOWN = "/.well-known/openid-configuration"
_QUIET = re2.Options()
_QUIET.log_errors = False


@dataclass
class _Issuer:
    """What we know of an issuer. Whoever asks it holds the lock."""

    keys: Sequence[RSAKey | ECKey] = ()
    had_at: float = 0.0
    asked_at: float | None = None
    failed: str = ""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class OidcIssuers:
    """The port `Issuers`."""

    def __init__(self, outward: Outward, *, clock: Callable[[], float] = time.time) -> None:
        self._outward, self._clock = outward, clock
        self._known: dict[str, _Issuer] = {}

    def check(self, trust: Trust) -> None:
        """See the port."""
        for what, text in (
            ("issuer", trust.issuer),
            ("client id", trust.client_id),
            ("subject expression", trust.subject_expression),
        ):
            if not text or len(text) > TEXT_MAX:
                raise BadTrust(f"The {what} has 1 to {TEXT_MAX} characters.")
        if (why := _no_issuer(trust.issuer)) is not None:
            raise BadTrust(why)
        self._outward.check(trust.issuer)
        try:
            re2.compile(trust.subject_expression, _QUIET)
        except re2.error as error:
            raise BadTrust(
                f"The subject expression is none in the syntax of RE2: {_words(error)}."
            ) from None

    async def claims(self, trust: Trust, token: str) -> Mapping[str, Any]:
        """See the port."""
        algorithm, kid, said = _unproven(token)
        # What the token says of itself proves nothing, but saves asking for what is not for us.
        _judge(trust, said, self._clock())
        key = await self._key(trust.issuer, algorithm, kid)
        try:
            registry = jws.JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
            proven = jwt.decode(token, key, algorithms=ALGORITHMS, registry=registry).claims
        except MALFORMED as error:
            raise UntrustedToken(
                "the token's signature is not the issuer's", detail=str(error)
            ) from None
        _judge(trust, proven, self._clock())
        return dict(proven)

    async def _key(self, issuer: str, algorithm: str, kid: str | None) -> RSAKey | ECKey:
        known = self._known.setdefault(issuer, _Issuer())
        async with known.lock:
            age = float("inf") if known.asked_at is None else time.monotonic() - known.asked_at
            unknown = known.failed or _fitting(known.keys, algorithm, kid) is None
            if age > (ASKED_AGAIN if unknown else KEPT):
                await self._ask(issuer, known)
            if known.failed:
                raise IssuerUnreachable(
                    "The issuer of the token did not say by which keys it signs; try again in a"
                    " moment.",
                    detail=known.failed,
                )
            key = _fitting(known.keys, algorithm, kid)
        if key is None:
            raise UntrustedToken("the token is signed by a key that the issuer does not publish")
        return key

    async def _ask(self, issuer: str, known: _Issuer) -> None:
        """Keys that were had lately are kept when the issuer fails to answer just now.

        However this ends, it is not done again at once.
        """
        known.failed = "" if known.keys else "nobody waited for its answer"
        try:
            document = await self._document(f"{issuer.rstrip('/')}{_WELL_KNOWN}")
            if document.get("issuer") != issuer:
                raise _Unusable("its document names another issuer")
            keys_at = document.get("jwks_uri")
            if not isinstance(keys_at, str) or _no_issuer(keys_at, query=True) is not None:
                raise _Unusable("its document names no https address of keys")
            known.keys, known.failed = _usable(await self._document(keys_at)), ""
            known.had_at = time.monotonic()
        except (UserError, _Unusable) as error:
            if time.monotonic() - known.had_at > OUTLIVES:
                known.keys = ()
            known.failed = "" if known.keys else str(error) or type(error).__name__
        finally:
            known.asked_at = time.monotonic()

    async def _document(self, url: str) -> Mapping[str, Any]:
        answer = await self._outward.get(
            url, headers={"Accept": "application/json"}, limit=MAX_DOCUMENT, timeout=PATIENCE
        )
        if answer.status != 200 or answer.cut:
            raise _Unusable(f"its answer has status {answer.status} or is too large")
        try:
            document = json.loads(answer.body)
        except (ValueError, RecursionError):
            raise _Unusable("its answer is not JSON") from None
        if not isinstance(document, dict):
            raise _Unusable("its answer is not a JSON object")
        return document


class _Unusable(Exception):
    """The issuer answered, and not as it should; the words are for the log."""


def _no_issuer(url: str, *, query: bool = False) -> str | None:
    """Why it is no address of an issuer (OpenID Connect Discovery section 4.1), or None."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        parts, host = urlsplit(""), None
    if parts.scheme != "https" or not host or parts.username is not None:
        return "An issuer is an address that begins with https:// and has a host."
    if parts.fragment or (parts.query and not query):
        return "An issuer's address has no query and no fragment."
    return None


def _words(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    return said.decode(errors="replace") if isinstance(said, bytes) else str(said)


def _unproven(token: str) -> tuple[str, str | None, Mapping[str, Any]]:
    """The algorithm, the key's id and the claims, as the token says. Raises UntrustedToken."""
    try:
        taken = jws.extract_compact(token.encode())
        header, said = taken.headers(), json.loads(taken.payload or b"")
    except MALFORMED:
        raise UntrustedToken("this is no token of OpenID Connect") from None
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(said, dict) or not isinstance(kid, str | None):
        raise UntrustedToken("this is no token of OpenID Connect")
    if algorithm not in ALGORITHMS:
        raise UntrustedToken("the token is not signed in a way that proves who signed it")
    return algorithm, kid, said


def _judge(trust: Trust, claims: Mapping[str, Any], now: float) -> None:
    """Raises UntrustedToken, which says what is wrong and not what would be right."""
    audience = claims.get("aud")
    if claims.get("iss") != trust.issuer:
        raise UntrustedToken("the token is of another issuer than the key's")
    if trust.client_id not in (audience if isinstance(audience, list) else [audience]):
        raise UntrustedToken("the token is for another client than the key's")
    expires, issued = _time(claims, "exp"), _time(claims, "iat")
    begins = _time(claims, "nbf") if "nbf" in claims else issued
    if expires + LEEWAY <= now:
        raise UntrustedToken("the token has expired")
    if max(issued, begins) - LEEWAY > now:
        raise UntrustedToken("the token is not good yet; look at the clocks")
    subject = claims.get("sub")
    if not isinstance(subject, str) or len(subject) > TEXT_MAX or not can_be_kept(subject):
        raise UntrustedToken("the token says of nobody that it is theirs")
    if re2.compile(trust.subject_expression, _QUIET).fullmatch(subject) is None:
        raise UntrustedToken("the key is not for whom the token speaks of")


def _time(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    try:
        # True is a number to Python, and some numbers are none that a clock could show.
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
    except OverflowError:
        pass
    raise UntrustedToken(f"the token does not say its {name}")


def _usable(document: Mapping[str, Any]) -> Sequence[RSAKey | ECKey]:
    """The keys among them that can prove a signature. Raises _Unusable for none."""
    said = document.get("keys")
    found: list[RSAKey | ECKey] = []
    for one in (said if isinstance(said, list) else [])[:MAX_KEYS]:
        if not isinstance(one, dict) or one.get("kty") not in _KIND.values():
            continue
        if one.get("use", "sig") != "sig":
            continue
        try:
            key = JWKRegistry.import_key(one)
            if isinstance(key, RSAKey) and key.raw_value.key_size < MIN_RSA:
                continue
        except (JoseError, ValueError, TypeError, LookupError):
            # What one key is like says nothing of the others.
            continue
        if isinstance(key, RSAKey | ECKey):
            found.append(key)
    if not found:
        raise _Unusable("it publishes no key that can be used")
    return found


def _fitting(
    keys: Sequence[RSAKey | ECKey], algorithm: str, kid: str | None
) -> RSAKey | ECKey | None:
    """The key that the token names. Without a name, the only one of the kind (OpenID Connect Core
    section 10.1).
    """
    kind = [
        key
        for key in keys
        if key.key_type == _KIND[algorithm[:2]] and key.get("alg") in (None, algorithm)
    ]
    named = kind if kid is None else [key for key in kind if key.kid == kid]
    return named[0] if len(named) == 1 else None
