"""Settings of the broker that wakes workers."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings

from gantry.apps import settings_rules as rules


class BrokerSettings(BaseSettings):
    """Which broker, and where it is."""

    # -- broker
    mqtt_broker_type: Literal["builtin"] = Field(
        default="builtin",
        validation_alias="MQTT_BROKER_TYPE",
        description="Which broker wakes workers.",
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

    _broker = field_validator("mqtt_broker_endpoint")(rules.check_broker)
