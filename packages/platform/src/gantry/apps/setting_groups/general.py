"""Settings of the processes themselves: addresses, database, jobs, and the way in for admins."""

from __future__ import annotations

import os
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode

from gantry.apps import settings_rules as rules


class GeneralSettings(BaseSettings):
    """Where the processes listen, what they stand on, and how much they do at a time."""

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
    shutdown_delay: float = Field(
        default=5.0,
        ge=0,
        le=300,
        validation_alias="GANTRY_SHUTDOWN_DELAY_SECONDS",
        description="Seconds a server that was told to end still serves, while /readiness says no.",
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
    observability_vendor: Literal["OpenTelemetry", "Disabled", "Datadog", "AWS"] | None = Field(
        default=None,
        validation_alias="OBSERVABILITY_VENDOR",
        description=(
            "Who gets traces: `OpenTelemetry` or `Disabled`."
            " Default: OpenTelemetry, if a collector is named."
        ),
    )
    otlp_endpoint: str | None = Field(
        default=None,
        validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT",
        description="A collector for traces, by OTLP over HTTP, e.g. http://collector:4318.",
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

    _lists = field_validator("trusted_proxies", mode="before")(rules.comma_list)
    _domain = field_validator("server_domain")(rules.check_domain)
    _collector = field_validator("otlp_endpoint")(rules.if_set(rules.check_base))

    @field_validator("database_url", "database_read_only_url")
    @classmethod
    def _postgres(cls, value: SecretStr | None) -> SecretStr | None:
        return value and SecretStr(rules.check_database(value.get_secret_value()))

    @field_validator("data_dir")
    @classmethod
    def _path(cls, value: Path) -> Path:
        return value.expanduser()

    @model_validator(mode="after")
    def _admin_is_complete(self) -> GeneralSettings:
        if bool(self.admin_username) != bool(self.admin_password):
            raise ValueError("ADMIN_USERNAME and ADMIN_PASSWORD are set together, or neither")
        return self


def default_data_dir() -> Path:
    """`gantry` in the user's data directory (XDG base directory specification)."""
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "gantry"
