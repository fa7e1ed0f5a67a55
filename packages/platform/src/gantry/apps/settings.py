"""Every setting, read once from the environment in apps/ and handed on as values.

Names, meanings and defaults are the deployment contract's; defaults differ only where they
would require AWS. docs/reference/settings.md is generated from this class.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Literal

from gantry_protocol.endpoint import parse_endpoint
from gantry_protocol.proxies import VARIABLES
from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from gantry.apps import settings_rules as rules
from gantry.apps.setting_groups.broker import BrokerSettings
from gantry.apps.setting_groups.encryption import EncryptionSettings, EncryptionType
from gantry.apps.setting_groups.general import GeneralSettings, default_data_dir
from gantry.apps.setting_groups.network import NetworkSettings
from gantry.apps.setting_groups.sources import SourceSettings
from gantry.apps.setting_groups.storage import StorageSettings, StorageType
from gantry.ports.objects import Bucket


class MisconfiguredError(Exception):
    """The environment does not add up; the message is one line for the operator."""


# Bases from the last to the first: so pydantic takes the fields in the order of the pages.
class Settings(
    SourceSettings,
    StorageSettings,
    NetworkSettings,
    BrokerSettings,
    EncryptionSettings,
    GeneralSettings,
):
    """One installation's settings."""

    model_config = SettingsConfigDict(
        frozen=True,
        # Without this a malformed secret is printed whole in the error.
        hide_input_in_errors=True,
        extra="ignore",
        populate_by_name=True,
    )

    # -- limits
    lease_seconds: float = Field(
        default=30.0,
        ge=5,
        validation_alias="GANTRY_LEASE_SECONDS",
        description="How long a silent worker keeps its run; it beats every third of this.",
    )
    max_log_bytes: int = Field(
        default=256 * 1024 * 1024,
        validation_alias="GANTRY_MAX_LOG_BYTES",
        description="Bytes of log per phase; what follows is refused and said so in the log.",
    )
    max_state_bytes: int = Field(
        default=256 * 1024 * 1024,
        validation_alias="GANTRY_MAX_STATE_BYTES",
        description="Bytes of one state.",
    )
    max_upload_bytes: int = Field(
        default=1024 * 1024 * 1024,
        validation_alias="GANTRY_MAX_UPLOAD_BYTES",
        description="Bytes of one upload to local object storage.",
    )
    run_log_retention_days: int = Field(
        default=60,
        ge=1,
        validation_alias="GANTRY_RUN_LOG_RETENTION_DAYS",
        description="Days that logs of finished runs are kept.",
    )
    audit_retention_days: int = Field(
        365,
        ge=30,
        le=36_500,
        validation_alias="GANTRY_AUDIT_RETENTION_DAYS",
        description="Days that entries of the audit trail are kept; they go by whole months.",
    )
    session_hours: int = Field(
        default=10,
        ge=1,
        validation_alias="GANTRY_SESSION_HOURS",
        description="Hours a sign-in lasts.",
    )
    terraform_versions: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        validation_alias="GANTRY_TERRAFORM_VERSIONS",
        description="Comma list of Terraform versions to offer. Empty: any version is accepted,"
        " and only a worker finds out whether there is such a one.",
    )
    opentofu_versions: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        validation_alias="GANTRY_OPENTOFU_VERSIONS",
        description="Comma list of OpenTofu versions to offer. Empty: any version is accepted,"
        " and only a worker finds out whether there is such a one.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", validation_alias="GANTRY_LOG_LEVEL", description="What is logged."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        *others: PydanticBaseSettingsSource,
        **named: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `load_settings` hands over, which leaves out variables that are empty."""
        return (init_settings,)

    _lists = field_validator("terraform_versions", "opentofu_versions", mode="before")(
        rules.comma_list
    )

    @model_validator(mode="after")
    def _belong_together(self) -> Settings:
        if self.server_port == self.mqtt_broker_port:
            raise ValueError("GANTRY_MQTT_BROKER_PORT must differ from the HTTP port")
        if self.tls_certificate is not None and self.server_scheme != "https":
            raise ValueError(
                "GANTRY_SERVER_SCHEME must be https, because GANTRY_TLS_CERTIFICATE makes the HTTP"
                " port speak TLS"
            )
        if self.mqtt_tls_certificate is not None:
            if self.mqtt_broker_type != "builtin":
                raise ValueError("GANTRY_MQTT_TLS_CERTIFICATE is for MQTT_BROKER_TYPE=builtin")
            if not parse_endpoint(self.mqtt_broker_endpoint)[2]:
                raise ValueError(
                    "MQTT_BROKER_ENDPOINT must be tls://host:port, because"
                    " GANTRY_MQTT_TLS_CERTIFICATE makes the built-in broker speak TLS"
                )
        if self.encryption_type is EncryptionType.KMS and not self.region:
            raise ValueError("AWS_REGION is required when ENCRYPTION_TYPE is kms")
        if self.observability_vendor == "OpenTelemetry" and self.otlp_endpoint is None:
            raise ValueError(
                "OTEL_EXPORTER_OTLP_ENDPOINT is not set, and OBSERVABILITY_VENDOR=OpenTelemetry"
                " needs it: the address of a collector, such as http://collector:4318"
            )
        return self

    @property
    def traces_to(self) -> str | None:
        """The collector for traces; None when there are to be none."""
        wanted = self.observability_vendor in (None, "OpenTelemetry")
        return self.otlp_endpoint if wanted else None

    @property
    def issuer(self) -> str:
        """Who vouches for runs to clouds."""
        return self.federation_issuer or self.base_url

    @property
    def jwks_url(self) -> str:
        """Where the issuer's keys are."""
        return self.federation_jwks_uri or f"{self.issuer}/.well-known/jwks"

    @property
    def base_url(self) -> str:
        """The account's address: the audience of tokens, without a trailing slash."""
        return f"{self.server_scheme}://{self.server_domain}"


def data_dir_from_environment() -> Path:
    """Where embedded mode keeps everything, before any other setting is known."""
    given = os.environ.get("GANTRY_DATA_DIR")
    return Path(given).expanduser().resolve() if given else default_data_dir()


def environment() -> dict[str, str]:
    """A copy of the process environment; nothing outside this module reads it."""
    return dict(os.environ)


def load_settings(
    values: dict[str, str] | None = None, *, buckets: Collection[Bucket] = tuple(Bucket)
) -> Settings:
    """Read the settings from the environment, or from `values` in its place.

    `buckets` are those that the process uses; unless storage is local, each needs a name.
    Raises MisconfiguredError with one line that names the variable and the remedy.
    """
    source = environment() if values is None else values
    for (variable, value), remedy in rules.NOT_OFFERED.items():
        if source.get(variable) == value:
            raise MisconfiguredError(
                f"{variable} is not usable: {value} is not offered by this release. {remedy}"
            )
    if (stray := rules.storage_without_a_type(source)) is not None:
        raise MisconfiguredError(
            f"OBJECT_STORAGE_TYPE is not set, and {stray} is."
            " Set it to aws, minio, gcp or azure, or to local for files below GANTRY_DATA_DIR."
        )
    if (stray := rules.kms_without_a_type(source)) is not None:
        raise MisconfiguredError(f"ENCRYPTION_TYPE is not set, and {stray} is. Set it to kms.")
    known = {_variable(name): name for name in Settings.model_fields}
    given = {variable: source[variable] for variable in known if source.get(variable)}
    for variable in VARIABLES:  # the only ones that are customary in small letters as well
        if variable not in given and (small := source.get(variable.lower())):
            given[variable] = small
    try:
        settings = Settings.model_validate(given)
    except ValidationError as error:
        raise MisconfiguredError(_one_line(error)) from None
    if settings.object_storage_type is not StorageType.LOCAL:
        _require_names(settings, buckets)
    return settings


def _require_names(settings: Settings, buckets: Collection[Bucket]) -> None:
    for bucket in Bucket:
        name, variable = settings.bucket(bucket), f"OBJECT_STORAGE_BUCKET_{bucket.name}"
        if not name and bucket in buckets:
            raise MisconfiguredError(f"{variable} must name a bucket")
        if name and ("/" in name or any(c.isspace() for c in name)):
            raise MisconfiguredError(f"{variable} must be a bare bucket name")


def _variable(field: str) -> str:
    return str(Settings.model_fields[field].validation_alias)


def _one_line(error: ValidationError) -> str:
    problem = error.errors(include_input=False, include_url=False)[0]
    names = {_variable(name): name for name in Settings.model_fields}
    place = str(problem["loc"][0]) if problem["loc"] else ""
    reason = problem["msg"].removeprefix("Value error, ")
    if not place:
        return reason
    variable = place if place in names else _variable(place)
    about = Settings.model_fields[names.get(variable, place)].description or ""
    if problem["type"] == "missing":
        return f"{variable} is not set. {about}"
    return f"{variable} is not usable: {reason}. {about}"
