"""What an identity provider speaks."""

from __future__ import annotations

import enum


class ProviderKind(enum.StrEnum):
    """Stored by value."""

    OIDC = "OIDC"
    SAML = "SAML"
    GITHUB = "GITHUB"

    @property
    def source(self) -> str:
        """What stands before the names of people that it vouches for: `<source>::<name>`."""
        return self.value.lower()


class NameIdFormat(enum.StrEnum):
    """How a SAML provider is asked to name people."""

    TRANSIENT = "TRANSIENT"
    EMAIL_ADDRESS = "EMAIL_ADDRESS"
    PERSISTENT = "PERSISTENT"

    @property
    def urn(self) -> str:
        """SAML 2.0 core, section 8.3."""
        return {
            NameIdFormat.TRANSIENT: "urn:oasis:names:tc:SAML:2.0:nameid-format:transient",
            NameIdFormat.EMAIL_ADDRESS: "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
            NameIdFormat.PERSISTENT: "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
        }[self]
