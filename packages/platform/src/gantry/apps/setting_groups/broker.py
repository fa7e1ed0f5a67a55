"""Settings of the broker that wakes workers."""

from __future__ import annotations

from typing import Literal

from gantry_protocol.endpoint import parse_endpoint
from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings

from gantry.apps import settings_rules as rules


class BrokerSettings(BaseSettings):
    """Which broker, and where it is."""

    # -- broker
    mqtt_broker_type: Literal["builtin", "external"] = Field(
        default="builtin",
        validation_alias="MQTT_BROKER_TYPE",
        description="Which broker wakes workers: the server's own, or one that you run.",
    )
    mqtt_broker_endpoint: str = Field(
        validation_alias="MQTT_BROKER_ENDPOINT",
        description="What workers dial, e.g. tls://gantry.example.com:1984.",
    )
    mqtt_broker_host: str = Field(
        default="0.0.0.0",  # noqa: S104 - a container's only interface
        validation_alias="GANTRY_MQTT_BROKER_HOST",
        description="Address the built-in broker listens on.",
    )
    mqtt_broker_port: int = Field(
        default=1984,
        ge=1,
        le=65535,
        validation_alias="GANTRY_MQTT_BROKER_PORT",
        description="Port the built-in broker listens on; never the HTTP port.",
    )
    mqtt_broker_log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="error",
        validation_alias="MQTT_BROKER_BUILTIN_LOG_LEVEL",
        description="Log level of the built-in broker.",
    )
    mqtt_namespace: str = Field(
        default="spacelift",
        pattern=r"^[A-Za-z0-9_-]+$",
        validation_alias="MQTT_BROKER_IOTCORE_NAMESPACE",
        description="First word of every topic.",
    )
    mqtt_server_endpoint: str | None = Field(
        default=None,
        validation_alias="GANTRY_MQTT_SERVER_ENDPOINT",
        description="What servers dial (external), if it is not what workers dial.",
    )
    mqtt_username: str | None = Field(
        default=None,
        validation_alias="GANTRY_MQTT_USERNAME",
        description=(
            "User that servers sign in as (external). Without it they show a certificate of the"
            " authority that signs worker pools."
        ),
    )
    mqtt_password: SecretStr | None = Field(
        default=None,
        validation_alias="GANTRY_MQTT_PASSWORD",
        description="That user's password.",
    )

    _broker = field_validator("mqtt_broker_endpoint")(rules.check_broker)
    _server = field_validator("mqtt_server_endpoint")(rules.if_set(rules.check_broker))

    @model_validator(mode="after")
    def _external_is_safe(self) -> BrokerSettings:
        own = (self.mqtt_server_endpoint, self.mqtt_username, self.mqtt_password)
        if self.mqtt_broker_type == "builtin":
            if any(own):
                raise ValueError(
                    "GANTRY_MQTT_SERVER_ENDPOINT, GANTRY_MQTT_USERNAME and GANTRY_MQTT_PASSWORD"
                    " are for MQTT_BROKER_TYPE=external"
                )
            return self
        if not parse_endpoint(self.mqtt_broker_endpoint)[2]:
            raise ValueError(
                "MQTT_BROKER_ENDPOINT must be tls://host:port for an external broker:"
                " workers show it their pools' certificates"
            )
        if bool(self.mqtt_username) != bool(self.mqtt_password):
            raise ValueError("GANTRY_MQTT_USERNAME and GANTRY_MQTT_PASSWORD are set together")
        if not self.mqtt_username and not parse_endpoint(self.server_endpoint)[2]:
            raise ValueError(
                "GANTRY_MQTT_SERVER_ENDPOINT must be tls://host:port, or GANTRY_MQTT_USERNAME and"
                " GANTRY_MQTT_PASSWORD set: servers show a certificate otherwise"
            )
        return self

    @property
    def server_endpoint(self) -> str:
        """What servers dial to reach an external broker."""
        return self.mqtt_server_endpoint or self.mqtt_broker_endpoint
