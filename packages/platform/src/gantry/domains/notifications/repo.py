"""Every statement that writes notifications."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from gantry.domains.notifications.kinds import Group
from gantry.domains.notifications.model import Notification
from gantry.kernel.tx import Tx


async def put(tx: Tx, values: Mapping[str, Any], *, pause: timedelta) -> bool:
    """Keep it, or count it with what was told of the same and was not dismissed. False, and
    nothing is changed, if that was told less than `pause` ago and is open.
    """
    fresh = {name: value for name, value in values.items() if name not in ("id", "created_at")}
    row = await tx.session.execute(
        insert(Notification)
        .values(**values)
        .on_conflict_do_update(
            index_elements=[Notification.group_key, Notification.about],
            index_where=Notification.dismissed_by.is_(None),
            set_={**fresh, "times": Notification.times + 1, "closed_at": None},
            where=or_(Notification.last_at <= tx.now - pause, Notification.closed_at.is_not(None)),
        )
        .returning(Notification.id)
    )
    return row.scalar_one_or_none() is not None


async def close_of(tx: Tx, group: Group, about: str) -> bool:
    """What is open of that is so no more; whether anything was."""
    return await close(tx, [Notification.group_key == group, Notification.about == about])


async def close(tx: Tx, which: list[ColumnElement[bool]], *, by: str | None = None) -> bool:
    """Those that are open are so no more; whether there were any. Not authorised."""
    rows = await tx.session.scalars(
        update(Notification)
        .where(_in_order(Notification.closed_at.is_(None), *which))
        .values(closed_at=tx.now, dismissed_by=by)
        .returning(Notification.id)
        .execution_options(synchronize_session=False)
    )
    return bool(rows.all())


async def rename(tx: Tx, group: Group, before: str, after: str) -> None:
    """What those of the group are about has another id."""
    await tx.session.execute(
        update(Notification)
        .where(Notification.group_key == group, Notification.about == before)
        .values(about=after)
        .execution_options(synchronize_session=False)
    )


async def move(tx: Tx, about: str, space_id: str) -> None:
    """What they are about is in another space."""
    await tx.session.execute(
        update(Notification)
        .where(Notification.about == about, Notification.space_id.is_not(None))
        .values(space_id=space_id)
        .execution_options(synchronize_session=False)
    )


async def forget(tx: Tx, before: datetime) -> bool:
    """Those that were last told before then are gone; whether there were any."""
    return await _delete(tx, _in_order(Notification.last_at < before))


async def forget_of_stack(tx: Tx, stack_id: str) -> bool:
    """The stack is about to go, and what was told of it; whether there was anything."""
    return await _delete(tx, _in_order(Notification.stack_id == stack_id))


def _in_order(*which: ColumnElement[bool]) -> ColumnElement[bool]:
    """Those, locked one after the other: two who take many of them wait in no circle."""
    ids = select(Notification.id).where(*which).order_by(Notification.id).with_for_update()
    return Notification.id.in_(ids)


async def _delete(tx: Tx, which: ColumnElement[bool]) -> bool:
    rows = await tx.session.scalars(delete(Notification).where(which).returning(Notification.id))
    return bool(rows.all())
