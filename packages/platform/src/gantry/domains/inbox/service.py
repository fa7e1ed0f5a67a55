"""Dismissing notifications: for everybody who sees them, and the audit trail says who did."""

from __future__ import annotations

from collections.abc import Sequence

from gantry.domains.inbox import repo
from gantry.domains.notifications import repo as notifications
from gantry.domains.notifications.events import NotificationsChanged
from gantry.domains.notifications.kinds import Group
from gantry.domains.notifications.model import Notification
from gantry.domains.people import access
from gantry.domains.people.actions import Action
from gantry.kernel.errors import NotAllowed, NotFound, UserError
from gantry.kernel.paging import MAX_PAGE
from gantry.kernel.tx import Tx


async def dismiss(tx: Tx, ids: Sequence[str]) -> None:
    """Those are not open any more; they need not have been.

    Raises NotFound if the actor does not administer what one of them is about, and NotAllowed for
    who administers nothing; then all stay as they are.
    """
    _require_some_space(tx)
    if not 1 <= len(ids) <= MAX_PAGE:
        raise UserError(f"Name 1 to {MAX_PAGE} notifications: as many as a page has.")
    if missing := set(ids) - await repo.known(tx, ids):
        raise NotFound("notification not found", detail=f"notification={min(missing)}")
    await _close(tx, ids=ids)


async def dismiss_group(tx: Tx, group: str) -> None:
    """No notification of this group that the actor sees is open. Raises NotFound, NotAllowed."""
    _require_some_space(tx)
    if group not in set(Group):
        raise NotFound("notification group not found", detail=f"group={group}")
    await _close(tx, group=Group(group))


async def dismiss_all(tx: Tx) -> None:
    """No notification that the actor sees is open. Raises NotAllowed."""
    _require_some_space(tx)
    await _close(tx)


async def _close(tx: Tx, *, ids: Sequence[str] | None = None, group: Group | None = None) -> None:
    which = [repo.visible_ids(tx)]
    if ids is not None:
        which.append(Notification.id.in_(ids))
    if group is not None:
        which.append(Notification.group_key == group)
    if await notifications.close(tx, which, by=tx.actor.name or tx.actor.kind):
        tx.emit(NotificationsChanged())


def _require_some_space(tx: Tx) -> None:
    if not access.may_anywhere(tx.actor, Action.SPACE_ADMIN):
        raise NotAllowed("unauthorized: you need the SPACE_ADMIN action in some space")
