"""What an identity provider is to be set to, checked as far as that goes without asking it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from gantry.domains.identity_providers.kinds import NameIdFormat, ProviderKind
from gantry.kernel.errors import UserError
from gantry.kernel.secret import Secret
from gantry.kernel.texts import can_be_kept

MAX_ADDRESS = 2048
"""Characters of an address: what browsers take."""
MAX_METADATA = 512 * 1024
"""Characters of a provider's metadata; usual ones have ten thousand."""
OUR_ATTRIBUTES = ("FirstName", "LastName", "Teams", "email")
"""What attributes of a SAML provider may be mapped to."""

_ORGANIZATION = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,98}[A-Za-z0-9])?")


class BadIdentityProvider(UserError):
    """Settings with which nobody could sign in."""

    code = "BAD_IDENTITY_PROVIDER"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Settings of one kind of provider, as `IdentityProvider.settings` keeps them."""

    kind: ProviderKind
    settings: Mapping[str, Any]
    secret: Secret | None = None
    """None keeps the one there is, if there is one."""

    def with_setting(self, name: str, value: str | int | None) -> Wanted:
        """The same, with one more thing known of the provider."""
        return replace(self, settings={**self.settings, name: value})


def oidc(*, client_id: str, client_secret: str, provider_url: str) -> Wanted:
    """OpenID Connect. Raises BadIdentityProvider."""
    settings = {
        "client_id": _text(client_id, "The client id"),
        "provider_url": _address(provider_url, "The provider's address"),
    }
    return Wanted(ProviderKind.OIDC, settings, _secret(client_secret))


def github(*, client_id: str, client_secret: str, organization: str, address: str) -> Wanted:
    """GitHub, or a GitHub Enterprise Server. Raises BadIdentityProvider."""
    organization = organization.strip()
    if not _ORGANIZATION.fullmatch(organization):
        raise BadIdentityProvider("The organization is not one of GitHub's names.")
    settings = {
        "client_id": _text(client_id, "The client id"),
        "organization": organization,
        "address": _address(address, "GitHub's address").rstrip("/"),
    }
    return Wanted(ProviderKind.GITHUB, settings, _secret(client_secret))


def saml(
    *,
    metadata: str,
    dynamic: bool,
    name_id_format: NameIdFormat,
    mappings: Sequence[tuple[str, str]],
) -> Wanted:
    """SAML 2.0. Raises BadIdentityProvider."""
    if dynamic:
        metadata = _address(metadata, "The address of the metadata")
    elif not metadata.strip() or len(metadata) > MAX_METADATA or not can_be_kept(metadata):
        raise BadIdentityProvider(f"The metadata are a document of 1 to {MAX_METADATA} characters.")
    settings = {
        "metadata": metadata,
        "dynamic": dynamic,
        "name_id_format": name_id_format.value,
        "attributes": _mapping(mappings),
    }
    return Wanted(ProviderKind.SAML, settings)


def _mapping(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for theirs, ours in pairs:
        name = _text(theirs, "An attribute's name", most=255)
        if ours not in OUR_ATTRIBUTES:
            allowed = ", ".join(OUR_ATTRIBUTES)
            raise BadIdentityProvider(f"Attributes are mapped to one of: {allowed}.")
        if name in found:
            raise BadIdentityProvider(f'The attribute "{name}" is mapped twice.')
        found[name] = ours
    return found


def _address(address: str, what: str) -> str:
    address = address.strip()
    try:
        parts = urlsplit(address)
        fits = parts.scheme in ("https", "http") and bool(parts.hostname) and not parts.username
    except ValueError:
        fits = False
    plain = address.isprintable() and "#" not in address and can_be_kept(address)
    if not fits or not plain or len(address) > MAX_ADDRESS:
        raise BadIdentityProvider(f"{what} is not an https:// address.")
    return address


def _text(text: str, what: str, most: int = 1024) -> str:
    text = text.strip()
    if not text or len(text) > most or not text.isprintable() or not can_be_kept(text):
        raise BadIdentityProvider(f"{what} has 1 to {most} characters.")
    return text


def _secret(text: str) -> Secret | None:
    return Secret(_text(text, "The client secret", most=4096)) if text.strip() else None
