"""Signing in, and recognising who has signed in."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from gantry.domains.audit import service as audit
from gantry.domains.audit.kinds import Resource
from gantry.domains.people import access, repo
from gantry.domains.people.events import SessionsChanged
from gantry.domains.people.model import (
    NO_SOURCE,
    ApiKey,
    LoginFailure,
    Session,
    SessionGroups,
    User,
)
from gantry.kernel.errors import TooMany, Unauthenticated
from gantry.kernel.ids import is_ulid, new_id
from gantry.kernel.secret import Secret
from gantry.kernel.texts import keepable
from gantry.kernel.tx import Actor, Tx
from gantry.ports.passwords import Passwords
from gantry.ports.vault import InvalidToken, Vault

SESSION_PURPOSE = "session"
API_KEY_SOURCE = "api"
ADMIN_SOURCE = "admin"

FAILURES_ALLOWED = 10
"""Sign-ins that may fail per address and name within the window below; then that pair waits."""
FAILURE_WINDOW = timedelta(minutes=5)

USER_ISSUER = "gantry"
"""Who signs the tokens of people, as clients read it."""

NAME_NOTED = 100
"""Characters of a name that could not sign in, as the audit trail keeps it."""

API_TOKEN_LASTS = timedelta(hours=1)
"""A token from `apiKeyUser` (contract notes: one hour)."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """A fresh session: its token, when it ends, and who it is."""

    token: Secret
    valid_until: int
    actor: Actor


async def sign_in_admin(
    tx: Tx,
    vault: Vault,
    *,
    username: str,
    password: str,
    expected_username: str | None,
    expected_password: Secret | None,
    audience: str,
    lasts: timedelta,
    address: str,
) -> SignIn | TooMany | None:
    """Sign the built-in admin in; None when the name or the password is wrong, TooMany after
    FAILURES_ALLOWED failures in FAILURE_WINDOW.

    A refusal is an answer, so that the failure and its entry are kept: `arrived` raises it.
    """
    name = f"{ADMIN_SOURCE}::{username}"
    if waits := await in_turn(tx, name, address, username):
        return waits
    right = expected_password is not None and bool(expected_password)
    # Both are compared whatever the first says, so that time tells nothing.
    name_fits = Secret(expected_username or "").matches(username)
    password_fits = expected_password is not None and expected_password.matches(password)
    if not (right and expected_username and name_fits and password_fits):
        count_failure(tx, address, username)
        note_refusal(tx, name, address)
        return None
    user = await repo.remember_user(tx, source=ADMIN_SOURCE, username=username, admin=True)
    session = Session(
        id=new_id(),
        user_id=user.id,
        created_at=tx.now,
        expires_at=tx.now + lasts,
        address=address,
        credential=admin_mark(vault, expected_password),
    )
    actor = user_actor(user, session.id)
    return opened(tx, vault, session, actor, issuer=USER_ISSUER, audience=audience)


async def sign_in_api_key(
    tx: Tx,
    vault: Vault,
    passwords: Passwords,
    *,
    key_id: str,
    secret: str,
    audience: str,
    address: str,
) -> SignIn | TooMany | None:
    """Exchange an API key for a token; None when there is no such key, it has expired, or the
    secret is wrong; TooMany as of `sign_in_admin`.
    """
    # Whoever waits already costs no hashing. The secret is looked at before the turn is taken: it
    # takes long, and programs that share a key would wait for each other.
    if waits := await _waiting(tx, _subject(address, key_id)):
        return _refused(tx, waits, key_name(key_id), address)
    # Whatever has another form is no key, as everybody knows: that costs no hashing either.
    formed = is_ulid(key_id)
    key = await repo.api_key(tx, key_id) if formed else None
    fits = formed and await passwords.fits(key.secret_hash if key is not None else None, secret)
    if waits := await in_turn(tx, key_name(key_id), address, key_id):
        return waits
    over = key is not None and key.expires_at is not None and key.expires_at <= tx.now
    if key is None or not fits or over:
        fail_key(tx, key_id, address)
        return None
    traits = (await repo.traits_by_ids(tx, [key.id])).get(key.id)
    groups = traits.teams if traits is not None else []
    return await open_for_key(tx, vault, key, audience=audience, address=address, groups=groups)


def arrived(found: SignIn | TooMany | None) -> SignIn | None:
    """What a sign-in came to, when its transaction is kept. Raises TooMany."""
    if isinstance(found, TooMany):
        raise found
    return found


def key_name(key_id: str) -> str:
    """What a key is called in histories."""
    return f"{API_KEY_SOURCE}::{key_id}"


def fail_key(tx: Tx, key_id: str, address: str, *, why: str = "") -> None:
    """Somebody did not get in with a key: that counts, and the trail keeps it."""
    count_failure(tx, address, key_id)
    note_refusal(tx, key_name(key_id), address, why=why)


async def open_for_key(
    tx: Tx,
    vault: Vault,
    key: ApiKey,
    *,
    audience: str,
    address: str,
    groups: Sequence[str],
    claimed: Sequence[str] = (),
) -> SignIn:
    """A session of the key. `groups` are the key's own; those `claimed` last with the session."""
    key.last_used_at = tx.now
    until = tx.now + API_TOKEN_LASTS
    session = Session(
        id=new_id(),
        api_key_id=key.id,
        created_at=tx.now,
        expires_at=until if key.expires_at is None else min(until, key.expires_at),
        address=address,
    )
    actor = _key_actor(key, session.id, frozenset([*groups, *claimed]))
    signed_in = opened(tx, vault, session, actor, issuer="api-key", audience=audience)
    if claimed:
        await tx.session.flush()
        tx.session.add(SessionGroups(session_id=session.id, groups=list(claimed)))
    return signed_in


def admin_mark(vault: Vault, password: Secret | None) -> str:
    """What ties the admin's sessions to the present password; empty when sign-in is off."""
    return vault.sign_url(_marked(password)) if password else ""


def _marked(password: Secret) -> str:
    return f"admin password\n{password.reveal()}"


async def recognise(
    tx: Tx, vault: Vault, token: str, *, audience: str, admin_password: Secret | None
) -> Actor:
    """Who a session token speaks for. The admin's end with the password they were opened with.

    Raises InvalidToken when it is forged, expired, for something else, or was ended.
    """
    signed = vault.verify(token, audience=audience, purpose=SESSION_PURPOSE)
    found = await repo.session_with_owner(tx, signed.subject)
    if found is None:
        raise InvalidToken("the session has ended; sign in again")
    session, user, key = found.session, found.user, found.key
    if user is not None:
        if user.inactive_at is not None or user.source == NO_SOURCE:
            raise InvalidToken("the session has ended; sign in again")
        if user.source == ADMIN_SOURCE:
            # Marks of earlier data keys count as well: they are the same password's.
            mark = session.credential or ""
            if not admin_password or not vault.check_url(_marked(admin_password), mark):
                raise InvalidToken("the admin password was changed; sign in again")
        return user_actor(user, session.id)
    if key is not None:
        return _key_actor(key, session.id, found.groups)
    raise InvalidToken("the session has ended; sign in again")


async def sign_out(tx: Tx) -> None:
    """End the session that the request came with. Raises Unauthenticated without one."""
    if tx.actor.session_id is None:
        raise Unauthenticated
    await repo.end_session(tx, tx.actor.session_id)
    tx.emit(SessionsChanged(tx.actor.name))


async def forget_old(tx: Tx) -> None:
    """Drop what no longer matters: sessions over for a day, failures past their window."""
    await repo.forget(tx, tx.now - timedelta(days=1))


def opened(
    tx: Tx, vault: Vault, session: Session, actor: Actor, *, issuer: str, audience: str
) -> SignIn:
    """The session begins, with its entry in the trail and its token."""
    tx.session.add(session)
    tx.emit(SessionsChanged(actor.name))
    audit.record(tx, "login", Resource.LOGIN, session.id, by=actor, address=session.address or "")
    valid_until = int(session.expires_at.timestamp())
    token = vault.sign(
        {
            "iss": issuer,
            # Exactly one entry, the account's address: clients take their endpoint from it.
            "aud": [audience],
            "sub": session.id,
            "purpose": SESSION_PURPOSE,
            "iat": int(session.created_at.timestamp()),
            "exp": valid_until,
        }
    )
    return SignIn(Secret(token), valid_until, actor)


def note_refusal(tx: Tx, name: str, address: str, *, why: str = "") -> None:
    """Somebody was not let in: the trail keeps that, if the transaction is kept."""
    # What somebody typed may be of any length, and may be a password in the wrong place.
    known = name if len(name) <= NAME_NOTED else f"{name[:NAME_NOTED]}…"
    by = Actor("anonymous", "anonymous", name=keepable(known))
    given = {"reason": why} if why else None
    audit.record(tx, "login.refused", Resource.LOGIN, None, given=given, by=by, address=address)


def owner_of(session: Session, user: User | None, key: ApiKey | None) -> str | None:
    """The name of whoever the session is of; None when they are gone."""
    if user is not None:
        return user_actor(user, session.id).name
    return _key_actor(key, session.id).name if key is not None else None


def user_actor(user: User, session_id: str | None) -> Actor:
    """The user as somebody who asks; what they were given is not looked up yet."""
    return Actor(
        "user",
        user.id,
        name=f"{user.source}::{user.username}",
        everywhere=access.EVERYTHING if user.admin else frozenset(),
        groups=frozenset(user.groups),
        session_id=session_id,
    )


def _key_actor(key: ApiKey, session_id: str, groups: frozenset[str] = frozenset()) -> Actor:
    return Actor(
        "api_key",
        key.id,
        name=key_name(key.id),
        everywhere=access.EVERYTHING if key.admin else frozenset(),
        groups=groups,
        session_id=session_id,
    )


def _subject(address: str, name: str) -> str:
    """What failures are counted by: a pair, so that nobody can lock others out from elsewhere.

    A digest, because what a client sends may be of any length.
    """
    # JSON may bring lone surrogates, which must not fail here.
    return hashlib.sha256(f"{address}\n{name}".encode(errors="surrogatepass")).hexdigest()


async def in_turn(tx: Tx, name: str, address: str, given: str) -> TooMany | None:
    """As `require_patience` of what was `given` as a name; but TooMany is an answer, and the trail
    keeps that `name` was not even looked at.
    """
    try:
        await require_patience(tx, address, given)
    except TooMany as waits:
        return _refused(tx, waits, name, address)
    return None


async def require_patience(tx: Tx, address: str, name: str) -> None:
    """Raises TooMany for who failed too often to sign in by this name from there.

    Until the transaction ends, others who do so wait: many at once are not all let through before
    the first of them has failed.
    """
    subject = _subject(address, name)
    await repo.hold_subject(tx, subject)
    if waits := await _waiting(tx, subject):
        raise waits


def count_failure(tx: Tx, address: str, name: str) -> None:
    """Somebody failed to sign in by this name from there."""
    tx.session.add(LoginFailure(subject=_subject(address, name), at=tx.now))


async def slow_down(tx: Tx, who: str, what: str) -> None:
    """Count that somebody asks for something. Raises TooMany, as after failed sign-ins."""
    subject = _subject(who, f"asks {what}")
    await repo.hold_subject(tx, subject)
    if await _waiting(tx, subject):
        raise TooMany("You have asked often enough; wait five minutes.")
    count_failure(tx, who, f"asks {what}")


async def _waiting(tx: Tx, subject: str) -> TooMany | None:
    if await repo.failures_since(tx, subject, tx.now - FAILURE_WINDOW) < FAILURES_ALLOWED:
        return None
    return TooMany(
        "Too many failed sign-ins; wait five minutes and try again.", detail=f"subject={subject}"
    )


def _refused(tx: Tx, waits: TooMany, name: str, address: str) -> TooMany:
    note_refusal(tx, name, address, why=waits.message)
    return waits
