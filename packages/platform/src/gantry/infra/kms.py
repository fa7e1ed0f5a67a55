"""The vault on two keys in AWS KMS: one wraps the data keys, one signs what clouds are to believe.

Neither key leaves KMS. A data key is unwrapped once per process, when it starts; what it seals
costs no call. Tokens of our own are signed with a key derived from the data key and cost none
either; a token for other systems costs one (decision 20).
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key
from joserfc import jwt
from joserfc.jwk import RSAKey

from gantry.infra.aws import aws_client
from gantry.infra.data_keys import DataKeys
from gantry.infra.tokens import check_claims, check_vouched, published, token_rules, utc_now
from gantry.infra.trusted_keys import BY_RSA, BY_SECRET, TrustedKeys
from gantry.infra.vault import BY_KMS
from gantry.ports.vault import KeptKey, KeyServiceDown, Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

_CONNECT_TIMEOUT = 3  # seconds: KMS is in the region, or out of reach
_READ_TIMEOUT = 5  # seconds; an answer takes some ten milliseconds
_TRIES = 3  # within a request of a worker, which waits for 30 seconds

_ALGORITHM = "RSASSA_PKCS1_V1_5_SHA_256"  # RS256 (RFC 7518, section 3.3)
_MESSAGE_MAX = 4096  # bytes that KMS hashes itself; claims of ours take a fifth of it
_CONTEXT = {"gantry": "data key"}
"""Bound to each wrapped key, and named in AWS' log of who used the key for what."""

# What KMS says of a ciphertext that is not this key's.
_NOT_ITS = {"InvalidCiphertextException", "IncorrectKeyException"}


class Kms:
    """The two keys. Every method is one call. Raises KeyServiceDown, whose detail begins with KMS'
    own word for what is wrong; `failed` is told of it.
    """

    def __init__(
        self,
        client: Any,
        *,
        encryption_key: str,
        signing_key: str,
        failed: Callable[[], None] = lambda: None,
    ) -> None:
        self._client, self._failed = client, failed
        self._encryption_key = encryption_key
        self._signing_key = signing_key

    async def wrap(self, data_key: bytes) -> bytes:
        """A data key as it may be stored."""
        answer = await self._call(
            "encrypt",
            KeyId=self._encryption_key,
            Plaintext=data_key,
            EncryptionContext=_CONTEXT,
        )
        return BY_KMS + bytes(answer["CiphertextBlob"])

    async def unwrap(self, wrapped: bytes) -> bytes:
        """What `wrap` was given. Raises Unreadable when it was another key's."""
        if not wrapped.startswith(BY_KMS):
            raise Unreadable(
                "The stored data keys belong to an RSA key: ENCRYPTION_TYPE has to be rsa, or"
                " ENCRYPTION_RSA_PRIVATE_KEY be set beside the keys in KMS."
            )
        try:
            answer = await self._call(
                "decrypt",
                # Named, so that KMS refuses what another key wrapped.
                KeyId=self._encryption_key,
                CiphertextBlob=wrapped.removeprefix(BY_KMS),
                EncryptionContext=_CONTEXT,
            )
        except KeyServiceDown as refused:
            if refused.detail.partition(":")[0] in _NOT_ITS:
                raise Unreadable(
                    "The stored data keys do not belong to this ENCRYPTION_KMS_ENCRYPTION_KEY_ID."
                ) from None
            raise
        return bytes(answer["Plaintext"])

    async def public_key(self) -> RSAPublicKey:
        """The public half of the signing key. Raises ValueError if it cannot sign for us."""
        answer = await self._call("get_public_key", KeyId=self._signing_key)
        if _ALGORITHM not in answer.get("SigningAlgorithms", ()):
            raise ValueError("it is not an RSA key for SIGN_VERIFY")
        key = load_der_public_key(bytes(answer["PublicKey"]))
        if not isinstance(key, RSAPublicKey):
            raise ValueError("it is not an RSA key")
        return key

    async def sign(self, message: bytes) -> bytes:
        """A signature by RS256."""
        if len(message) > _MESSAGE_MAX:
            raise ValueError(f"KMS signs at most {_MESSAGE_MAX} bytes, not {len(message)}.")
        answer = await self._call(
            "sign",
            KeyId=self._signing_key,
            Message=message,
            MessageType="RAW",
            SigningAlgorithm=_ALGORITHM,
        )
        return bytes(answer["Signature"])

    async def _call(self, method: str, **arguments: Any) -> Mapping[str, Any]:
        # botocore blocks, so it works in a thread; its clients may be shared by threads.
        def call() -> Mapping[str, Any]:
            with _explained():
                answer: Mapping[str, Any] = getattr(self._client, method)(**arguments)
                return answer

        try:
            return await asyncio.to_thread(call)
        except KeyServiceDown:
            self._failed()
            raise


class KmsVault(DataKeys):
    """Seals with data keys that KMS wrapped; KMS signs for other systems.

    Tokens of our own are HS256 by a key derived from the data key, and stay valid over a restart
    and a change of the current data key.
    """

    def __init__(
        self,
        kms: Kms,
        public_key: RSAPublicKey,
        data_keys: Mapping[int, bytes],
        current: int,
        *,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._kms = kms
        self._public = RSAKey.import_key(public_key)
        self._tokens = token_rules(BY_SECRET)
        super().__init__(
            data_keys, current, TrustedKeys(others=[self._public], with_secrets=True), clock=clock
        )

    def sign(self, claims: Mapping[str, Any]) -> str:
        """See the port. Raises ValueError for claims that `verify` would never accept."""
        check_claims(claims)
        if "purpose" not in claims:
            raise ValueError("A token of our own has a purpose; for other systems there is vouch.")
        kid, key = self._own
        header = {"alg": BY_SECRET, "kid": kid}
        # joserfc turns datetimes into numbers in place: hand it a copy.
        return jwt.encode(header, dict(claims), key, registry=self._tokens)

    async def vouch(self, claims: Mapping[str, Any]) -> str:
        """See the port. `exp` is a NumericDate."""
        check_vouched(claims)
        header = {"alg": BY_RSA, "kid": self._public.thumbprint(), "typ": "JWT"}
        text = b".".join(_encoded(json.dumps(part).encode()) for part in (header, dict(claims)))
        return (text + b"." + _encoded(await self._kms.sign(text))).decode()

    def signers(self) -> list[KeptKey]:
        """See the port. What KMS signs with, its public half, and what we sign with ourselves."""
        public = json.dumps(published(self._public)).encode()
        kid, own = self._own
        secret = json.dumps(own.as_dict(private=True)).encode()
        now = self._clock()
        return [
            KeptKey(self._public.thumbprint(), BY_RSA, False, public, now),
            KeptKey(kid, BY_SECRET, True, secret, now),
        ]


def connect_kms(
    *,
    encryption_key: str,
    signing_key: str,
    region: str,
    endpoint: str | None,
    bundle: str | None = None,
    failed: Callable[[], None] = lambda: None,
) -> Kms:
    """The two keys, as AWS' own chain of credentials allows. Nothing is connected yet. Blocking.

    `bundle` (PEM) holds all authorities to believe, where the system's are not enough; `failed` is
    told of each call that fails.
    """
    client = aws_client(
        "kms",
        region=region,
        endpoint=endpoint,
        timeouts=(_CONNECT_TIMEOUT, _READ_TIMEOUT),
        config={"retries": {"mode": "standard", "total_max_attempts": _TRIES}},
        bundle=bundle,
    )
    return Kms(client, encryption_key=encryption_key, signing_key=signing_key, failed=failed)


@contextmanager
def _explained() -> Iterator[None]:
    """Turn botocore's errors into the port's; `from None`, as they may quote the request."""
    from botocore.exceptions import BotoCoreError, ClientError  # see aws_client

    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "ClientError")
        raise KeyServiceDown(f"{code}: AWS KMS refuses") from None
    except BotoCoreError as error:
        raise KeyServiceDown(f"{type(error).__name__}: AWS KMS cannot be asked") from None


def _encoded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
