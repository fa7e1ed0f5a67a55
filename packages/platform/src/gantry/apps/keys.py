"""The key that protects everything, as the settings say: of RSA, or in AWS KMS."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from gantry.apps.setting_groups.encryption import EncryptionType
from gantry.apps.settings import MisconfiguredError, Settings
from gantry.domains.accounts import repo as accounts_repo
from gantry.domains.accounts import service as accounts
from gantry.domains.audit import repo as audit
from gantry.domains.audit.service import AHEAD
from gantry.domains.roles import repo as roles
from gantry.domains.spaces import repo as spaces
from gantry.infra.data_keys import new_data_key
from gantry.infra.db import Database
from gantry.infra.kms import Kms, KmsVault, connect_kms
from gantry.infra.tls import Trust
from gantry.infra.vault import RsaVault, load_private_key, unwrap, wrap
from gantry.kernel.tx import SYSTEM
from gantry.ports.vault import KeyServiceDown, Vault

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


class Keyring(Protocol):
    """Wraps data keys, and makes the vault of those that it has unwrapped."""

    async def wrap(self, data_key: bytes) -> bytes:
        """As it may be stored. Raises MisconfiguredError."""
        ...

    async def unwrap(self, wrapped: bytes) -> bytes:
        """What `wrap` was given. Raises Unreadable, MisconfiguredError."""
        ...

    def vault(self, data_keys: Mapping[int, bytes], current: int) -> Vault:
        """The vault on these keys."""
        ...


async def keyring(settings: Settings, trust: Trust) -> Keyring:
    """The key that is configured, tried as far as that is possible without a data key.

    Raises MisconfiguredError.
    """
    if settings.encryption_type is EncryptionType.KMS:
        return await _kms(settings, trust)
    key = settings.encryption_rsa_private_key
    try:
        return _RsaKeyring(load_private_key(key.get_secret_value() if key else ""))
    except ValueError as error:
        raise MisconfiguredError(f"ENCRYPTION_RSA_PRIVATE_KEY is not usable: {error}") from None


async def open_vault(db: Database, ring: Keyring) -> Vault:
    """The installation's vault; its first data key is made if there is none.

    Wraps and unwraps between transactions: that may ask another service.
    Raises Unreadable, MisconfiguredError.
    """
    async with db.read(SYSTEM) as tx:
        keys = await accounts_repo.data_keys(tx)
    first = None if keys else await ring.wrap(new_data_key())
    async with db.write(SYSTEM) as tx:
        await spaces.make_root(tx)
        await roles.put_system_roles(tx)
        await audit.make_months(tx, tx.now + AHEAD)
        if first is not None:
            keys = await accounts.first_data_key(tx, first)
        wrapped = {key.version: key.wrapped for key in keys}
        current = next(key.version for key in keys if key.current)
    unwrapped = {version: await ring.unwrap(key) for version, key in wrapped.items()}
    return ring.vault(unwrapped, current)


class _RsaKeyring:
    def __init__(self, key: RSAPrivateKey) -> None:
        self._key = key

    async def wrap(self, data_key: bytes) -> bytes:
        return wrap(self._key, data_key)

    async def unwrap(self, wrapped: bytes) -> bytes:
        return unwrap(self._key, wrapped)

    def vault(self, data_keys: Mapping[int, bytes], current: int) -> RsaVault:
        return RsaVault(self._key, data_keys, current)


class _KmsKeyring:
    def __init__(self, kms: Kms, public_key: RSAPublicKey) -> None:
        self._kms = kms
        self._public_key = public_key

    async def wrap(self, data_key: bytes) -> bytes:
        try:
            return await self._kms.wrap(data_key)
        except KeyServiceDown as error:
            raise _unusable("ENCRYPTION_KMS_ENCRYPTION_KEY_ID", error) from None

    async def unwrap(self, wrapped: bytes) -> bytes:
        try:
            return await self._kms.unwrap(wrapped)
        except KeyServiceDown as error:
            raise _unusable("ENCRYPTION_KMS_ENCRYPTION_KEY_ID", error) from None

    def vault(self, data_keys: Mapping[int, bytes], current: int) -> KmsVault:
        return KmsVault(self._kms, self._public_key, data_keys, current)


async def _kms(settings: Settings, trust: Trust) -> _KmsKeyring:
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
    )
    try:
        return _KmsKeyring(kms, await kms.public_key())
    except KeyServiceDown as error:
        raise _unusable("ENCRYPTION_KMS_SIGNING_KEY_ID", error) from None
    except ValueError as error:
        raise MisconfiguredError(f"ENCRYPTION_KMS_SIGNING_KEY_ID is not usable: {error}.") from None


def _unusable(variable: str, error: KeyServiceDown) -> MisconfiguredError:
    word, _, rest = (error.detail or "").partition(": ")
    meaning = _REMEDIES.get(word, "Look at the key, the credentials and the way to KMS")
    return MisconfiguredError(f"{variable} is not usable: {rest} ({word}). {meaning}.")
