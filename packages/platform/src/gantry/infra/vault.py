"""The vault on an RSA key and AES data keys: sealed rows, our own tokens, our own URLs.

The RSA key comes from the operator and never touches the database; the data keys lie in the
database, each wrapped with it. Losing the RSA key therefore loses every sealed value.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from joserfc import jwt
from joserfc.jwk import RSAKey

from gantry.infra.data_keys import DataKeys
from gantry.infra.tokens import check_claims, check_vouched, published, token_rules, utc_now
from gantry.infra.trusted_keys import BY_RSA, TrustedKeys
from gantry.ports.vault import KeptKey, Unreadable

_MIN_BITS = 2048  # NIST SP 800-131A: the least that is still allowed
_MAX_BITS = 8192  # beyond this a signature costs a tenth of a second and protects nothing more
# 128-bit strength (NIST SP 800-57), good past 2030; 4096 bits would more than double the price
# of each signature, and every run and session needs one.
_NEW_KEY_BITS = 3072

BY_KMS = b"aws-kms:"
"""What data keys begin with that KMS wrapped. Of those that RSA did, one in 2**64 would."""

_OAEP = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)


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
        self._key = RSAKey.import_key(private_key)
        self._kid = self._key.thumbprint()  # RFC 7638
        self._tokens = token_rules(BY_RSA)
        super().__init__(data_keys, current, TrustedKeys(own=[self._key]), clock=clock)

    def sign(self, claims: Mapping[str, Any]) -> str:
        """See the port. `exp` is a NumericDate or an aware datetime.

        A token without `purpose` (as other systems want them) is never accepted by `verify`.
        Raises ValueError when `exp` or `aud` is missing: nothing we sign lasts for ever or is
        meant for everybody. So it does for a purpose whose `aud` is not a list of one, which
        `verify` would never accept.
        """
        check_claims(claims)
        header = {"alg": BY_RSA, "kid": self._kid}
        # joserfc turns datetimes into numbers in place: hand it a copy.
        return jwt.encode(header, dict(claims), self._key, registry=self._tokens)

    async def vouch(self, claims: Mapping[str, Any]) -> str:
        """See the port. The same key as for tokens of our own, which `purpose` tells apart."""
        check_vouched(claims)
        return self.sign(claims)

    def signers(self) -> list[KeptKey]:
        """See the port. The one key that signs everything, its public half."""
        public = json.dumps(published(self._key)).encode()
        return [KeptKey(self._kid, BY_RSA, True, public, self._clock())]


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
        raise Unreadable(
            "The stored data keys belong to AWS KMS: ENCRYPTION_TYPE has to be kms, or the keys in"
            " KMS be set beside the RSA key."
        )
    try:
        return private_key.decrypt(wrapped, _OAEP)
    except ValueError:
        raise Unreadable(
            "The stored data keys do not belong to this ENCRYPTION_RSA_PRIVATE_KEY."
        ) from None
