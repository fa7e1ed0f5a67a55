"""Every setting, read once from the environment in apps/ and handed on as values.

Names, meanings and defaults are the deployment contract's; defaults differ only where they
would require AWS. docs/reference/settings.md is generated from this class.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from gantry.apps import settings_rules as rules
from gantry.apps.setting_groups.broker import BrokerSettings
from gantry.apps.setting_groups.encryption import EncryptionSettings
from gantry.apps.setting_groups.sources import SourceSettings
from gantry.apps.setting_groups.storage import StorageSettings, StorageType
from gantry.ports.objects import Bucket


class MisconfiguredError(Exception):
    """The environment does not add up; the message is one line for the operator."""


class Settings(EncryptionSettings, BrokerSettings, StorageSettings, SourceSettings):
    """One installation's settings."""

    model_config = SettingsConfigDict(
        frozen=True,
        # Without this a malformed secret is printed whole in the error.
        hide_input_in_errors=True,
        extra="ignore",
        populate_by_name=True,
    )

    # -- general
    server_domain: str = Field(
        validation_alias="SERVER_DOMAIN",
        description="Public host name of the UI and API, without a scheme; a port may follow.",
        min_length=1,
    )
    server_scheme: Literal["https", "http"] = Field(
        default="https",
        validation_alias="GANTRY_SERVER_SCHEME",
        description="How clients reach SERVER_DOMAIN. `http` only for local use.",
    )
    server_host: str = Field(
        default="0.0.0.0",  # noqa: S104 - a container's only interface
        validation_alias="GANTRY_SERVER_HOST",
        description="Address the HTTP server listens on.",
    )
    trusted_proxies: Annotated[list[IPv4Network | IPv6Network], NoDecode] = Field(
        default_factory=list,
        validation_alias="GANTRY_TRUSTED_PROXIES",
        description="Comma list of addresses or networks whose X-Forwarded-For is believed.",
    )
    server_port: int = Field(
        default=1983,
        ge=1,
        le=65535,
        validation_alias="GANTRY_SERVER_PORT",
        description="Port the HTTP server listens on.",
    )
    database_url: SecretStr = Field(
        validation_alias="DATABASE_URL",
        description="PostgreSQL 14+ address, e.g. postgres://user:password@host:5432/gantry.",
    )
    database_read_only_url: SecretStr | None = Field(
        default=None,
        validation_alias="DATABASE_READ_ONLY_URL",
        description="A read replica, for statistics, which may be a moment old.",
    )
    database_pool_size: int = Field(
        default=10,
        ge=2,
        le=100,
        validation_alias="GANTRY_DATABASE_POOL_SIZE",
        description="Connections a process keeps open; as many again may be opened under load.",
    )
    data_dir: Path = Field(
        default_factory=lambda: default_data_dir(),
        validation_alias="GANTRY_DATA_DIR",
        description="Local files: scratch space, and everything that embedded mode keeps.",
    )
    webhooks_endpoint: str | None = Field(
        default=None,
        validation_alias="WEBHOOKS_ENDPOINT",
        description="Base of displayed webhook addresses. Default: https://<SERVER_DOMAIN>/webhooks.",
    )
    environment: str | None = Field(
        default=None, validation_alias="ENVIRONMENT", description="A word for logs, e.g. `prod`."
    )
    instrumentation: bool = Field(
        default=False,
        validation_alias="ENABLE_INSTRUMENTATION_ENDPOINTS",
        description="Answer probes and Prometheus on a port of their own, in all three processes.",
    )
    instrumentation_port: int = Field(
        default=8080,
        ge=1,
        le=65535,
        validation_alias="GANTRY_INSTRUMENTATION_PORT",
        description="That port.",
    )
    message_processing_timeout: int = Field(
        default=900,
        ge=1,
        validation_alias="MESSAGE_PROCESSING_TIMEOUT_SECONDS",
        description="Seconds the drain may spend on one job before it is put back.",
    )
    message_queue_type: Literal["postgres"] = Field(
        default="postgres",
        validation_alias="MESSAGE_QUEUE_TYPE",
        description="Where jobs wait. Gantry keeps them in its database.",
    )
    drain_concurrency: int = Field(
        default=10,
        ge=1,
        le=200,
        validation_alias="DRAIN_CONCURRENCY_ASYNC_JOBS",
        description="Jobs one drain works on at a time.",
    )
    drain_concurrency_cronjobs: int = Field(
        default=3,
        ge=1,
        le=50,
        validation_alias="DRAIN_CONCURRENCY_CRONJOBS",
        description="Periodic jobs one drain works on at a time, apart from the others.",
    )

    # -- sign-in
    admin_username: str | None = Field(
        default=None,
        validation_alias="ADMIN_USERNAME",
        description="With ADMIN_PASSWORD: sign-in at /admin-login for set-up and emergencies.",
    )
    admin_password: SecretStr | None = Field(
        default=None, validation_alias="ADMIN_PASSWORD", description="See ADMIN_USERNAME."
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
    session_hours: int = Field(
        default=10,
        ge=1,
        validation_alias="GANTRY_SESSION_HOURS",
        description="Hours a sign-in lasts.",
    )
    terraform_versions: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        validation_alias="GANTRY_TERRAFORM_VERSIONS",
        description="Comma list of Terraform versions to offer. Empty: any version is accepted.",
    )
    opentofu_versions: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        validation_alias="GANTRY_OPENTOFU_VERSIONS",
        description="Comma list of OpenTofu versions to offer. Empty: any version is accepted.",
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

    _lists = field_validator(
        "terraform_versions", "opentofu_versions", "trusted_proxies", mode="before"
    )(rules.comma_list)
    _domain = field_validator("server_domain")(rules.check_domain)

    @field_validator("database_url", "database_read_only_url")
    @classmethod
    def _postgres(cls, value: SecretStr | None) -> SecretStr | None:
        return value and SecretStr(rules.check_database(value.get_secret_value()))

    @field_validator("data_dir")
    @classmethod
    def _path(cls, value: Path) -> Path:
        return value.expanduser()

    @model_validator(mode="after")
    def _belong_together(self) -> Settings:
        if self.server_port == self.mqtt_broker_port:
            raise ValueError("GANTRY_MQTT_BROKER_PORT must differ from the HTTP port")
        if bool(self.admin_username) != bool(self.admin_password):
            raise ValueError("ADMIN_USERNAME and ADMIN_PASSWORD are set together, or neither")
        return self

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


def default_data_dir() -> Path:
    """`gantry` in the user's data directory (XDG base directory specification)."""
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "gantry"


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
            " Set it to aws or minio, or to local for files below GANTRY_DATA_DIR."
        )
    known = {_variable(name): name for name in Settings.model_fields}
    given = {variable: source[variable] for variable in known if source.get(variable)}
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
