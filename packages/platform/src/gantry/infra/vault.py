"""The vault on an RSA key and AES data keys: sealed rows, our own tokens, our own URLs.

The RSA key comes from the operator and never touches the database; the data keys lie in the
database, each wrapped with it. Losing the RSA key therefore loses every sealed value.

A sealed value is: 1 byte format, 4 bytes version of the data key (big-endian), 12 bytes nonce,
then AES-256-GCM ciphertext with its 16-byte tag.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc import jwt
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry

from gantry.ports.vault import InvalidToken, SignedToken, Unreadable

CLOCK_SKEW = 5  # seconds: what NTP leaves between two hosts in bad weather, and no more

_FORMAT = b"\x01"
_VERSION_BYTES = 4
_NONCE_BYTES = 12  # the size GCM is defined for; random nonces are safe to 2**32 seals per key
_TAG_BYTES = 16
_HEAD = len(_FORMAT) + _VERSION_BYTES + _NONCE_BYTES
_DATA_KEY_BYTES = 32  # AES-256
_MAX_VERSION = 2 ** (8 * _VERSION_BYTES) - 1

_MIN_BITS = 2048  # NIST SP 800-131A: the least that is still allowed
_MAX_BITS = 8192  # beyond this a signature costs a tenth of a second and protects nothing more
# 128-bit strength (NIST SP 800-57), good past 2030; 4096 bits would more than double the price
# of each signature, and every run and session needs one.
_NEW_KEY_BITS = 3072

_OAEP = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)
_TOKEN_HEADER = {"alg", "kid", "typ"}

# What joserfc 1.8 raises for tokens that are not even odd JSON: found by feeding it such tokens.
MALFORMED = (JoseError, ValueError, TypeError, RecursionError)


def utc_now() -> datetime:
    """The present, for whoever was given no other clock."""
    return datetime.now(UTC)


class RsaVault:
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
        if current not in data_keys:
            raise ValueError(f"There is no data key of the current version {current}.")
        for version, data_key in data_keys.items():
            if not 0 <= version <= _MAX_VERSION or len(data_key) != _DATA_KEY_BYTES:
                raise ValueError(f"Data key {version} is not 32 bytes, or its version not 32 bits.")
        self._current = current
        self._ciphers = {version: AESGCM(key) for version, key in data_keys.items()}
        self._url_keys = {version: _url_key(key) for version, key in data_keys.items()}
        self._key = RSAKey.import_key(private_key)
        self._kid = self._key.thumbprint()  # RFC 7638
        self._tokens = token_rules("RS256")
        self._clock = clock

    def seal(self, plain: bytes, *, identity: str) -> bytes:
        """See the port. Sealing the same bytes twice gives two different answers."""
        nonce = os.urandom(_NONCE_BYTES)
        version = self._current.to_bytes(_VERSION_BYTES, "big")
        sealed = self._ciphers[self._current].encrypt(nonce, plain, _bound_to(identity, version))
        return _FORMAT + version + nonce + sealed

    def open(self, sealed: bytes, *, identity: str) -> bytes:
        """See the port. Which of key, identity and bytes is wrong cannot always be told."""
        if len(sealed) < _HEAD + _TAG_BYTES or sealed[:1] != _FORMAT:
            raise Unreadable("A stored secret is cut short or of an unknown format.")
        version = sealed[1 : 1 + _VERSION_BYTES]
        cipher = self._ciphers.get(int.from_bytes(version, "big"))
        if cipher is None:
            raise Unreadable("A stored secret was sealed with a key that is not here any more.")
        nonce = sealed[1 + _VERSION_BYTES : _HEAD]
        try:
            return cipher.decrypt(nonce, sealed[_HEAD:], _bound_to(identity, version))
        except InvalidTag:
            raise Unreadable(
                "A stored secret cannot be opened: it was changed, moved, or its key was."
            ) from None

    def sign(self, claims: Mapping[str, Any]) -> str:
        """See the port. `exp` is a NumericDate or an aware datetime.

        A token without `purpose` (as other systems want them) is never accepted by `verify`.
        Raises ValueError when `exp` or `aud` is missing: nothing we sign lasts for ever or is
        meant for everybody. So it does for a purpose whose `aud` is not a list of one, which
        `verify` would never accept.
        """
        audience = claims.get("aud")
        if not claims.get("exp") or not audience:
            raise ValueError("A token needs both `exp` and `aud`.")
        if "purpose" in claims and not (isinstance(audience, list) and len(audience) == 1):
            raise ValueError("The `aud` of a token with a purpose is a list of one audience.")
        header = {"alg": "RS256", "kid": self._kid}
        # joserfc turns datetimes into numbers in place: hand it a copy.
        return jwt.encode(header, dict(claims), self._key, registry=self._tokens)

    def verify(self, token: str, *, audience: str, purpose: str) -> SignedToken:
        """See the port. Asks for `exp`, a `sub`, and an `aud` list of exactly this audience;
        allows five seconds between the clocks.
        """
        return check_token(
            token,
            self._key,
            self._tokens,
            kid=self._kid,
            audience=audience,
            purpose=purpose,
            now=self._clock(),
        )

    def sign_url(self, text: str) -> str:
        """See the port. HMAC-SHA256 with a key derived from the current data key."""
        return _url_digest(self._url_keys[self._current], text)

    def check_url(self, text: str, signature: str) -> bool:
        """See the port. Takes the same time whatever the signature is."""
        given = signature.encode(errors="replace")
        matches = [
            hmac.compare_digest(_url_digest(key, text).encode(), given)
            for key in self._url_keys.values()
        ]
        return any(matches)

    def jwks(self) -> Mapping[str, Any]:
        """See the port. Holds the public half of the one key that `sign` uses."""
        public = self._key.as_dict(private=False)
        key = {"kty": "RSA", "n": public["n"], "e": public["e"]}
        return {"keys": [{**key, "kid": self._kid, "use": "sig", "alg": "RS256"}]}


def token_rules(*algorithms: str) -> JWSRegistry:
    """Which signatures are looked at: only these algorithms, by keys of up to 8192 bits."""
    rules = JWSRegistry(algorithms=algorithms)
    rules.max_signature_length = 1366  # 8192 bits in base64; joserfc stops at 6144 bits
    return rules


def check_token(
    token: str,
    key: RSAKey,
    rules: JWSRegistry,
    *,
    audience: str,
    purpose: str,
    now: datetime,
    kid: str | None = None,
) -> SignedToken:
    """What a JWT says, once it is known to be signed by `key` for this audience and purpose.

    With `kid` the header must name it. `exp` is needed; `exp`, `nbf` and `iat` may be five
    seconds off. Raises InvalidToken; says "expired" only of a token that is otherwise right.
    """
    try:
        decoded = jwt.decode(token, key, registry=rules)
    except MALFORMED:
        raise InvalidToken from None
    # Extensions (`crit`, `b64`, `jku` …) change what a signature covers; we never send one.
    if not _TOKEN_HEADER.issuperset(decoded.header):
        raise InvalidToken
    if kid is not None and decoded.header.get("kid") != kid:
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


def new_data_key() -> bytes:
    """A fresh data key: 32 random bytes. Wrap it before it is stored."""
    return os.urandom(_DATA_KEY_BYTES)


def wrap(private_key: RSAPrivateKey, data_key: bytes) -> bytes:
    """A data key as it may be stored: RSA-OAEP with SHA-256, readable with the private key."""
    return private_key.public_key().encrypt(data_key, _OAEP)


def unwrap(private_key: RSAPrivateKey, wrapped: bytes) -> bytes:
    """What `wrap` was given. Raises Unreadable when it was another key, or the bytes changed."""
    try:
        return private_key.decrypt(wrapped, _OAEP)
    except ValueError:
        raise Unreadable(
            "The stored data keys do not belong to this ENCRYPTION_RSA_PRIVATE_KEY."
        ) from None


def _bound_to(identity: str, version: bytes) -> bytes:
    # The version has a fixed length, so no two pairs of identity and version read the same.
    return b"gantry:" + identity.encode() + version


def _url_key(data_key: bytes) -> bytes:
    return HKDF(
        algorithm=hashes.SHA256(), length=_DATA_KEY_BYTES, salt=None, info=b"gantry url"
    ).derive(data_key)


def _url_digest(key: bytes, text: str) -> str:
    # A request's path may hold lone surrogates: no signed text does, but asking must not fail.
    return hmac.new(key, text.encode(errors="surrogatepass"), "sha256").hexdigest()


def _same(claim: Any, wanted: str) -> bool:
    if not isinstance(claim, str):
        return False
    return hmac.compare_digest(
        claim.encode(errors="surrogatepass"), wanted.encode(errors="surrogatepass")
    )
