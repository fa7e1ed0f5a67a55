"""Who vouches for people: the account's one identity provider. Only root admins say who it is.

The built-in admin signs in by password whatever is set here, so that a mistake locks nobody out
for good.
"""

from __future__ import annotations

from dataclasses import replace

from gantry.domains.identity_providers import repo, rules
from gantry.domains.identity_providers.kinds import NameIdFormat, ProviderKind
from gantry.domains.identity_providers.model import IdentityProvider
from gantry.domains.identity_providers.wanted import BadIdentityProvider, Wanted
from gantry.domains.notifications import service as notifications
from gantry.domains.notifications.kinds import Group
from gantry.domains.people import access, admission
from gantry.kernel.errors import Conflict, NotFound
from gantry.kernel.ids import new_id
from gantry.kernel.secret import Secret
from gantry.kernel.tx import Tx
from gantry.ports.sign_on import GitHubSettings, OidcSettings, Protocols, SamlSettings
from gantry.ports.vault import Vault

SECRET_IDENTITY = "identity_provider:secret"  # noqa: S105 - what it is sealed for: there is one row


async def current(tx: Tx, kind: ProviderKind | None = None) -> IdentityProvider | None:
    """The provider, if there is one, and it is of that kind. Needs root admin."""
    access.require_admin(tx)
    found = await repo.find(tx)
    return found if kind is None or (found is not None and found.kind is kind) else None


async def kind_in_use(tx: Tx) -> ProviderKind | None:
    """Which kind of sign-on there is, if any: whoever wants to sign in has to know."""
    found = await repo.find(tx)
    return None if found is None else found.kind


async def try_out(protocols: Protocols, vault: Vault, wanted: Wanted, *, base_url: str) -> Wanted:
    """The settings, once the provider was looked at. Asks it, so not to be called within a
    transaction. Raises ProviderUnusable.
    """
    looked_at = IdentityProvider(kind=wanted.kind, settings=dict(wanted.settings))
    if wanted.kind is ProviderKind.OIDC:
        await protocols.oidc.check(oidc_settings(looked_at, vault, base_url))
    if wanted.kind is ProviderKind.SAML:
        entity_id = await protocols.saml.check(saml_settings(looked_at, base_url))
        return wanted.with_setting("entity_id", entity_id)
    if wanted.kind is ProviderKind.GITHUB:
        github = github_settings(looked_at, vault, base_url)
        # A secret that is kept already is not shown to what may be another address.
        asked = replace(github, client_secret=wanted.secret or Secret(""))
        number = await protocols.github.organization_id(asked)
        return wanted.with_setting("organization_id", number)
    return wanted


async def create(tx: Tx, vault: Vault, wanted: Wanted) -> IdentityProvider:
    """The provider from now on, where there was none. Needs root admin.

    Raises BadIdentityProvider, Conflict.
    """
    access.require_admin(tx)
    if wanted.kind is not ProviderKind.SAML and wanted.secret is None:
        raise BadIdentityProvider("The client secret is missing.")
    provider = IdentityProvider(
        kind=wanted.kind,
        settings=dict(wanted.settings),
        secret_sealed=_sealed(vault, wanted.secret),
        revision=new_id(),
        created_at=tx.now,
        changed_at=tx.now,
        changed_by=tx.actor.name,
    )
    if not await repo.keep(tx, provider):
        raise Conflict(
            "The account has an identity provider already; delete it before you set up another."
        )
    return provider


async def update(tx: Tx, vault: Vault, wanted: Wanted) -> IdentityProvider:
    """Other settings of the provider. If by them it is another one, nobody whom the one before
    knew is known any more, and their sessions end. Needs root admin. Raises NotFound,
    BadIdentityProvider.
    """
    access.require_admin(tx)
    provider = await _held(tx, wanted.kind)
    before, after = provider.settings, dict(wanted.settings)
    if wanted.secret is None and rules.goes_elsewhere(wanted.kind, before, after):
        raise BadIdentityProvider(
            "The provider's address is another one: enter the client secret that belongs to it."
        )
    another = rules.is_another(wanted.kind, before, after)
    if not another and after.get("organization_id", 0) is None:
        # GitHub does not tell it just now; it is the same that it told before.
        after["organization_id"] = before.get("organization_id")
    provider.settings = after
    if wanted.secret is not None:
        provider.secret_sealed = _sealed(vault, wanted.secret)
    provider.revision = new_id()
    provider.changed_at, provider.changed_by = tx.now, tx.actor.name
    await tx.session.flush()
    await repo.drop_attempts(tx)
    await notifications.settle(tx, Group.IDENTITY_PROVIDER_UNUSABLE, "")
    if another:
        await admission.provider_changed(tx)
    return provider


async def delete(tx: Tx, kind: ProviderKind) -> IdentityProvider:
    """No provider from now on; sessions of those it vouched for end. Needs root admin.

    Raises NotFound.
    """
    access.require_admin(tx)
    provider = await _held(tx, kind)
    await tx.session.delete(provider)
    await tx.session.flush()
    await repo.drop_attempts(tx)
    await notifications.settle(tx, Group.IDENTITY_PROVIDER_UNUSABLE, "")
    await admission.provider_changed(tx)
    return provider


def oidc_settings(provider: IdentityProvider, vault: Vault, base_url: str) -> OidcSettings:
    """What the protocol has to know."""
    return OidcSettings(
        issuer=provider.settings["provider_url"],
        client_id=provider.settings["client_id"],
        client_secret=_opened(provider, vault),
        redirect_url=base_url + rules.OIDC_CALLBACK,
    )


def github_settings(provider: IdentityProvider, vault: Vault, base_url: str) -> GitHubSettings:
    """What the protocol has to know."""
    return GitHubSettings(
        address=provider.settings["address"],
        client_id=provider.settings["client_id"],
        client_secret=_opened(provider, vault),
        organization=provider.settings["organization"],
        redirect_url=base_url + rules.GITHUB_CALLBACK,
        organization_id=provider.settings.get("organization_id"),
    )


def saml_settings(provider: IdentityProvider, base_url: str) -> SamlSettings:
    """What the protocol has to know."""
    said = provider.settings
    return SamlSettings(
        metadata=said["metadata"],
        dynamic=said["dynamic"],
        provider=said.get("entity_id"),
        name_id_format=NameIdFormat(said["name_id_format"]).urn,
        attributes=said["attributes"],
        entity_id=saml_entity_id(base_url),
        acs_url=base_url + rules.SAML_CALLBACK,
    )


def saml_entity_id(base_url: str) -> str:
    """What this installation is called among SAML's parties: where its metadata are."""
    return base_url + rules.SAML_METADATA


async def forget_old(tx: Tx) -> None:
    """Drop sign-ons that did not come back, and assertions that are not good any more."""
    await repo.forget(tx, tx.now)


async def _held(tx: Tx, kind: ProviderKind) -> IdentityProvider:
    provider = await repo.find(tx, lock=True)
    if provider is None or provider.kind is not kind:
        raise NotFound("identity provider not found")
    return provider


def _sealed(vault: Vault, secret: Secret | None) -> bytes | None:
    return (
        None if secret is None else vault.seal(secret.reveal().encode(), identity=SECRET_IDENTITY)
    )


def _opened(provider: IdentityProvider, vault: Vault) -> Secret:
    sealed = provider.secret_sealed
    return Secret("" if sealed is None else vault.open(sealed, identity=SECRET_IDENTITY).decode())
