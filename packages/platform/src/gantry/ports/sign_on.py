"""Identity providers as the program sees them: where to send a browser, and what comes back.

Nothing here knows who is let in; it says what a provider vouches for, and nothing it does not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gantry.kernel.errors import UserError
from gantry.kernel.secret import Secret


class SignOnRefused(UserError):
    """What came back from an identity provider does not prove who somebody is."""

    code = "SIGN_ON_REFUSED"
    status = 403

    def __init__(self, message: str, *, detail: str = "") -> None:
        super().__init__(f"unauthorized: {message}", detail=detail)


class ProviderUnusable(UserError):
    """The identity provider does not answer, or not as it should; its settings may be wrong."""

    code = "IDENTITY_PROVIDER_UNUSABLE"
    status = 422


class Unsolicited(Exception):
    """A provider's answer to nothing that was asked: sign-on has to begin here."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a provider vouches for of somebody."""

    subject: str
    """Never given to another person by this provider, and the same at each sign-on."""
    username: str
    email: str
    email_verified: bool
    name: str
    groups: Sequence[str]


@dataclass(frozen=True, slots=True)
class OidcSettings:
    """An OpenID Connect provider, and what this installation is to it."""

    issuer: str
    client_id: str
    client_secret: Secret
    redirect_url: str


@dataclass(frozen=True, slots=True)
class GitHubSettings:
    """GitHub, or a GitHub Enterprise Server, and what this installation is to it."""

    address: str
    """Without a slash at the end, e.g. https://github.com."""
    client_id: str
    client_secret: Secret
    organization: str
    """Whose members are let through."""
    redirect_url: str
    organization_id: int | None = None
    """GitHub's number of it, where it told that when it was set up."""


@dataclass(frozen=True, slots=True)
class SamlSettings:
    """A SAML 2.0 identity provider, and what this installation is to it."""

    metadata: str
    """Its metadata as XML, or the address where they are, if `dynamic`."""
    dynamic: bool
    provider: str | None
    """The provider's entity id when an admin set it up; other metadata are not believed."""
    name_id_format: str
    """The URN of the format that is asked for."""
    attributes: Mapping[str, str]
    """Our names (FirstName, LastName, Teams, …) by the provider's."""
    entity_id: str
    acs_url: str


@dataclass(frozen=True, slots=True)
class Assertion:
    """A SAML assertion that was found good for this installation."""

    id: str
    answers: str
    """The id of our request that it answers."""
    until: datetime
    """When it stops being good."""
    claims: Claims


class OpenIdConnect(Protocol):
    """Authorization code flow with PKCE, state and nonce."""

    async def check(self, settings: OidcSettings) -> None:
        """Ask the provider what it offers. Raises ProviderUnusable."""
        ...

    async def begin(
        self, settings: OidcSettings, *, state: str, nonce: str, verifier: Secret
    ) -> str:
        """Where the browser goes. Raises ProviderUnusable."""
        ...

    async def finish(
        self, settings: OidcSettings, *, code: str, nonce: str, verifier: Secret, now: datetime
    ) -> Claims:
        """Who came back with this code. Raises SignOnRefused, ProviderUnusable."""
        ...


class GitHub(Protocol):
    """GitHub's OAuth applications."""

    async def organization_id(self, settings: GitHubSettings) -> int | None:
        """GitHub's number of the organization; None if it does not tell that to who has not signed
        in. Asks as the application, if there is a client secret. Raises ProviderUnusable.
        """
        ...

    def begin(self, settings: GitHubSettings, *, state: str, verifier: Secret) -> str:
        """Where the browser goes."""
        ...

    async def finish(self, settings: GitHubSettings, *, code: str, verifier: Secret) -> Claims:
        """Who came back with this code. Raises SignOnRefused, ProviderUnusable."""
        ...

    async def owner_of(self, settings: GitHubSettings, token: Secret) -> Claims:
        """Whose personal token it is. Raises SignOnRefused, ProviderUnusable."""
        ...


class Saml(Protocol):
    """Web browser SSO: requests by redirect, responses by POST."""

    async def begin(self, settings: SamlSettings, *, request_id: str, now: datetime) -> str:
        """Where the browser goes. Raises ProviderUnusable."""
        ...

    async def finish(self, settings: SamlSettings, response: str, *, now: datetime) -> Assertion:
        """What a response (base64) proves. Raises SignOnRefused, ProviderUnusable, Unsolicited."""
        ...

    async def check(self, settings: SamlSettings) -> str:
        """The provider's entity id, once its metadata were read. Raises ProviderUnusable."""
        ...

    def describe(self, *, entity_id: str, acs_url: str) -> bytes:
        """Our own metadata, for the provider."""
        ...


@dataclass(frozen=True, slots=True)
class Protocols:
    """One of each."""

    oidc: OpenIdConnect
    saml: Saml
    github: GitHub
