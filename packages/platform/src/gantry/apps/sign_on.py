"""How identity providers are spoken with, as the settings have it."""

from __future__ import annotations

from functools import lru_cache

from gantry.apps.settings import Settings
from gantry.infra.github_sign_on import GitHubSignOn
from gantry.infra.oidc import OidcProvider
from gantry.infra.outward import OutwardHttp
from gantry.infra.outward_allowed import Allowed
from gantry.infra.provider_calls import Calls
from gantry.infra.saml import SamlProvider
from gantry.infra.tls import Trust
from gantry.ports.sign_on import Protocols


def sign_on_protocols(settings: Settings, trust: Trust) -> Protocols:
    """One of each. The provider's own host may be anywhere: a root admin named it."""

    # A provider has one host; a client reads the authorities that it trusts once.
    @lru_cache(maxsize=8)
    def towards(host: str) -> OutwardHttp:
        allowed = settings.outward
        return OutwardHttp(
            allowed=Allowed(allowed.names | {host}, allowed.networks),
            trust=trust,
            proxies=settings.proxies,
        )

    calls = Calls(towards, plain=settings.server_scheme == "http")
    return Protocols(oidc=OidcProvider(calls), saml=SamlProvider(calls), github=GitHubSignOn(calls))
