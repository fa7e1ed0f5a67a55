"""Telling administrators of something, in the transaction that makes it so."""

from __future__ import annotations

from datetime import timedelta

from gantry.domains.notifications import repo
from gantry.domains.notifications.events import NotificationsChanged
from gantry.domains.notifications.kinds import Group, Severity
from gantry.kernel.ids import new_id
from gantry.kernel.tx import Tx

KEPT = timedelta(days=14)
"""After the last time it was told (contract notes, "Notifications")."""
COUNTED_AGAIN = timedelta(minutes=1)
"""What is told more often than that counts once: many sign-ins that fail at the same moment do not
wake everybody's page again and again."""
TITLE_FITS = 300
"""Characters: what things are called may be longer than a line."""
BODY_FITS = 2000
"""Characters: others' messages are put into it."""
WHOLE = "root"
"""The space of what concerns the whole installation: its administrators are root admins."""


async def tell(
    tx: Tx,
    group: Group,
    about: str,
    *,
    severity: Severity,
    title: str,
    body: str,
    space_id: str = WHOLE,
    stack_id: str | None = None,
) -> None:
    """The administrators of the space, or of the space the stack is in, find this in their inbox.

    Told once more while it is open, it is counted and shows the newest words. Never put secrets
    into the words.
    """
    values = {
        "id": new_id(),
        "group_key": group,
        "about": about,
        "severity": severity,
        "title": title[:TITLE_FITS],
        "body": body[:BODY_FITS],
        "space_id": None if stack_id else space_id,
        "stack_id": stack_id,
        "times": 1,
        "created_at": tx.now,
        "last_at": tx.now,
    }
    if await repo.put(tx, values, pause=COUNTED_AGAIN):
        tx.emit(NotificationsChanged())


async def settle(tx: Tx, group: Group, about: str) -> None:
    """It is well again, or gone: nobody has to look into it any more."""
    if await repo.close_of(tx, group, about):
        tx.emit(NotificationsChanged())


async def renamed(tx: Tx, before: str, after: str) -> None:
    """The stack has another id, by which what is told of it itself is found."""
    await repo.rename(tx, Group.SOURCE_UNREACHABLE, before, after)


async def moved(tx: Tx, about: str, space_id: str) -> None:
    """The thing is in another space, whose administrators are told of it from now on."""
    await repo.move(tx, about, space_id)
    tx.emit(NotificationsChanged())


async def forget_of_stack(tx: Tx, stack_id: str) -> None:
    """The stack is about to go, and what was told of it."""
    if await repo.forget_of_stack(tx, stack_id):
        tx.emit(NotificationsChanged())


async def forget_old(tx: Tx) -> None:
    """What was last told two weeks ago is forgotten, whether or not anybody dismissed it."""
    if await repo.forget(tx, tx.now - KEPT):
        tx.emit(NotificationsChanged())
