"""Signing in with an identity provider's word: out to it, and back.

A sign-on is a row that is used once, within ten minutes, by the browser that began it, and under
the settings that it began with. Providers are asked between transactions, never within one.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import timedelta

from gantry.domains.identity_providers import repo, rules, service
from gantry.domains.identity_providers.kinds import ProviderKind
from gantry.domains.identity_providers.model import IdentityProvider, SignOnAttempt
from gantry.domains.notifications import service as notifications
from gantry.domains.notifications.kinds import Group, Severity
from gantry.domains.people import admission
from gantry.domains.people import service as people
from gantry.domains.people.model import Identity
from gantry.domains.people.service import SignIn
from gantry.kernel.errors import TooMany, UserError
from gantry.kernel.secret import Secret
from gantry.kernel.texts import can_be_kept
from gantry.kernel.tx import SYSTEM, Tx
from gantry.ports.db import Db
from gantry.ports.sign_on import Claims, Protocols, ProviderUnusable, SignOnRefused
from gantry.ports.vault import Vault

LASTS = timedelta(minutes=10)
"""For somebody to sign in at the provider, second factor and all."""
BEGUN_LIMIT = 300
"""Sign-ons that may be under way from one address: a whole company may be behind it."""
TOKEN_SESSION = timedelta(hours=1)
"""A session for a personal token of GitHub (contract notes: one hour)."""


PERSONAL = ("ghp_", "github_pat_")
"""How personal tokens of GitHub begin. Others (gho_, ghu_, …) people give to applications, whose
makers are not to sign in with them."""

A_TOKEN = "a personal token"  # noqa: S105 - words
"""By what name guesses of such tokens are counted: nobody knows whose they are."""


class NoSuchLogin(UserError):
    """A way of signing in that this installation does not offer."""

    code = "NO_SUCH_LOGIN"


class SignOnOver(UserError):
    """A sign-on that is not, or not any more, this browser's to end."""

    code = "SIGN_ON_OVER"
    status = 403

    def __init__(self) -> None:
        super().__init__(
            "unauthorized: this sign-in was begun in another browser, took longer than ten"
            " minutes, or was used already; begin again"
        )


@dataclass(frozen=True, slots=True)
class Premises:
    """What sign-on needs of the installation."""

    db: Db
    vault: Vault
    protocols: Protocols
    base_url: str
    session_lasts: timedelta


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the browser goes, and what it has to bring back."""

    location: str
    browser: Secret


@dataclass(frozen=True, slots=True)
class Arrived:
    """Somebody is signed in, and wanted to go here."""

    signed_in: SignIn
    return_to: str


@dataclass(frozen=True, slots=True)
class Kept:
    """A SAML response was good, and waits to be collected by who has both of these and the cookie
    of the browser that began.
    """

    state: str
    ticket: Secret
    """Only the browser that brought the response gets it."""


async def begin(there: Premises, *, browser: str, return_to: str, address: str) -> Begun:
    """Begin a sign-on. `browser` is what the browser has from an earlier one, if anything: so
    that two of its windows may sign in at once.

    Raises NoSuchLogin, TooMany, ProviderUnusable.
    """
    mark = browser if rules.is_browser(browser) else secrets.token_urlsafe(32)
    # An XML id may not begin with a digit.
    state, nonce = f"s{secrets.token_urlsafe(32)}", secrets.token_urlsafe(32)
    verifier = Secret(secrets.token_urlsafe(48))
    async with there.db.write(SYSTEM) as tx:
        provider = await _provider(tx)
        # Counted where it is kept: many at once are not all counted before the first is there.
        await repo.hold_address(tx, address)
        if await repo.attempts_from(tx, address) >= BEGUN_LIMIT:
            raise TooMany("Too many sign-ins were begun from your address; wait ten minutes.")
        tx.session.add(
            SignOnAttempt(
                id=state,
                revision=provider.revision,
                browser=rules.digest(mark),
                nonce=nonce,
                verifier_sealed=there.vault.seal(
                    verifier.reveal().encode(), identity=f"sign_on_attempt:{state}"
                ),
                return_to=rules.local_path(return_to),
                address=address,
                created_at=tx.now,
                expires_at=tx.now + LASTS,
            )
        )
        begun_at = tx.now
    async with _telling(there):
        if provider.kind is ProviderKind.OIDC:
            oidc = service.oidc_settings(provider, there.vault, there.base_url)
            location = await there.protocols.oidc.begin(
                oidc, state=state, nonce=nonce, verifier=verifier
            )
        elif provider.kind is ProviderKind.GITHUB:
            github = service.github_settings(provider, there.vault, there.base_url)
            location = there.protocols.github.begin(github, state=state, verifier=verifier)
        else:
            saml = service.saml_settings(provider, there.base_url)
            location = await there.protocols.saml.begin(saml, request_id=state, now=begun_at)
    return Begun(location, Secret(mark))


async def come_back(
    there: Premises, kind: ProviderKind, *, state: str, code: str, browser: str, address: str
) -> Arrived:
    """The browser is back from a provider of OAuth, with a code; without one the provider refused.

    Raises NoSuchLogin, SignOnOver, SignOnRefused, ProviderUnusable, NotInvited.
    """
    async with _noting(there, kind, address):
        provider, attempt = await _used(there, kind, state, browser, answered=False)
        if not code:
            raise SignOnRefused("the identity provider did not sign you in")
        verifier = Secret(_opened(there, attempt.verifier_sealed, attempt.id))
        if kind is ProviderKind.OIDC:
            claims = await there.protocols.oidc.finish(
                service.oidc_settings(provider, there.vault, there.base_url),
                code=code,
                nonce=attempt.nonce,
                verifier=verifier,
                now=attempt.used_at or attempt.created_at,
            )
        else:
            claims = await there.protocols.github.finish(
                service.github_settings(provider, there.vault, there.base_url),
                code=code,
                verifier=verifier,
            )
    signed_in = await _admitted(there, provider, claims, there.session_lasts, address)
    return Arrived(signed_in, attempt.return_to)


async def take_response(there: Premises, response: str, *, address: str) -> Kept:
    """A SAML response came, from whatever site: keep what it proves until the browser that brought
    it comes for it. That it is also the one that began shows only then: what another site has a
    browser post carries no cookie of ours.

    Raises NoSuchLogin, SignOnOver, SignOnRefused, ProviderUnusable, Unsolicited.
    """
    async with there.db.read(SYSTEM) as tx:
        provider = await _provider(tx, ProviderKind.SAML)
        now = tx.now
    settings = service.saml_settings(provider, there.base_url)
    async with _noting(there, ProviderKind.SAML, address):
        found = await there.protocols.saml.finish(settings, response, now=now)
        state, name = found.answers, f"sign_on_attempt:{found.answers}"
        ticket = secrets.token_urlsafe(32)
        said = {"claims": asdict(found.claims), "ticket": rules.digest(ticket)}
        answer = there.vault.seal(json.dumps(said).encode(), identity=name)
        used = rules.digest(str(settings.provider), found.id)
        async with there.db.write(SYSTEM) as tx:
            # Both or neither: whatever is missing undoes the other.
            kept = await repo.keep_answer(tx, state, provider.revision, answer)
            if not kept or not await repo.use_assertion(tx, used, found.until):
                raise SignOnOver
    return Kept(state, Secret(ticket))


async def collect(
    there: Premises, *, state: str, ticket: str, browser: str, address: str
) -> Arrived:
    """The browser that began, and that brought a SAML response, comes for what that has proved.

    The cookie alone would let in whoever began and had somebody else sign in; the ticket alone,
    whoever has somebody follow a link. What has not both uses nothing up.

    Raises NoSuchLogin, SignOnOver, NotInvited.
    """
    async with _noting(there, ProviderKind.SAML, address):
        claims = await _waiting(there, state, ticket)
        provider, attempt = await _used(there, ProviderKind.SAML, state, browser, answered=True)
    signed_in = await _admitted(there, provider, claims, there.session_lasts, address)
    return Arrived(signed_in, attempt.return_to)


async def sign_in_token(there: Premises, token: str, *, address: str) -> SignIn:
    """Sign in the owner of a personal token of GitHub, where that is who vouches for people.

    Raises NoSuchLogin, TooMany, SignOnRefused, ProviderUnusable, NotInvited.
    """
    async with there.db.write(SYSTEM) as tx:
        provider = await repo.find(tx)
        if provider is None or provider.kind is not ProviderKind.GITHUB:
            raise NoSuchLogin("unauthorized: GitHub does not vouch for people here; use an API key")
        waits = await people.in_turn(tx, f"{provider.kind.source}::", address, A_TOKEN)
    people.arrived(waits)
    settings = service.github_settings(provider, there.vault, there.base_url)
    try:
        async with _noting(there, ProviderKind.GITHUB, address):
            if not token.startswith(PERSONAL):
                raise SignOnRefused("this is no personal token of GitHub")
            claims = await there.protocols.github.owner_of(settings, Secret(token))
    except SignOnRefused:
        async with there.db.write(SYSTEM) as tx:
            await people.require_patience(tx, address, A_TOKEN)
            people.count_failure(tx, address, A_TOKEN)
        raise
    return await _admitted(there, provider, claims, TOKEN_SESSION, address)


async def _provider(tx: Tx, kind: ProviderKind | None = None) -> IdentityProvider:
    provider = await repo.find(tx)
    if provider is None or (kind is not None and provider.kind is not kind):
        raise NoSuchLogin("unauthorized: this installation has no such identity provider")
    return provider


async def _waiting(there: Premises, state: str, ticket: str) -> Claims:
    """What was vouched for in the response that this ticket was given for."""
    async with there.db.read(SYSTEM) as tx:
        await _provider(tx, ProviderKind.SAML)
        sealed = await repo.answer(tx, state) if can_be_kept(state) else None
    if sealed is None:
        raise SignOnOver
    said = json.loads(_opened(there, sealed, state))
    if not can_be_kept(ticket) or not hmac.compare_digest(
        str(said.get("ticket")), rules.digest(ticket)
    ):
        raise SignOnOver
    return Claims(**said["claims"])


async def _used(
    there: Premises, kind: ProviderKind, state: str, browser: str, *, answered: bool
) -> tuple[IdentityProvider, SignOnAttempt]:
    """The sign-on, which is used from now on, and the provider that it began with."""
    async with there.db.write(SYSTEM) as tx:
        provider = await _provider(tx, kind)
        if not can_be_kept(state):
            raise SignOnOver
        attempt = await repo.use_attempt(tx, state, rules.digest(browser), answered=answered)
        if attempt is None or attempt.revision != provider.revision:
            raise SignOnOver
        return provider, attempt


async def _admitted(
    there: Premises,
    provider: IdentityProvider,
    claims: Claims,
    lasts: timedelta,
    address: str,
) -> SignIn:
    identity = Identity(
        source=provider.kind.source,
        subject=claims.subject,
        username=claims.username,
        email=claims.email,
        email_verified=claims.email_verified,
        name=claims.name,
        groups=frozenset(claims.groups),
    )
    async with there.db.write(SYSTEM) as tx:
        # Whoever changes the provider meanwhile waits, and then ends this session as well.
        if not await repo.still(tx, provider.revision):
            raise SignOnOver
        await notifications.settle(tx, Group.IDENTITY_PROVIDER_UNUSABLE, "")
        found = await admission.admit(
            tx, there.vault, identity, audience=there.base_url, lasts=lasts, address=address
        )
    if isinstance(found, UserError):
        raise found
    return found


@asynccontextmanager
async def _noting(there: Premises, kind: ProviderKind, address: str) -> AsyncIterator[None]:
    """What proves nobody leaves an entry in the trail; of many from one address, the first do."""
    try:
        async with _telling(there):
            yield
    except (SignOnRefused, SignOnOver) as error:
        async with there.db.write(SYSTEM) as tx:
            with suppress(TooMany):
                await people.require_patience(tx, address, kind.source)
                people.count_failure(tx, address, kind.source)
                people.note_refusal(tx, f"{kind.source}::", address, why=error.message)
        raise


@asynccontextmanager
async def _telling(there: Premises) -> AsyncIterator[None]:
    """Administrators are told of a provider that cannot be used: nobody can sign in by it."""
    try:
        yield
    except ProviderUnusable as error:
        async with there.db.write(SYSTEM) as tx:
            await notifications.tell(
                tx,
                Group.IDENTITY_PROVIDER_UNUSABLE,
                "",
                severity=Severity.ERROR,
                title="Nobody can sign in by the identity provider",
                body=f"{error.message} This is what the last sign-in that failed came to.",
            )
        raise


def _opened(there: Premises, sealed: bytes, attempt_id: str) -> str:
    return there.vault.open(sealed, identity=f"sign_on_attempt:{attempt_id}").decode()
