"""Settings of encrypted connections, of whom they trust, and of proxies on the way out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from gantry_protocol.authorities import decode_root_cas
from gantry_protocol.proxies import Proxies, parse_proxy
from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode

from gantry.apps import settings_rules as rules
from gantry.infra.outward_allowed import Allowed, parse_allowed


class NetworkSettings(BaseSettings):
    """Certificates of our own ports, authorities of others', and the way out."""

    # -- TLS and proxies
    tls_certificate: Path | None = Field(
        default=None,
        validation_alias="GANTRY_TLS_CERTIFICATE",
        description="PEM file with the certificate of the HTTP port and its chain: it speaks TLS.",
    )
    tls_key: Path | None = Field(
        default=None,
        validation_alias="GANTRY_TLS_KEY",
        description="PEM file with that certificate's private key, not encrypted.",
    )
    mqtt_tls_certificate: Path | None = Field(
        default=None,
        validation_alias="GANTRY_MQTT_TLS_CERTIFICATE",
        description="The same for the port of the built-in broker.",
    )
    mqtt_tls_key: Path | None = Field(
        default=None,
        validation_alias="GANTRY_MQTT_TLS_KEY",
        description="PEM file with that certificate's private key, not encrypted.",
    )
    additional_root_cas: str | None = Field(
        default=None,
        validation_alias="ADDITIONAL_ROOT_CAS",
        description=(
            "Authorities to trust besides the system's, wherever the processes go: base64 of"
            ' `{"caCertificates": ["<base64 of PEM>", …]}`.'
        ),
    )
    ca_bundle: Path | None = Field(
        default=None,
        validation_alias="GANTRY_CA_BUNDLE",
        description="The same as a file of PEM. Both may be set.",
    )
    http_proxy: SecretStr | None = Field(
        default=None,
        validation_alias="HTTP_PROXY",
        description="Proxy for what goes out over http, e.g. http://proxy.example.com:3128.",
    )
    https_proxy: SecretStr | None = Field(
        default=None,
        validation_alias="HTTPS_PROXY",
        description="Proxy for what goes out over https.",
    )
    no_proxy: str | None = Field(
        default=None,
        validation_alias="NO_PROXY",
        description="Comma list of hosts that are reached without a proxy, each with all below it.",
    )

    outward_allowed: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        validation_alias="GANTRY_OUTWARD_ALLOWED",
        description=(
            "Comma list of host names (`.corp.example` is all below it), addresses and networks"
            " that webhooks and identity providers may reach although they are not on the internet."
        ),
    )

    _list = field_validator("outward_allowed", mode="before")(rules.comma_list)

    @field_validator("outward_allowed")
    @classmethod
    def _allowed(cls, value: list[str]) -> list[str]:
        parse_allowed(value)
        return value

    @field_validator("additional_root_cas")
    @classmethod
    def _authorities(cls, value: str | None) -> str | None:
        if value is not None:
            rules.check_authorities(decode_root_cas(value))
        return value

    @field_validator("ca_bundle")
    @classmethod
    def _bundle(cls, value: Path | None) -> Path | None:
        if value is not None:
            rules.check_authorities(rules.read_pem(value))
        return value

    @field_validator("http_proxy", "https_proxy")
    @classmethod
    def _proxy(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            parse_proxy(value.get_secret_value())
        return value

    @model_validator(mode="after")
    def _pairs_are_complete(self) -> NetworkSettings:
        for name, certificate, key in (
            ("GANTRY_TLS", self.tls_certificate, self.tls_key),
            ("GANTRY_MQTT_TLS", self.mqtt_tls_certificate, self.mqtt_tls_key),
        ):
            if (certificate is None) != (key is None):
                raise ValueError(f"{name}_CERTIFICATE and {name}_KEY are set together, or neither")
        return self

    @property
    def added_authorities(self) -> str | None:
        """The authorities to trust besides the system's, as PEM; None for none.

        Raises OSError when the bundle cannot be read any more.
        """
        parts = [
            decode_root_cas(self.additional_root_cas) if self.additional_root_cas else "",
            self.ca_bundle.read_text() if self.ca_bundle else "",
        ]
        return "\n".join(part for part in parts if part) or None

    @property
    def outward(self) -> Allowed:
        """What may be reached besides the internet."""
        return parse_allowed(self.outward_allowed)

    @property
    def proxies(self) -> Proxies:
        """The proxies on the way out."""
        http, https = self.http_proxy, self.https_proxy
        return Proxies(
            http.get_secret_value() if http else None,
            https.get_secret_value() if https else None,
            self.no_proxy or "",
        )
