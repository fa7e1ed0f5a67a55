"""The vault on an RSA key and AES data keys: sealed rows, our own tokens, our own URLs.

The RSA key comes from the operator and never touches the database; the data keys lie in the
database, each wrapped with it. Losing the RSA key therefore loses every sealed value.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from joserfc import jwt
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jwk import KeySet, RSAKey
from joserfc.jws import JWSRegistry

from gantry.infra.data_keys import DataKeys
from gantry.ports.vault import InvalidToken, SignedToken, Unreadable

CLOCK_SKEW = 5  # seconds: what NTP leaves between two hosts in bad weather, and no more

_MIN_BITS = 2048  # NIST SP 800-131A: the least that is still allowed
_MAX_BITS = 8192  # beyond this a signature costs a tenth of a second and protects nothing more
# 128-bit strength (NIST SP 800-57), good past 2030; 4096 bits would more than double the price
# of each signature, and every run and session needs one.
_NEW_KEY_BITS = 3072

BY_KMS = b"aws-kms:"
"""What data keys begin with that KMS wrapped. Of those that RSA did, one in 2**64 would."""

_OAEP = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)
_TOKEN_HEADER = {"alg", "kid", "typ"}

# What joserfc 1.8 raises for tokens that are not even odd JSON: found by feeding it such tokens.
MALFORMED = (JoseError, ValueError, TypeError, RecursionError)


def utc_now() -> datetime:
    """The present, for whoever was given no other clock."""
    return datetime.now(UTC)


class RsaVault(DataKeys):
    """Seals with the `current` data key, opens with any, signs with the RSA key.

    `data_keys` maps versions (0 to 2**32 - 1) to unwrapped keys of 32 bytes. Raises ValueError
    for anything else. Tokens and URLs stay valid over a restart with the same keys.
    """

    def __init__(
        self,
        private_key: RSAPrivateKey,
        data_keys: Mapping[int, bytes],
        current: int,
        *,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        super().__init__(data_keys, current)
        self._key = RSAKey.import_key(private_key)
        self._kid = self._key.thumbprint()  # RFC 7638
        self._tokens = token_rules("RS256")
        self._clock = clock

    def sign(self, claims: Mapping[str, Any]) -> str:
        """See the port. `exp` is a NumericDate or an aware datetime.

        A token without `purpose` (as other systems want them) is never accepted by `verify`.
        Raises ValueError when `exp` or `aud` is missing: nothing we sign lasts for ever or is
        meant for everybody. So it does for a purpose whose `aud` is not a list of one, which
        `verify` would never accept.
        """
        check_claims(claims)
        header = {"alg": "RS256", "kid": self._kid}
        # joserfc turns datetimes into numbers in place: hand it a copy.
        return jwt.encode(header, dict(claims), self._key, registry=self._tokens)

    async def vouch(self, claims: Mapping[str, Any]) -> str:
        """See the port. The same key as for tokens of our own, which `purpose` tells apart."""
        check_vouched(claims)
        return self.sign(claims)

    def verify(self, token: str, *, audience: str, purpose: str) -> SignedToken:
        """See the port. Asks for `exp`, a `sub`, and an `aud` list of exactly this audience;
        allows five seconds between the clocks.
        """
        return check_token(
            token,
            self._key,
            self._tokens,
            kids=(self._kid,),
            audience=audience,
            purpose=purpose,
            now=self._clock(),
        )

    def jwks(self) -> Mapping[str, Any]:
        """See the port. Holds the public half of the one key that `sign` uses."""
        return published(self._key)


def published(key: RSAKey) -> Mapping[str, Any]:
    """A JSON Web Key Set of the public half of one key."""
    public = key.as_dict(private=False)
    only = {"kty": "RSA", "n": public["n"], "e": public["e"]}
    return {"keys": [{**only, "kid": key.thumbprint(), "use": "sig", "alg": "RS256"}]}


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
    key: RSAKey | KeySet,
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


def load_private_key(base64_of_pem: str) -> RSAPrivateKey:
    """The key in ENCRYPTION_RSA_PRIVATE_KEY: base64 of an unencrypted PEM RSA key.

    Line breaks in the base64 are ignored. Raises ValueError with a sentence for the operator
    that tells what is wrong and never quotes the value.
    """
    name = "ENCRYPTION_RSA_PRIVATE_KEY"
    try:
        pem = base64.b64decode("".join(base64_of_pem.split()), validate=True)
    except (ValueError, binascii.Error):
        raise ValueError(
            f"{name} is not base64; encode the whole PEM file with `base64 -w0`."
        ) from None
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except TypeError:
        raise ValueError(f"{name} is encrypted; store the key without a passphrase.") from None
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError(f"{name} is base64, but not of a PEM private key.") from None
    if not isinstance(key, RSAPrivateKey):
        raise ValueError(f"{name} holds a private key that is not an RSA key.")
    if key.key_size < _MIN_BITS:
        raise ValueError(f"{name} has {key.key_size} bits; at least {_MIN_BITS} are needed.")
    if key.key_size > _MAX_BITS:
        raise ValueError(f"{name} has {key.key_size} bits; at most {_MAX_BITS} are supported.")
    return key


def generate_private_key() -> str:
    """A fresh RSA key of 3072 bits, in the form that `load_private_key` reads (PKCS #8)."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=_NEW_KEY_BITS)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return base64.b64encode(pem).decode()


def wrap(private_key: RSAPrivateKey, data_key: bytes) -> bytes:
    """A data key as it may be stored: RSA-OAEP with SHA-256, readable with the private key."""
    return private_key.public_key().encrypt(data_key, _OAEP)


def unwrap(private_key: RSAPrivateKey, wrapped: bytes) -> bytes:
    """What `wrap` was given. Raises Unreadable when it was another key, or the bytes changed."""
    if wrapped.startswith(BY_KMS):
        raise Unreadable("The stored data keys belong to AWS KMS: ENCRYPTION_TYPE has to be kms.")
    try:
        return private_key.decrypt(wrapped, _OAEP)
    except ValueError:
        raise Unreadable(
            "The stored data keys do not belong to this ENCRYPTION_RSA_PRIVATE_KEY."
        ) from None


def _same(claim: Any, wanted: str) -> bool:
    if not isinstance(claim, str):
        return False
    return hmac.compare_digest(
        claim.encode(errors="surrogatepass"), wanted.encode(errors="surrogatepass")
    )
