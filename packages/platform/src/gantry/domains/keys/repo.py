"""Every query about re-keys, what processes know, and keys that signed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from gantry.domains.accounts.model import DataKey, Process
from gantry.domains.keys.model import (
    ProcessKeys,
    Rekey,
    RekeyPlace,
    ReplacedObject,
    SigningKey,
)
from gantry.kernel.tx import Tx


async def newest(tx: Tx, *, lock: bool = False) -> Rekey | None:
    """The re-key that goes on, or the last one."""
    query = select(Rekey).order_by(Rekey.version.desc()).limit(1)
    return await tx.session.scalar(query.with_for_update() if lock else query)


async def take(tx: Tx, holder: str, lasts: timedelta) -> Rekey | None:
    """The re-key that goes on, for this drain alone; None when there is none that is free."""
    free = or_(Rekey.held_until.is_(None), Rekey.held_until < func.clock_timestamp())
    return await _hold(tx, free, holder, lasts)


async def keep(tx: Tx, holder: str, lasts: timedelta) -> Rekey | None:
    """The re-key that this drain holds, for another while; None when it was taken away."""
    return await _hold(tx, Rekey.holder == holder, holder, lasts)


async def _hold(tx: Tx, if_: ColumnElement[bool], holder: str, lasts: timedelta) -> Rekey | None:
    # By the database's clock: those of drains may differ.
    query = select(Rekey).where(Rekey.finished_at.is_(None), Rekey.paused.is_(False), if_)
    found = await tx.session.scalar(query.with_for_update())
    if found is not None:
        found.holder = holder
        found.held_until = await tx.session.scalar(select(func.clock_timestamp() + lasts))
    return found


async def let_go(tx: Tx, holder: str, rests: timedelta) -> None:
    """Another drain may go on, after that rest."""
    until = func.clock_timestamp() + rests
    await tx.session.execute(
        update(Rekey).where(Rekey.holder == holder).values(holder=None, held_until=until)
    )


async def places(tx: Tx, version: int) -> list[RekeyPlace]:
    """Where the re-key works, by name."""
    query = select(RekeyPlace).where(RekeyPlace.version == version).order_by(RekeyPlace.name)
    return list(await tx.session.scalars(query))


async def forget_places(tx: Tx, version: int) -> None:
    """Before everything is looked through once more."""
    await tx.session.execute(delete(RekeyPlace).where(RekeyPlace.version == version))


# -- data keys


async def make_current(tx: Tx, version: int) -> None:
    """New values are sealed with this one."""
    await tx.session.execute(update(DataKey).values(current=DataKey.version == version))


async def replace_wrapped(tx: Tx, version: int, before: bytes, after: bytes) -> bool:
    """The same key, wrapped by another; False when somebody else did that."""
    changed = await tx.session.scalar(
        update(DataKey)
        .where(DataKey.version == version, DataKey.wrapped == before)
        .values(wrapped=after)
        .returning(DataKey.version)
    )
    return changed is not None


async def forget_data_key(tx: Tx, version: int) -> None:
    """What was sealed with it can be opened no more. Never the current one."""
    await tx.session.execute(
        delete(DataKey).where(DataKey.version == version, DataKey.current.is_(False))
    )


async def superseded(tx: Tx, version: int) -> datetime | None:
    """Since when nothing new is sealed with this version; None when that is not known."""
    return await tx.session.scalar(
        select(func.min(Rekey.switched_at)).where(Rekey.version > version)
    )


# -- processes


async def note_processes(tx: Tx, process_ids: Sequence[str], *, opens: int, seals: int) -> None:
    """What these processes can do with data keys now."""
    said = {"opens": opens, "seals": seals}
    await tx.session.execute(
        insert(ProcessKeys)
        .values([{"process_id": process_id, **said} for process_id in process_ids])
        .on_conflict_do_update(index_elements=[ProcessKeys.process_id], set_=said)
    )


async def behind(tx: Tx, version: int, since: datetime, *, sealing: bool) -> list[Process]:
    """Processes heard of since then that do not open this version, or do not seal with it; those
    of releases that say nothing of it among them.
    """
    can = ProcessKeys.seals == version if sealing else ProcessKeys.opens >= version
    query = (
        select(Process)
        .outerjoin(ProcessKeys, ProcessKeys.process_id == Process.id)
        .where(Process.heard_at >= since, func.coalesce(can, False).is_(False))
        .order_by(Process.kind, Process.id)
    )
    return list(await tx.session.scalars(query))


async def silent_on_keys(tx: Tx, since: datetime) -> bool:
    """Whether a process was heard of since then that says nothing of its keys: one of a release
    that does not know how.
    """
    query = (
        select(Process.id)
        .outerjoin(ProcessKeys, ProcessKeys.process_id == Process.id)
        .where(Process.heard_at >= since, ProcessKeys.process_id.is_(None))
        .limit(1)
    )
    return await tx.session.scalar(query) is not None


async def anybody(tx: Tx, since: datetime) -> bool:
    """Whether a process was heard of since then."""
    query = select(Process.id).where(Process.heard_at >= since).limit(1)
    return await tx.session.scalar(query) is not None


# -- keys that sign


async def signing_keys(tx: Tx) -> list[SigningKey]:
    """Every key that ever signed, the oldest first."""
    query = select(SigningKey).order_by(SigningKey.first_used_at, SigningKey.kid)
    return list(await tx.session.scalars(query))


async def keep_signing_key(tx: Tx, kid: str, sealed: bytes) -> None:
    """The key signs; harmless when that is known."""
    await tx.session.execute(
        insert(SigningKey)
        .values(
            kid=kid,
            key_sealed=sealed,
            first_used_at=tx.now,
            last_used_at=tx.now,
        )
        .on_conflict_do_nothing()
    )


async def note_signing(tx: Tx, kids: Collection[str]) -> None:
    """These sign now."""
    await tx.session.execute(
        update(SigningKey).where(SigningKey.kid.in_(kids)).values(last_used_at=tx.now)
    )


# -- objects


async def replaced(tx: Tx, before: datetime, most: int) -> Sequence[ReplacedObject]:
    """Objects that were sealed anew before that moment."""
    query = select(ReplacedObject).where(ReplacedObject.replaced_at < before).limit(most)
    return list(await tx.session.scalars(query))


async def note_replaced(tx: Tx, bucket: str, object_key: str) -> None:
    """The object has a successor, and goes later."""
    await tx.session.execute(
        insert(ReplacedObject)
        .values(bucket=bucket, object_key=object_key, replaced_at=tx.now)
        .on_conflict_do_nothing()
    )


async def forget_replaced(tx: Tx, bucket: str, object_keys: Collection[str]) -> None:
    """They are gone."""
    await tx.session.execute(
        delete(ReplacedObject).where(
            ReplacedObject.bucket == bucket, ReplacedObject.object_key.in_(object_keys)
        )
    )
