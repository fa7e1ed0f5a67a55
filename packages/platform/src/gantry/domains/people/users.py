"""What can be done with users: those who were invited, and those who have come.

The built-in admin is none of them: it comes from the settings, and goes with them. What is given
to users, `roles.members` looks after.
"""

from __future__ import annotations

from collections.abc import Sequence

from gantry.domains.people import access, service, user_repo
from gantry.domains.people.model import NO_SOURCE, Scheme, User
from gantry.domains.people.rules import (
    INVITATION_LASTS,
    BadUser,
    Status,
    checked_email,
    checked_slack_id,
    checked_username,
    status,
)
from gantry.domains.people.service import ADMIN_SOURCE
from gantry.kernel.errors import Conflict, NotFound
from gantry.kernel.ids import new_id
from gantry.kernel.tx import Tx

SPACE_ID_MAX = 300
"""Characters: a slug and a ULID."""


async def listed(tx: Tx) -> list[User]:
    """Every user, the oldest first. Needs root admin."""
    access.require_admin(tx)
    return await user_repo.managed(tx, [ADMIN_SOURCE])


async def find(tx: Tx, user_id: str, *, lock: bool = False) -> User:
    """The user. Needs root admin. Raises NotFound, also for the built-in admin."""
    access.require_admin(tx)
    user = await user_repo.find(tx, user_id, lock=lock)
    if user is None or user.source == ADMIN_SOURCE:
        raise NotFound("user not found")
    return user


async def statuses(tx: Tx, ids: Sequence[str]) -> dict[str, Status]:
    """How far each of the users has come. Not authorised; whoever shows them is."""
    return {
        user.id: status(
            invited=user.source == NO_SOURCE,
            inactive=user.inactive_at is not None,
            expires_at=user.invitation_expires_at,
            now=tx.now,
        )
        for user in (await user_repo.by_ids(tx, ids)).values()
    }


async def invite(tx: Tx, *, username: str, email: str | None) -> User:
    """Whoever signs in with this verified address may enter, for a day; without one, whoever
    signs in by this name.

    Needs root admin. Raises BadUser, Conflict for who is invited or has come already.
    """
    access.require_admin(tx)
    username, email = checked_username(username), checked_email(email)
    management = await user_repo.management(tx, hold=True)
    waiting = await user_repo.invitation_by_name(tx, username)
    if waiting is None and email is not None:
        waiting = await user_repo.invitation_by_email(tx, email)
    if waiting is not None:
        raise Conflict(f'"{waiting.username}" is invited already; send that invitation again.')
    if await user_repo.name_taken(tx, username):
        raise Conflict(
            f'There is a user "{username}". If their identity provider is no more, send them an'
            " invitation again instead."
        )
    user = User(
        id=new_id(),
        source=NO_SOURCE,
        username=username,
        created_at=tx.now,
        last_seen_at=tx.now,
        groups=[],
        invitation_email=email,
    )
    _invite(tx, user, management.scheme)
    tx.session.add(user)
    await tx.session.flush()
    return user


async def invite_again(tx: Tx, user_id: str) -> User:
    """The invitation counts for another day; whoever is inactive is invited anew, and keeps what
    was given to them. Needs root admin. Raises NotFound, Conflict for who has come.
    """
    access.require_admin(tx)
    management = await user_repo.management(tx, hold=True)
    user = await find(tx, user_id, lock=True)
    if user.source != NO_SOURCE:
        if user.inactive_at is None:
            raise Conflict(f'"{user.username}" has accepted the invitation already.')
        if await user_repo.invitation_by_name(tx, user.username) is not None:
            raise Conflict(f'Another user "{user.username}" is invited already.')
        user.source, user.inactive_at, user.groups = NO_SOURCE, None, []
    _invite(tx, user, management.scheme)
    await tx.session.flush()
    return user


async def set_slack_member(tx: Tx, user_id: str, member_id: str) -> User:
    """Who the user is on Slack; empty: nobody. Needs root admin. Raises NotFound, BadUser."""
    user = await find(tx, user_id, lock=True)
    user.slack_member_id = checked_slack_id(member_id)
    return user


async def delete(tx: Tx, user_id: str) -> User:
    """The user is gone, and so are their sessions, at once. Needs root admin. Raises NotFound."""
    user = await find(tx, user_id, lock=True)
    await user_repo.remove(tx, user)
    return user


async def ask_to_be_invited(tx: Tx, *, username: str, email: str, address: str) -> None:
    """Somebody who may not enter asks administrators for it; they read it in the audit trail.

    Nothing is said of who is there. Raises BadUser, and TooMany for who asks too often.
    """
    checked_username(username)
    checked_email(email)
    await service.slow_down(tx, address, "to be invited")


async def ask_for_rights(tx: Tx, space_id: str) -> None:
    """Somebody who has signed in asks for more; administrators read it in the audit trail.

    Whether the space is there is not said: whoever asks may not see it. Raises BadUser for what
    is no space's id, and TooMany for who asks too often.
    """
    if not space_id or len(space_id) > SPACE_ID_MAX:
        raise BadUser(f"A space's id has 1 to {SPACE_ID_MAX} characters.")
    await service.slow_down(tx, tx.actor.id, "for rights")


def _invite(tx: Tx, user: User, scheme: Scheme) -> None:
    user.invited_at, user.invited_by = tx.now, tx.actor.name
    # Without user management an invitation opens nothing: it waits, and its day begins then.
    begins = scheme is Scheme.USER_MANAGEMENT
    user.invitation_expires_at = tx.now + INVITATION_LASTS if begins else None
