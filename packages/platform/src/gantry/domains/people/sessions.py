"""Who is signed in, and how to end that: one's own sessions, and for root admins everybody's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from gantry.domains.people import access, repo
from gantry.domains.people.actions import Action
from gantry.domains.people.events import SessionsChanged
from gantry.domains.people.model import ApiKey, Session, User
from gantry.domains.people.repo import Owner
from gantry.domains.people.service import USER_ISSUER, SignIn, opened, owner_of
from gantry.kernel.errors import NotAllowed, NotFound, Unauthenticated
from gantry.kernel.ids import new_id
from gantry.kernel.tx import Tx
from gantry.ports.vault import Vault

SHOWN = 500
"""Sessions in one list. A program with a key opens one an hour; more are not looked through."""


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session that goes on, and whose it is."""

    session: Session
    user: User | None
    key: ApiKey | None


async def listed(tx: Tx, *, everybody: bool) -> list[OpenSession]:
    """Those that go on, the newest first. Everybody's need root admin."""
    rows = await repo.open_sessions(tx, _reach(tx, everybody=everybody), most=SHOWN)
    return [OpenSession(*row) for row in rows]


async def end(tx: Tx, session_id: str) -> OpenSession:
    """The session is over, wherever it is used. Raises NotFound, also for another's."""
    admin = access.may(tx.actor, Action.SPACE_ADMIN, "root")
    row = await repo.open_session(tx, session_id, None if admin else _own(tx))
    if row is None:
        raise NotFound("session not found")
    await repo.end_sessions(tx, [session_id])
    tx.emit(SessionsChanged(owner_of(*row)))
    return OpenSession(*row)


async def end_others(tx: Tx, *, everybody: bool) -> list[OpenSession]:
    """All but the one that this request came with are over. Everybody's need root admin."""
    rows = await repo.open_sessions(tx, _reach(tx, everybody=everybody))
    ended = [OpenSession(*row) for row in rows if row[0].id != tx.actor.session_id]
    await repo.end_sessions(tx, [one.session.id for one in ended])
    if ended:
        tx.emit(SessionsChanged(None if everybody else tx.actor.name))
    return ended


def _reach(tx: Tx, *, everybody: bool) -> Owner | None:
    if everybody:
        access.require_admin(tx)
        return None
    return _own(tx)


def _own(tx: Tx) -> Owner:
    return tx.actor.kind, tx.actor.id


async def open_another(
    tx: Tx, vault: Vault, *, audience: str, lasts: timedelta, address: str
) -> SignIn:
    """A second session of the person who asks, for a program of theirs. It ends no later than the
    one that it was asked for with, and can be ended by itself.

    Raises Unauthenticated, and NotAllowed for keys and runs, whose programs need none.
    """
    if tx.actor.kind != "user":
        raise NotAllowed("unauthorized: a program that has an API key signs in with that")
    own = await repo.session_with_owner(tx, tx.actor.session_id or "")
    if own is None:
        raise Unauthenticated
    session = Session(
        id=new_id(),
        user_id=own.session.user_id,
        created_at=tx.now,
        expires_at=min(own.session.expires_at, tx.now + lasts),
        address=address,
        credential=own.session.credential,
    )
    actor = replace(tx.actor, session_id=session.id)
    return opened(tx, vault, session, actor, issuer=USER_ISSUER, audience=audience)
