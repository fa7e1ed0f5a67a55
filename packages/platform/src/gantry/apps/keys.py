"""The key that protects everything, as the settings say: of RSA, or in AWS KMS."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from gantry.apps.setting_groups.encryption import EncryptionType
from gantry.apps.settings import MisconfiguredError, Settings
from gantry.infra.kms import Kms, KmsVault, connect_kms
from gantry.infra.tls import Trust
from gantry.infra.vault import BY_KMS, RsaVault, load_private_key, unwrap, wrap
from gantry.ports.vault import Keyring, KeyServiceDown

_REMEDIES: Mapping[str, str] = {
    "AccessDeniedException": "These credentials may not use it, or the data is another key's",
    "DisabledException": "The key is disabled",
    "InvalidKeyUsageException": "The key is not meant for this",
    "KMSInvalidStateException": "The key is not ready for use",
    "NoCredentialsError": "There are no credentials of AWS here",
    "NotFoundException": "There is no such key in this account and region",
    "UnrecognizedClientException": "AWS does not know these credentials",
}
"""What it means, by the word of KMS or of AWS' library."""


KeptVault = RsaVault | KmsVault
"""A vault whose keys may change while it is at work."""


class VaultMaker(Keyring, Protocol):
    """A keyring whose present key also signs."""

    def vault(self, data_keys: Mapping[int, bytes], current: int) -> KeptVault:
        """The vault on these keys."""
        ...


async def keyring(
    settings: Settings, trust: Trust, failed: Callable[[], None] = lambda: None
) -> VaultMaker:
    """The key that is configured, tried as far as that is possible without a data key; and the key
    of the other type, if it is configured as well, for data keys that it has wrapped. `failed` is
    told of each call to the service that keeps a key which that did not answer, or refused.

    Raises MisconfiguredError.
    """
    if settings.encryption_type is EncryptionType.KMS:
        present: RsaKeyring | KmsKeyring = await _kms(settings, trust, failed)
    else:
        present = _rsa(settings)
    return Keyrings(present, partial(_other, settings, trust, failed))


async def _other(
    settings: Settings, trust: Trust, failed: Callable[[], None]
) -> RsaKeyring | KmsKeyring | None:
    """The key of the type that is not the present one; asked for when something needs it."""
    if settings.encryption_type is EncryptionType.KMS:
        return _rsa(settings) if settings.encryption_rsa_private_key else None
    named = settings.encryption_kms_encryption_key_id and settings.encryption_kms_signing_key_id
    return await _kms(settings, trust, failed) if named else None


def _rsa(settings: Settings) -> RsaKeyring:
    key = settings.encryption_rsa_private_key
    try:
        return RsaKeyring(load_private_key(key.get_secret_value() if key else ""))
    except ValueError as error:
        raise MisconfiguredError(f"ENCRYPTION_RSA_PRIVATE_KEY is not usable: {error}") from None


class Keyrings:
    """The present key, and the one that was or will be."""

    def __init__(
        self,
        present: RsaKeyring | KmsKeyring,
        other: Callable[[], Awaitable[RsaKeyring | KmsKeyring | None]],
    ) -> None:
        self._present, self._ask_other = present, other

    async def wrap(self, data_key: bytes) -> bytes:
        return await self._present.wrap(data_key)

    async def unwrap(self, wrapped: bytes) -> bytes:
        if not self.is_present(wrapped) and (other := await self._other()) is not None:
            return await other.unwrap(wrapped)
        return await self._present.unwrap(wrapped)  # which says whose it is, if not its own

    async def _other(self) -> RsaKeyring | KmsKeyring | None:
        try:
            return await self._ask_other()
        except MisconfiguredError as error:
            # A process that is at work does not end by it: what needs the key waits.
            raise KeyServiceDown("the key of the other type", message=str(error)) from None

    def is_present(self, wrapped: bytes) -> bool:
        return self._present.is_present(wrapped)

    def vault(self, data_keys: Mapping[int, bytes], current: int) -> KeptVault:
        return self._present.vault(data_keys, current)


class RsaKeyring:
    """The operator's RSA key alone."""

    def __init__(self, key: RSAPrivateKey) -> None:
        self._key = key

    async def wrap(self, data_key: bytes) -> bytes:
        return wrap(self._key, data_key)

    async def unwrap(self, wrapped: bytes) -> bytes:
        return unwrap(self._key, wrapped)

    def is_present(self, wrapped: bytes) -> bool:
        return not wrapped.startswith(BY_KMS)

    def vault(self, data_keys: Mapping[int, bytes], current: int) -> RsaVault:
        return RsaVault(self._key, data_keys, current)


class KmsKeyring:
    """The two keys in KMS alone."""

    def __init__(self, kms: Kms, public_key: RSAPublicKey) -> None:
        self._kms = kms
        self._public_key = public_key

    async def wrap(self, data_key: bytes) -> bytes:
        try:
            return await self._kms.wrap(data_key)
        except KeyServiceDown as error:
            raise _away(error) from None

    async def unwrap(self, wrapped: bytes) -> bytes:
        try:
            return await self._kms.unwrap(wrapped)
        except KeyServiceDown as error:
            raise _away(error) from None

    def is_present(self, wrapped: bytes) -> bool:
        return wrapped.startswith(BY_KMS)

    def vault(self, data_keys: Mapping[int, bytes], current: int) -> KmsVault:
        return KmsVault(self._kms, self._public_key, data_keys, current)


async def _kms(settings: Settings, trust: Trust, failed: Callable[[], None]) -> KmsKeyring:
    signing, region = settings.encryption_kms_signing_key_id, settings.region
    encryption = settings.encryption_kms_encryption_key_id
    if not (encryption and signing and region):
        raise MisconfiguredError("ENCRYPTION_TYPE is kms, and its keys or AWS_REGION are not set.")
    kms = await asyncio.to_thread(
        connect_kms,
        encryption_key=encryption,
        signing_key=signing,
        region=region,
        endpoint=settings.aws_kms_endpoint,
        bundle=trust.bundle(),
        failed=failed,
    )
    try:
        return KmsKeyring(kms, await kms.public_key())
    except KeyServiceDown as error:
        words = _unusable("ENCRYPTION_KMS_SIGNING_KEY_ID", error)
        raise MisconfiguredError(words) from None
    except ValueError as error:
        raise MisconfiguredError(f"ENCRYPTION_KMS_SIGNING_KEY_ID is not usable: {error}.") from None


def _away(error: KeyServiceDown) -> KeyServiceDown:
    """The same, in words for whoever has the settings."""
    words = _unusable("ENCRYPTION_KMS_ENCRYPTION_KEY_ID", error)
    return KeyServiceDown(error.detail, message=words)


def _unusable(variable: str, error: KeyServiceDown) -> str:
    word, _, rest = (error.detail or "").partition(": ")
    meaning = _REMEDIES.get(word, "Look at the key, the credentials and the way to KMS")
    return f"{variable} is not usable: {rest} ({word}). {meaning}."
