"""Letting people in whom an identity provider vouches for.

Whoever was let in before is known by the provider's own id of them, and by nothing else. Anybody
new was invited, or is in a group that the account knows; an invitation is accepted once.
"""

from __future__ import annotations

from datetime import timedelta

from gantry.domains.people import service, user_repo
from gantry.domains.people.model import NO_SOURCE, Identity, Scheme, Session, User
from gantry.domains.people.rules import GROUP_NAME_MAX, USERNAME_MAX
from gantry.domains.people.service import ADMIN_SOURCE, API_KEY_SOURCE, USER_ISSUER, SignIn
from gantry.kernel.errors import UserError
from gantry.kernel.ids import new_id
from gantry.kernel.texts import can_be_kept
from gantry.kernel.tx import Tx
from gantry.ports.vault import Vault

MAX_GROUPS = 1000
"""Groups that are kept of somebody: they are read with each request. Those that the account knows
come first."""

SUBJECT_MAX = 1000
"""Characters of a provider's own id of somebody; OpenID Connect has 255 at most, SAML 256."""
NO_ID = (
    f"unauthorized: the identity provider has to say an id of you of 1 to {SUBJECT_MAX} characters."
)

NOT_THEIRS = (
    "unauthorized: the invitation by this name is for an e-mail address that the identity provider"
    " does not say is verified as yours; ask an administrator to invite you at another address, or"
    " by a name alone."
)

_OURS = (NO_SOURCE, ADMIN_SOURCE, API_KEY_SOURCE)
"""Sources that no identity provider may be called by."""


class NotInvited(UserError):
    """The identity provider knows them; the account does not let them in."""

    code = "NOT_INVITED"
    status = 403


async def admit(
    tx: Tx,
    vault: Vault,
    identity: Identity,
    *,
    audience: str,
    lasts: timedelta,
    address: str,
) -> SignIn | NotInvited:
    """Sign in somebody whom an identity provider vouches for. The caller has checked its word.

    A refusal is an answer, so that its entry in the trail is kept: raise it when the transaction
    has ended. The user is found by source and subject, or made; what the provider says of them is
    remembered.
    """
    if identity.source in _OURS:
        raise ValueError("an identity has a source of its own")
    subject = identity.subject
    fit = bool(subject) and len(subject) <= SUBJECT_MAX and can_be_kept(subject)
    user = await user_repo.by_identity(tx, identity) if fit else None
    groups = [one for one in identity.groups if len(one) <= GROUP_NAME_MAX and can_be_kept(one)]
    known = await user_repo.known_groups(tx, groups)
    if user is None:
        found = await _newcomer(tx, identity, member=bool(known)) if fit else NotInvited(NO_ID)
        if isinstance(found, NotInvited):
            name = f"{identity.source}::{identity.username}"
            service.note_refusal(tx, name, address, why=found.message)
            return found
        user = found
    _remember(tx, user, identity)
    # Names that no group can have are left out; the account's own come first, if there are many.
    user.groups = sorted(sorted(groups, key=lambda one: (one not in known, one))[:MAX_GROUPS])
    await tx.session.flush()
    session = Session(
        id=new_id(),
        user_id=user.id,
        created_at=tx.now,
        expires_at=tx.now + lasts,
        address=address,
    )
    actor = service.user_actor(user, session.id)
    return service.opened(tx, vault, session, actor, issuer=USER_ISSUER, audience=audience)


async def provider_changed(tx: Tx) -> None:
    """Another identity provider vouches from now on, or none: nobody whom the one before knew is
    known any more, and their sessions end. The caller has asked for rights.
    """
    await user_repo.management(tx, hold=True)
    await user_repo.forget_all_identities(tx)


async def _newcomer(tx: Tx, identity: Identity, *, member: bool) -> User | NotInvited:
    """Whoever signs in for the first time, if they may."""
    management = await user_repo.management(tx, hold=True)
    # Whoever held it before may have let in the same person, at another server.
    user = await user_repo.by_identity(tx, identity)
    if user is not None:
        return user
    if management.scheme is not Scheme.USER_MANAGEMENT:
        return NotInvited("unauthorized: this account lets nobody in by invitation at present.")
    name = identity.username
    if not name or len(name) > USERNAME_MAX or not can_be_kept(name):
        return NotInvited(
            f"unauthorized: the identity provider has to say a user name of 1 to {USERNAME_MAX}"
            " characters."
        )
    invited = await _invitation(tx, identity)
    theirs = invited is None or _is_theirs(invited, identity)
    if not theirs:
        invited = None
    expires = None if invited is None else invited.invitation_expires_at
    valid = expires is not None and expires > tx.now
    if not valid and not member:
        if not theirs:
            return NotInvited(NOT_THEIRS)
        return NotInvited(
            "unauthorized: nobody has invited you to this account; ask one of its administrators."
            if invited is None
            else "unauthorized: your invitation has expired; ask an administrator to send it again."
        )
    if not valid:
        # What an expired invitation promised is not theirs, though they come with a group.
        invited = None
    username = invited.username if invited is not None else name
    if await user_repo.by_name(tx, identity.source, username) is not None:
        return NotInvited(
            f'unauthorized: somebody else signed in as "{username}" before; an administrator has to'
            " delete that user, or to invite them again, first."
        )
    if invited is None:
        user = User(id=new_id(), username=name, created_at=tx.now, groups=[])
        tx.session.add(user)
    else:
        user = invited
    user.source, user.inactive_at = identity.source, None
    user.last_seen_at = tx.now
    await tx.session.flush()
    await user_repo.remember_identity(tx, user.id, identity)
    return user


async def _invitation(tx: Tx, identity: Identity) -> User | None:
    """A verified address counts for more than a name, which people may choose."""
    email = _verified(identity)
    if email is not None and can_be_kept(email):
        found = await user_repo.invitation_by_email(tx, email)
        if found is not None:
            return found
    return await user_repo.invitation_by_name(tx, identity.username)


def _is_theirs(invited: User, identity: Identity) -> bool:
    """Whether who has the name of an invitation may accept it. If that is for an address, or its
    name is one, the address has to be verified as theirs: names people may choose.
    """
    email = (_verified(identity) or "").lower()
    if invited.invitation_email is not None:
        return invited.invitation_email.lower() == email
    return "@" not in invited.username or invited.username.lower() == email


def _verified(identity: Identity) -> str | None:
    return identity.email if identity.email_verified else None


def _remember(tx: Tx, user: User, identity: Identity) -> None:
    """What the provider says of them now."""
    user.email = identity.email if identity.email and can_be_kept(identity.email) else None
    user.name = identity.name if identity.name and can_be_kept(identity.name) else None
    user.last_sign_in_at = user.last_seen_at = tx.now
