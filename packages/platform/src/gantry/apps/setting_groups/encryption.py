"""Settings of the key that protects secrets and signs tokens."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings

from gantry.apps import settings_rules as rules

RSA_KEY = "Base64 of an unencrypted PEM RSA key. Losing it loses every secret."


class EncryptionType(StrEnum):
    """Which key protects secrets."""

    RSA = "rsa"
    KMS = "kms"


class EncryptionSettings(BaseSettings):
    """Which key, and who vouches with it for runs."""

    # -- encryption
    encryption_type: EncryptionType = Field(
        default=EncryptionType.RSA,
        validation_alias="ENCRYPTION_TYPE",
        description="Which key protects secrets and signs tokens: `rsa`, or `kms` for two in AWS."
        " It is changed with `gantry admin rekey`, see docs/rekey.md; until then the settings of"
        " both are needed.",
    )
    encryption_rsa_private_key: SecretStr | None = Field(
        default=None,
        validation_alias="ENCRYPTION_RSA_PRIVATE_KEY",
        description=f"{RSA_KEY} Required for rsa.",
    )
    encryption_kms_encryption_key_id: str | None = Field(
        default=None,
        validation_alias="ENCRYPTION_KMS_ENCRYPTION_KEY_ID",
        description="A symmetric key in KMS, its id, ARN or alias (kms). Losing it loses every"
        " secret.",
    )
    encryption_kms_signing_key_id: str | None = Field(
        default=None,
        validation_alias="ENCRYPTION_KMS_SIGNING_KEY_ID",
        description="An RSA key in KMS for SIGN_VERIFY, which signs the tokens of runs (kms).",
    )
    aws_kms_endpoint: str | None = Field(
        default=None,
        validation_alias="AWS_ENDPOINT_URL_KMS",
        description="Another endpoint of KMS (kms), for tests and private networks.",
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

    _bases = field_validator("federation_issuer", "federation_jwks_uri", "aws_kms_endpoint")(
        rules.if_set(rules.check_base)
    )

    @model_validator(mode="after")
    def _keys_are_named(self) -> EncryptionSettings:
        if self.encryption_type is EncryptionType.RSA:
            if not self.encryption_rsa_private_key:
                raise ValueError(f"ENCRYPTION_RSA_PRIVATE_KEY is not set. {RSA_KEY}")
            return self
        for variable, value in (
            ("ENCRYPTION_KMS_ENCRYPTION_KEY_ID", self.encryption_kms_encryption_key_id),
            ("ENCRYPTION_KMS_SIGNING_KEY_ID", self.encryption_kms_signing_key_id),
        ):
            if not value:
                raise ValueError(f"{variable} is required when ENCRYPTION_TYPE is kms")
        return self
