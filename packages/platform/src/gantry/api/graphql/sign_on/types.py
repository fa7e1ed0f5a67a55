"""Identity providers as the API shows them: nothing secret, and what to tell the provider."""

from __future__ import annotations

import strawberry

from gantry.api.graphql.shared.convert import seconds
from gantry.domains.identity_providers import rules, service, wanted
from gantry.domains.identity_providers.kinds import NameIdFormat
from gantry.domains.identity_providers.model import IdentityProvider
from gantry.domains.identity_providers.wanted import Wanted

GITHUB = "https://github.com"

strawberry.enum(
    NameIdFormat, name="SAMLNameIDFormat", description="How a SAML provider is to name people."
)


@strawberry.type(name="SAMLAttributeMapping")
class SamlAttributeMapping:
    """See the API reference."""

    idp_attribute: str
    attribute: str


@strawberry.input(name="SAMLAttributeMappingInput")
class SamlAttributeMappingInput:
    """See the API reference."""

    idp_attribute: str
    attribute: str


@strawberry.type(name="SAMLSettings")
class SamlSettings:
    """See the API reference."""

    metadata: str
    dynamic: bool
    name_id_format: NameIdFormat
    attribute_mappings: list[SamlAttributeMapping]
    acs_url: str
    entity_id: str
    provider: str = strawberry.field(description="What the provider calls itself.")
    changed_at: int
    changed_by: str


@strawberry.input(name="SAMLInput")
class SamlInput:
    """See the API reference."""

    metadata: str
    dynamic: bool
    name_id_format: NameIdFormat
    attribute_mappings: list[SamlAttributeMappingInput] | None = None

    def wanted(self) -> Wanted:
        """Raises BadIdentityProvider."""
        mappings = self.attribute_mappings or []
        return wanted.saml(
            metadata=self.metadata,
            dynamic=self.dynamic,
            name_id_format=self.name_id_format,
            mappings=[(one.idp_attribute, one.attribute) for one in mappings],
        )


@strawberry.type(name="OIDCSettings")
class OidcSettings:
    """See the API reference."""

    client_id: str
    provider_url: str
    redirect_url: str
    changed_at: int
    changed_by: str


@strawberry.input(name="OIDCInput")
class OidcInput:
    """See the API reference."""

    client_id: str
    client_secret: str = strawberry.field(
        description="Empty in an update: the one that there is stays, if the provider's URL does."
    )
    provider_url: str

    def wanted(self) -> Wanted:
        """Raises BadIdentityProvider."""
        return wanted.oidc(
            client_id=self.client_id,
            client_secret=self.client_secret,
            provider_url=self.provider_url,
        )


@strawberry.type(name="GitHubSignOnSettings", description="GitHub vouches for people.")
class GitHubSettings:
    """Our own."""

    client_id: str
    organization: str = strawberry.field(description="Its members are let through.")
    address: str
    redirect_url: str
    changed_at: int
    changed_by: str


@strawberry.input(name="GitHubSignOnInput")
class GitHubInput:
    """Our own."""

    client_id: str
    client_secret: str = strawberry.field(
        description="Empty where there are settings already: the one that there is stays, if the"
        " address does."
    )
    organization: str
    address: str | None = strawberry.field(
        default=None, description="Of a GitHub Enterprise Server; else it is https://github.com."
    )

    def wanted(self) -> Wanted:
        """Raises BadIdentityProvider."""
        return wanted.github(
            client_id=self.client_id,
            client_secret=self.client_secret,
            organization=self.organization,
            address=self.address or GITHUB,
        )


@strawberry.type(description="What to enter at an identity provider, before there is one here.")
class SignOnAddresses:
    """Our own."""

    oidc_redirect_url: str
    github_redirect_url: str
    saml_acs_url: str
    saml_entity_id: str


def saml_view(provider: IdentityProvider, base_url: str) -> SamlSettings:
    """The settings as they are kept."""
    said = provider.settings
    return SamlSettings(
        metadata=said["metadata"],
        dynamic=said["dynamic"],
        name_id_format=NameIdFormat(said["name_id_format"]),
        attribute_mappings=[
            SamlAttributeMapping(idp_attribute=theirs, attribute=ours)
            for theirs, ours in said["attributes"].items()
        ],
        acs_url=base_url + rules.SAML_CALLBACK,
        entity_id=service.saml_entity_id(base_url),
        provider=said["entity_id"],
        changed_at=seconds(provider.changed_at),
        changed_by=provider.changed_by,
    )


def oidc_view(provider: IdentityProvider, base_url: str) -> OidcSettings:
    """The settings as they are kept."""
    return OidcSettings(
        client_id=provider.settings["client_id"],
        provider_url=provider.settings["provider_url"],
        redirect_url=base_url + rules.OIDC_CALLBACK,
        changed_at=seconds(provider.changed_at),
        changed_by=provider.changed_by,
    )


def github_view(provider: IdentityProvider, base_url: str) -> GitHubSettings:
    """The settings as they are kept."""
    return GitHubSettings(
        client_id=provider.settings["client_id"],
        organization=provider.settings["organization"],
        address=provider.settings["address"],
        redirect_url=base_url + rules.GITHUB_CALLBACK,
        changed_at=seconds(provider.changed_at),
        changed_by=provider.changed_by,
    )


def addresses(base_url: str) -> SignOnAddresses:
    """What this installation is to any provider."""
    return SignOnAddresses(
        oidc_redirect_url=base_url + rules.OIDC_CALLBACK,
        github_redirect_url=base_url + rules.GITHUB_CALLBACK,
        saml_acs_url=base_url + rules.SAML_CALLBACK,
        saml_entity_id=service.saml_entity_id(base_url),
    )
