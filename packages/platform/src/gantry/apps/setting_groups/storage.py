"""Settings of object storage."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings

from gantry.apps import settings_rules as rules
from gantry.ports.objects import Bucket


class StorageType(StrEnum):
    """Where objects live."""

    LOCAL = "local"
    AWS = "aws"
    MINIO = "minio"
    GCP = "gcp"
    AZURE = "azure"


def _bucket(name: Bucket) -> Any:
    variable = f"OBJECT_STORAGE_BUCKET_{name.name}"
    return Field(
        default=None,
        validation_alias=variable,
        description=f"Bucket for {name.value.replace('-', ' ')}. Required unless storage is local.",
    )


class StorageSettings(BaseSettings):
    """Where objects live, and what each bucket is called."""

    # -- object storage
    object_storage_type: StorageType = Field(
        default=StorageType.LOCAL,
        validation_alias="OBJECT_STORAGE_TYPE",
        description="`local` (files below GANTRY_DATA_DIR, one machine), `aws`, `minio`, `gcp`"
        " or `azure`.",
    )
    aws_region: str | None = Field(
        default=None,
        validation_alias="AWS_REGION",
        description="Region of the buckets (aws) and keys (kms).",
    )
    aws_default_region: str | None = Field(
        default=None,
        validation_alias="AWS_DEFAULT_REGION",
        description="The same, where AWS_REGION is not set.",
    )
    aws_endpoint: str | None = Field(
        default=None,
        validation_alias="AWS_ENDPOINT_URL_S3",
        description="Another S3 endpoint (aws), for tests and compatible stores.",
    )
    minio_endpoint: str | None = Field(
        default=None,
        validation_alias="OBJECT_STORAGE_MINIO_ENDPOINT",
        description="host:port (minio).",
    )
    minio_access_key_id: str | None = Field(
        default=None,
        validation_alias="OBJECT_STORAGE_MINIO_ACCESS_KEY_ID",
        description="Access key (minio).",
    )
    minio_secret_access_key: SecretStr | None = Field(
        default=None,
        validation_alias="OBJECT_STORAGE_MINIO_SECRET_ACCESS_KEY",
        description="Secret key (minio).",
    )
    minio_use_ssl: bool = Field(
        default=False,
        validation_alias="OBJECT_STORAGE_MINIO_USE_SSL",
        description="Speak TLS (minio).",
    )
    minio_allow_insecure: bool = Field(
        default=False,
        validation_alias="OBJECT_STORAGE_MINIO_ALLOW_INSECURE",
        description="Accept a self-signed certificate (minio).",
    )
    gcp_credentials: Path | None = Field(
        default=None,
        validation_alias="GOOGLE_APPLICATION_CREDENTIALS",
        description="Key file of a service account (gcp). Default: the identity of the machine.",
    )
    gcp_endpoint: str | None = Field(
        default=None,
        validation_alias="STORAGE_EMULATOR_HOST",
        description="Another endpoint (gcp), for tests.",
    )
    azure_account_url: str | None = Field(
        default=None,
        validation_alias="OBJECT_STORAGE_AZURE_ACCOUNT_URL",
        description="https://<account>.blob.core.windows.net (azure).",
    )
    azure_account_key: SecretStr | None = Field(
        default=None,
        validation_alias="AZURE_STORAGE_ACCOUNT_KEY",
        description="Key of the account (azure). Default: a client's secret, the workload's"
        " identity, or the machine's.",
    )
    bucket_deliveries: str | None = _bucket(Bucket.DELIVERIES)
    bucket_large_queue_messages: str | None = _bucket(Bucket.LARGE_QUEUE_MESSAGES)
    bucket_metadata: str | None = _bucket(Bucket.METADATA)
    bucket_modules: str | None = _bucket(Bucket.MODULES)
    bucket_policy_inputs: str | None = _bucket(Bucket.POLICY_INPUTS)
    bucket_run_logs: str | None = _bucket(Bucket.RUN_LOGS)
    bucket_states: str | None = _bucket(Bucket.STATES)
    bucket_uploads: str | None = _bucket(Bucket.UPLOADS)
    bucket_user_uploaded_workspaces: str | None = _bucket(Bucket.USER_UPLOADED_WORKSPACES)
    bucket_workspace: str | None = _bucket(Bucket.WORKSPACE)
    bucket_uploads_url: str | None = Field(
        default=None,
        validation_alias="OBJECT_STORAGE_BUCKET_UPLOADS_URL",
        description="Origin of the uploads bucket, for the Content-Security-Policy.",
    )

    _place = field_validator("minio_endpoint")(rules.if_set(rules.check_host_and_port))
    # Names of validators are shared by all groups.
    _stores = field_validator("gcp_endpoint", "azure_account_url")(rules.if_set(rules.check_base))

    @field_validator("gcp_credentials")
    @classmethod
    def _gcp_file(cls, value: Path | None) -> Path | None:
        return value and value.expanduser()

    @field_validator("azure_account_url")
    @classmethod
    def _azure_account(cls, value: str | None) -> str | None:
        if value is not None:
            rules.azure_account(value)
        return value

    @model_validator(mode="after")
    def _storage_is_complete(self) -> StorageSettings:
        if self.object_storage_type is StorageType.AWS and not (self.region or self.aws_endpoint):
            raise ValueError("AWS_REGION is required when OBJECT_STORAGE_TYPE is aws")
        if self.object_storage_type is StorageType.AZURE:
            if not self.azure_account_url:
                raise ValueError(
                    "OBJECT_STORAGE_AZURE_ACCOUNT_URL is required when OBJECT_STORAGE_TYPE is azure"
                )
            # Here and not by itself: where storage is elsewhere, the variable is somebody else's.
            if key := self.azure_account_key:
                rules.check_base64("AZURE_STORAGE_ACCOUNT_KEY", key.get_secret_value())
        if self.object_storage_type is StorageType.MINIO:
            for variable, value in (
                ("OBJECT_STORAGE_MINIO_ENDPOINT", self.minio_endpoint),
                ("OBJECT_STORAGE_MINIO_ACCESS_KEY_ID", self.minio_access_key_id),
                ("OBJECT_STORAGE_MINIO_SECRET_ACCESS_KEY", self.minio_secret_access_key),
            ):
                if not value:
                    raise ValueError(f"{variable} is required when OBJECT_STORAGE_TYPE is minio")
        return self

    @property
    def region(self) -> str | None:
        """The region of the buckets."""
        return self.aws_region or self.aws_default_region

    def bucket(self, bucket: Bucket) -> str | None:
        """The configured name of a bucket."""
        value: str | None = getattr(self, f"bucket_{bucket.name.lower()}")
        return value
