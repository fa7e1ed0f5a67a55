"""Root fields of single sign-on."""

from __future__ import annotations

import strawberry

from gantry.api.graphql.account.types import User
from gantry.api.graphql.account.views import user_view
from gantry.api.graphql.context import Context, Info
from gantry.api.graphql.fields import PUBLIC, SIGNED_IN, mutation, query
from gantry.api.graphql.sign_on.types import (
    GitHubInput,
    GitHubSettings,
    OidcInput,
    OidcSettings,
    SamlInput,
    SamlSettings,
    SignOnAddresses,
    addresses,
    github_view,
    oidc_view,
    saml_view,
)
from gantry.api.login.sign_on import premises
from gantry.domains.identity_providers import service, signing_on
from gantry.domains.identity_providers.kinds import ProviderKind
from gantry.domains.identity_providers.model import IdentityProvider
from gantry.domains.identity_providers.wanted import Wanted
from gantry.domains.people import access


@strawberry.type
class SignOnQuery:
    """Reading."""

    @query(SIGNED_IN, name="hasSSO")
    async def has_sso(self, info: Info) -> bool:
        """Whether an identity provider vouches for people."""
        async with info.context.read() as tx:
            return await service.kind_in_use(tx) is not None

    @query(SIGNED_IN)
    async def saml_settings(self, info: Info) -> SamlSettings | None:
        """The SAML provider, if that is what there is."""
        found = await _current(info.context, ProviderKind.SAML)
        return None if found is None else saml_view(found, info.context.house.base_url)

    @query(SIGNED_IN)
    async def oidc_settings(self, info: Info) -> OidcSettings | None:
        """The OpenID Connect provider, if that is what there is."""
        found = await _current(info.context, ProviderKind.OIDC)
        return None if found is None else oidc_view(found, info.context.house.base_url)

    @query(SIGNED_IN)
    async def github_sign_on_settings(self, info: Info) -> GitHubSettings | None:
        """GitHub, if that is what there is."""
        found = await _current(info.context, ProviderKind.GITHUB)
        return None if found is None else github_view(found, info.context.house.base_url)

    @query(SIGNED_IN)
    async def sign_on_addresses(self, info: Info) -> SignOnAddresses:
        """What to enter at a provider before it is set up here."""
        async with info.context.read() as tx:
            access.require_admin(tx)
        return addresses(info.context.house.base_url)


@strawberry.type
class SignOnMutation:
    """Writing."""

    @mutation(PUBLIC)
    async def oauth_user(self, info: Info, token: str) -> User | None:
        """Exchange a personal token of GitHub, where that vouches for people, for one of ours."""
        there = premises(info.context.house)
        signed_in = await signing_on.sign_in_token(there, token, address=info.context.address)
        return user_view(signed_in.actor, signed_in)

    @mutation(SIGNED_IN)
    async def saml_create(self, info: Info, input: SamlInput) -> SamlSettings:
        """A SAML provider vouches for people from now on."""
        made = await _create(info.context, input)
        return saml_view(made, info.context.house.base_url)

    @mutation(SIGNED_IN)
    async def saml_update(self, info: Info, input: SamlInput) -> SamlSettings:
        """Other settings of the SAML provider."""
        made = await _update(info.context, input)
        return saml_view(made, info.context.house.base_url)

    @mutation(SIGNED_IN)
    async def saml_delete(self, info: Info) -> SamlSettings | None:
        """No provider from now on; sessions of those it vouched for end."""
        gone = await _delete(info.context, ProviderKind.SAML)
        return saml_view(gone, info.context.house.base_url)

    @mutation(SIGNED_IN)
    async def oidc_create(self, info: Info, input: OidcInput) -> OidcSettings:
        """An OpenID Connect provider vouches for people from now on."""
        made = await _create(info.context, input)
        return oidc_view(made, info.context.house.base_url)

    @mutation(SIGNED_IN)
    async def oidc_update(self, info: Info, input: OidcInput) -> OidcSettings:
        """Other settings of the OpenID Connect provider."""
        made = await _update(info.context, input)
        return oidc_view(made, info.context.house.base_url)

    @mutation(SIGNED_IN)
    async def oidc_delete(self, info: Info) -> OidcSettings | None:
        """No provider from now on; sessions of those it vouched for end."""
        gone = await _delete(info.context, ProviderKind.OIDC)
        return oidc_view(gone, info.context.house.base_url)

    @mutation(SIGNED_IN)
    async def github_sign_on_set(self, info: Info, input: GitHubInput) -> GitHubSettings:
        """GitHub vouches for people from now on, or has other settings."""
        known = await _current(info.context, ProviderKind.GITHUB)
        made = await (_create if known is None else _update)(info.context, input)
        return github_view(made, info.context.house.base_url)

    @mutation(SIGNED_IN)
    async def github_sign_on_delete(self, info: Info) -> GitHubSettings | None:
        """No provider from now on; sessions of those it vouched for end."""
        gone = await _delete(info.context, ProviderKind.GITHUB)
        return github_view(gone, info.context.house.base_url)


async def _current(context: Context, kind: ProviderKind) -> IdentityProvider | None:
    async with context.read() as tx:
        return await service.current(tx, kind)


async def _create(context: Context, input: SamlInput | OidcInput | GitHubInput) -> IdentityProvider:
    wanted = await _tried(context, input)
    async with context.write() as tx:
        return await service.create(tx, context.house.vault, wanted)


async def _update(context: Context, input: SamlInput | OidcInput | GitHubInput) -> IdentityProvider:
    wanted = await _tried(context, input)
    async with context.write() as tx:
        return await service.update(tx, context.house.vault, wanted)


async def _delete(context: Context, kind: ProviderKind) -> IdentityProvider:
    async with context.write() as tx:
        return await service.delete(tx, kind)


async def _tried(context: Context, input: SamlInput | OidcInput | GitHubInput) -> Wanted:
    """The provider is asked before anything is kept, and only for those who may say so."""
    async with context.read() as tx:
        access.require_admin(tx)
    there = context.house
    return await service.try_out(
        there.sign_on, there.vault, input.wanted(), base_url=there.base_url
    )
