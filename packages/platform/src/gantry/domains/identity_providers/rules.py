"""What can be judged of a sign-on without any row."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from gantry.domains.identity_providers.kinds import ProviderKind

OIDC_CALLBACK = "/oidc/exchange"
SAML_CALLBACK = "/saml/acs"
SAML_METADATA = "/saml/metadata"
GITHUB_CALLBACK = "/github/exchange"

MAX_RETURN = 2048
"""Characters of an address to come back to: what browsers take."""

_BROWSER = re.compile(r"[A-Za-z0-9_-]{43}")


_VOUCHES = {
    ProviderKind.OIDC: ("client_id",),
    ProviderKind.SAML: ("entity_id", "name_id_format"),
    ProviderKind.GITHUB: (),
}
"""Settings by which people are told apart, besides the address: with another value it is another
provider. To each client OpenID Connect may call somebody otherwise (Core 1.0, section 8.1)."""
_ADDRESS = {ProviderKind.OIDC: "provider_url", ProviderKind.GITHUB: "address"}
"""Where the client secret is shown. A slash at its end makes no other address of it."""


def is_another(kind: ProviderKind, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether with these settings others vouch than with those before."""
    if goes_elsewhere(kind, before, after):
        return True
    if any(before.get(name) != after.get(name) for name in _VOUCHES[kind]):
        return True
    return kind is ProviderKind.GITHUB and not _same_organization(before, after)


def goes_elsewhere(kind: ProviderKind, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether the client secret would be shown at another address than before."""
    name = _ADDRESS.get(kind)
    return name is not None and before[name].rstrip("/") != after[name].rstrip("/")


def _same_organization(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """By GitHub's numbers of them: names change. By their names, where it did not tell those."""
    numbers = before.get("organization_id"), after.get("organization_id")
    if None not in numbers:
        return numbers[0] == numbers[1]
    return bool(before["organization"].lower() == after["organization"].lower())


def local_path(wanted: str) -> str:
    """Where to go after signing in: within this installation, else to its first page.

    Browsers read `//host`, `/\\host` and `/<tab>/host` as addresses elsewhere.
    """
    plain = wanted.isprintable() and wanted.isascii() and "\\" not in wanted and " " not in wanted
    if not plain or len(wanted) > MAX_RETURN:
        return "/"
    return wanted if wanted.startswith("/") and not wanted.startswith("//") else "/"


def is_browser(token: str) -> bool:
    """Whether it looks like what a browser is told apart by: 32 random bytes in base64url."""
    return _BROWSER.fullmatch(token) is not None


def digest(*texts: str) -> str:
    """What is stored of something that only its holder should have."""
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()
