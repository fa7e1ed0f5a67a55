"""Sign-on with GitHub: an OAuth application, and what GitHub's API says of its user.

GitHub speaks OAuth 2.0 and not OpenID Connect: nothing it answers is signed for us. What proves
somebody is that the answer comes over TLS from GitHub, for a code that came to this browser.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from gantry.infra.oidc import basic
from gantry.infra.provider_calls import BadStatus, Calls
from gantry.kernel.secret import Secret
from gantry.ports.sign_on import Claims, GitHubSettings, ProviderUnusable, SignOnRefused

SCOPE = "read:org user:email"
PAGE = 100
"""Teams in one answer, the most that GitHub gives."""
MAX_PAGES = 10
"""Pages of teams that are read: a thousand teams of one person."""


DENIED = (401, 403)
"""Statuses for a token that is nobody's, or that may not ask."""
UNTOLD = (401, 403, 429)
"""Statuses where GitHub tells nothing to who has not signed in, as a server in private mode does,
or has told too much."""


class GitHubSignOn:
    """The port `GitHub`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def organization_id(self, settings: GitHubSettings) -> int | None:
        """See the port."""
        proof = settings.client_secret
        said_by_us = {"authorization": basic(settings.client_id, proof)} if proof.reveal() else {}
        url = f"{_api(settings)}/orgs/{quote(settings.organization, safe='')}"
        try:
            said = await self._calls.json(settings.address, url, headers=_COMMON | said_by_us)
        except BadStatus as error:
            if error.status in UNTOLD:
                return None
            if error.status == 404:
                raise ProviderUnusable("GitHub knows no organization of that name.") from None
            raise
        number = said.get("id")
        if not isinstance(number, int):
            raise ProviderUnusable("GitHub does not tell the organization's number.")
        return number

    def begin(self, settings: GitHubSettings, *, state: str, verifier: Secret) -> str:
        """See the port."""
        return str(
            prepare_grant_uri(
                f"{settings.address}/login/oauth/authorize",
                settings.client_id,
                "code",
                settings.redirect_url,
                SCOPE,
                state,
                code_challenge=create_s256_code_challenge(verifier.reveal()),
                code_challenge_method="S256",
                # Who has no account there yet makes none on the way to us.
                allow_signup="false",
            )
        )

    async def finish(self, settings: GitHubSettings, *, code: str, verifier: Secret) -> Claims:
        """See the port."""
        status, given = await self._calls.form(
            settings.address,
            f"{settings.address}/login/oauth/access_token",
            {
                "client_id": settings.client_id,
                "client_secret": settings.client_secret.reveal(),
                "code": code,
                "redirect_uri": settings.redirect_url,
                "code_verifier": verifier.reveal(),
            },
            {},
        )
        token = given.get("access_token")
        if isinstance(token, str) and token:
            return await self.owner_of(settings, Secret(token))
        # GitHub answers with status 200 in either case.
        problem = str(given.get("error", status))[:100]
        if problem == "incorrect_client_credentials":
            raise ProviderUnusable("GitHub refuses this installation's client id or secret.")
        raise SignOnRefused("GitHub does not know this sign-in any more", detail=problem)

    async def owner_of(self, settings: GitHubSettings, token: Secret) -> Claims:
        """See the port."""
        try:
            said = await self._get(settings, token, "/user")
        except BadStatus as error:
            if error.status in DENIED:
                raise SignOnRefused(
                    "GitHub does not know the token", detail=error.message
                ) from None
            raise
        number, login = said.get("id"), said.get("login")
        if not isinstance(number, int) or not isinstance(login, str) or not login:
            raise SignOnRefused("GitHub does not say whose token it is")
        await self._require_member(settings, token, login)
        email, verified = await self._email(settings, token)
        name = said.get("name")
        return Claims(
            # Logins change hands; numbers do not.
            subject=str(number),
            username=login,
            email=email,
            email_verified=verified,
            name=name if isinstance(name, str) and name else login,
            groups=await self._teams(settings, token),
        )

    async def _require_member(self, settings: GitHubSettings, token: Secret, login: str) -> None:
        try:
            path = f"/user/memberships/orgs/{quote(settings.organization, safe='')}"
            said = await self._get(settings, token, path)
        except BadStatus as error:
            if error.status not in (*DENIED, 404):
                raise
            # 403: the organisation has not allowed the application; 404: not a member.
            raise SignOnRefused(
                f'GitHub does not confirm that {login} is a member of the organization "'
                f'{settings.organization}"',
                detail=error.message,
            ) from None
        if not _is_ours(settings, said.get("organization")):
            raise SignOnRefused(
                f'the organization "{settings.organization}" is another one at GitHub by now'
            )
        if said.get("state") != "active":
            raise SignOnRefused(f"{login} has not accepted the organization's invitation yet")

    async def _email(self, settings: GitHubSettings, token: Secret) -> tuple[str, bool]:
        """The primary address. GitHub shows unverified ones too."""
        listed = await self._calls.items(
            settings.address, f"{_api(settings)}/user/emails", headers=_headers(token)
        )
        for entry in listed:
            if isinstance(entry, dict) and entry.get("primary") is True:
                address = entry.get("email")
                if isinstance(address, str) and address:
                    return address, entry.get("verified") is True
        raise SignOnRefused("GitHub does not tell an e-mail address")

    async def _teams(self, settings: GitHubSettings, token: Secret) -> list[str]:
        """Names of the organization's teams that somebody is in. Whoever is in a team is in those
        above it as well.
        """
        names: dict[str, None] = {}
        for page in range(1, MAX_PAGES + 1):
            listed = await self._calls.items(
                settings.address,
                f"{_api(settings)}/user/teams?per_page={PAGE}&page={page}",
                headers=_headers(token),
            )
            for team in listed:
                if isinstance(team, dict) and _is_ours(settings, team.get("organization")):
                    for one in (team, team.get("parent")):
                        if isinstance(one, dict) and isinstance(one.get("name"), str):
                            names[one["name"]] = None
            if len(listed) < PAGE:
                return list(names)
        raise SignOnRefused(f"GitHub names more than {PAGE * MAX_PAGES} teams")

    async def _get(self, settings: GitHubSettings, token: Secret, path: str) -> dict[str, Any]:
        url = f"{_api(settings)}{path}"
        return await self._calls.json(settings.address, url, headers=_headers(token))


def _api(settings: GitHubSettings) -> str:
    if settings.address == "https://github.com":
        return "https://api.github.com"
    return f"{settings.address}/api/v3"


def _headers(token: Secret) -> Mapping[str, str]:
    return _COMMON | {"authorization": f"Bearer {token.reveal()}"}


def _is_ours(settings: GitHubSettings, organization: object) -> bool:
    """Whether it is the organization that was set up. Names change hands, and numbers do not; but
    the number is not known where GitHub did not tell it.
    """
    said = organization if isinstance(organization, dict) else {}
    if settings.organization_id is not None:
        return said.get("id") == settings.organization_id
    login = said.get("login")
    return isinstance(login, str) and login.lower() == settings.organization.lower()


_COMMON = {
    "accept": "application/vnd.github+json",
    # GitHub refuses requests without one.
    "user-agent": "gantry",
}
