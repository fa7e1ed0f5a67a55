"""Settings of the key that protects secrets and signs tokens."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

from gantry.apps import settings_rules as rules


class EncryptionType(StrEnum):
    """Which key protects secrets. `kms` is not offered yet."""

    RSA = "rsa"


class EncryptionSettings(BaseSettings):
    """Which key, and who vouches with it for runs."""

    # -- encryption
    encryption_type: EncryptionType = Field(
        default=EncryptionType.RSA,
        validation_alias="ENCRYPTION_TYPE",
        description="Which key protects secrets and signs tokens.",
    )
    encryption_rsa_private_key: SecretStr = Field(
        validation_alias="ENCRYPTION_RSA_PRIVATE_KEY",
        description="Base64 of an unencrypted PEM RSA key. Losing it loses every secret.",
    )
    federation_issuer: str | None = Field(
        default=None,
        validation_alias="FEDERATION_CUSTOM_ISSUER",
        description="Issuer of the tokens that runs present to clouds. Default: this installation.",
    )
    federation_jwks_uri: str | None = Field(
        default=None,
        validation_alias="FEDERATION_CUSTOM_JWKS_URI",
        description="Where that issuer's keys are. Default: below the issuer.",
    )

    _bases = field_validator("federation_issuer", "federation_jwks_uri")(
        rules.if_set(rules.check_base)
    )
