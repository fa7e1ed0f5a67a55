"""OpenID Connect: the authorization code flow, with what Authlib and joserfc know of it."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any
from urllib.parse import quote

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import get_well_known_url
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet, import_key

from gantry.infra.provider_calls import FRESH, NOW, REMEMBERED, Calls
from gantry.infra.tokens import MALFORMED
from gantry.kernel.secret import Secret
from gantry.ports.sign_on import Claims, OidcSettings, ProviderUnusable, SignOnRefused

ALGORITHMS = [
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA", "Ed25519"),
]
"""Signatures with a key pair. `none` proves nothing, and HS256 would make a secret of what others
know."""
LEEWAY = 60
"""Seconds by which the provider's clock and ours may differ."""
ASKED = ("profile", "groups")
"""Scopes that are asked for where a provider says that it has them, besides openid and email."""
MAX_GROUPS = 1000
"""Groups of one person; more are a mistake in the provider's settings."""

PUBLIC = ("RSA", "EC", "OKP")
"""Kinds of keys that have a public half."""


class OidcProvider:
    """The port `OpenIdConnect`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def check(self, settings: OidcSettings) -> None:
        """See the port."""
        known = await self._discovered(settings, at_most=NOW)
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            self._calls.checked(known.get(name), name)

    async def begin(
        self, settings: OidcSettings, *, state: str, nonce: str, verifier: Secret
    ) -> str:
        """See the port."""
        known = await self._discovered(settings)
        offered = known.get("scopes_supported") or []
        return str(
            prepare_grant_uri(
                self._calls.checked(known.get("authorization_endpoint"), "authorization endpoint"),
                settings.client_id,
                "code",
                settings.redirect_url,
                ["openid", "email", *(scope for scope in ASKED if scope in offered)],
                state,
                nonce=nonce,
                code_challenge=create_s256_code_challenge(verifier.reveal()),
                code_challenge_method="S256",
            )
        )

    async def finish(
        self, settings: OidcSettings, *, code: str, nonce: str, verifier: Secret, now: datetime
    ) -> Claims:
        """See the port."""
        known = await self._discovered(settings)
        given = await self._exchanged(settings, known, code, verifier)
        access_token = given.get("access_token")
        params = {"nonce": nonce, "client_id": settings.client_id, "access_token": access_token}
        token = await self._verified(settings, known, given.get("id_token"), params)
        try:
            token.validate(int(now.timestamp()), LEEWAY)
        except MALFORMED as error:
            raise SignOnRefused(
                "the provider's token is not for this sign-in", detail=str(error)
            ) from None
        told = await self._told(settings, known, access_token, token["sub"])
        return _claims({**token, **told}, *_email((told, token)))

    async def _discovered(
        self, settings: OidcSettings, *, at_most: float = REMEMBERED
    ) -> Mapping[str, Any]:
        issuer = self._calls.checked(settings.issuer, "address")
        url = get_well_known_url(issuer, external=True)
        found = await self._calls.known_json(issuer, url, at_most=at_most)
        # OpenID Connect Discovery 1.0, section 4.3: it has to be the one that was asked.
        if str(found.get("issuer")).rstrip("/") != issuer.rstrip("/"):
            raise ProviderUnusable(
                "The provider calls itself by another address than the one in the settings."
            )
        return found

    async def _exchanged(
        self, settings: OidcSettings, known: Mapping[str, Any], code: str, verifier: Secret
    ) -> Mapping[str, Any]:
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": settings.redirect_url,
            "code_verifier": verifier.reveal(),
        }
        headers = {}
        # OpenID Connect Discovery 1.0, section 3: client_secret_basic where nothing is said.
        methods = known.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        if "client_secret_basic" in methods:
            headers["authorization"] = basic(settings.client_id, settings.client_secret)
        else:
            fields["client_id"] = settings.client_id
            fields["client_secret"] = settings.client_secret.reveal()
        endpoint = self._calls.checked(known.get("token_endpoint"), "token endpoint")
        status, given = await self._calls.form(settings.issuer, endpoint, fields, headers)
        if status == 200:
            return given
        problem = str(given.get("error", status))[:100]
        if problem in ("invalid_client", "unauthorized_client"):
            raise ProviderUnusable(
                "The provider refuses this installation's client id or secret.", detail=problem
            )
        raise SignOnRefused("the provider does not know this sign-in any more", detail=problem)

    async def _verified(
        self,
        settings: OidcSettings,
        known: Mapping[str, Any],
        id_token: object,
        params: dict[str, Any],
    ) -> CodeIDToken:
        if not isinstance(id_token, str):
            raise SignOnRefused("the provider's answer says nothing of who signed in")
        url = self._calls.checked(known.get("jwks_uri"), "address of its keys")
        try:
            try:
                keys = await self._calls.known_json(settings.issuer, url)
                found = jwt.decode(id_token, _usable(keys), algorithms=ALGORITHMS)
            except MALFORMED:
                keys = await self._calls.known_json(settings.issuer, url, at_most=FRESH)
                found = jwt.decode(id_token, _usable(keys), algorithms=ALGORITHMS)
        except MALFORMED as error:
            raise SignOnRefused(
                "the provider's token is not signed by it", detail=str(error)
            ) from None
        options: Any = {
            "iss": {"essential": True, "value": known["issuer"]},
            "aud": {"essential": True, "value": settings.client_id},
            "sub": {"essential": True},
            "exp": {"essential": True},
            "iat": {"essential": True},
        }
        return CodeIDToken(found.claims, found.header, options, params)

    async def _told(
        self, settings: OidcSettings, known: Mapping[str, Any], token: object, subject: str
    ) -> Mapping[str, Any]:
        """What the provider says of the person when asked with the access token; many put the
        e-mail address and the groups there only.
        """
        endpoint = known.get("userinfo_endpoint")
        if endpoint is None or not isinstance(token, str):
            return {}
        url = self._calls.checked(endpoint, "userinfo endpoint")
        headers = {"authorization": f"Bearer {token}"}
        told = await self._calls.json(settings.issuer, url, headers=headers)
        # OpenID Connect Core 1.0, section 5.3.2: else it may be about somebody else.
        if told.get("sub") != subject:
            raise SignOnRefused("the provider's answers are about two different people")
        return told


def _usable(keys: Mapping[str, Any]) -> KeySet:
    """The public keys among them; secrets and what nobody knows are left out."""
    found: list[Key] = []
    listed = keys.get("keys")
    for key in listed if isinstance(listed, list) else []:
        if isinstance(key, dict) and key.get("kty") in PUBLIC and key.get("use", "sig") == "sig":
            # What one key is like says nothing of the others.
            with suppress(JoseError, ValueError, TypeError, LookupError):
                found.append(import_key(key))
    return KeySet(found)


def basic(name: str, password: Secret) -> str:
    """The header of a client that shows its secret."""
    # RFC 6749 section 2.3.1: both are encoded as in a form first.
    pair = f"{quote(name, safe='')}:{quote(password.reveal(), safe='')}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def _email(sources: Sequence[Mapping[str, Any]]) -> tuple[str, bool]:
    """The address, and whether it is verified, both said by one of the sources: what one says of
    its address is not about that of another. One that is verified counts first.
    """
    found: list[tuple[str, bool]] = []
    for said in sources:
        email = said.get("email")
        if isinstance(email, str) and "@" in email:
            # Some providers say it as a text.
            found.append((email, said.get("email_verified") in (True, "true")))
    if not found:
        raise SignOnRefused("the provider does not tell an e-mail address; give it the scope email")
    return next((pair for pair in found if pair[1]), found[0])


def _claims(said: Mapping[str, Any], email: str, verified: bool) -> Claims:
    subject = said.get("sub")
    if not isinstance(subject, str) or not subject:
        raise SignOnRefused("the provider does not say who signed in")
    name, username = said.get("name"), said.get("preferred_username")
    return Claims(
        subject=subject,
        # An address that is not verified may be anybody's, and invitations go by names too.
        username=_first(username, email if verified else None) or subject,
        email=email,
        email_verified=verified,
        name=_first(name, email),
        groups=groups_of(said.get("groups")),
    )


def _first(*said: object) -> str:
    return next((one for one in said if isinstance(one, str) and one), "")


def groups_of(said: object) -> Sequence[str]:
    """Group names from a claim: a list of texts, or one. Raises SignOnRefused for too many."""
    listed = [said] if isinstance(said, str) else said if isinstance(said, list) else []
    names = list(dict.fromkeys(name for name in listed if isinstance(name, str) and name))
    if len(names) > MAX_GROUPS:
        raise SignOnRefused(f"the provider names more than {MAX_GROUPS} groups")
    return names
