"""Every query about the account."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from gantry.domains.accounts.model import ACCOUNT_ID, Account, DataKey, Process
from gantry.kernel.tx import Tx


async def find(tx: Tx, *, lock: bool = False) -> Account | None:
    """The account, held until the transaction ends if `lock`."""
    return await tx.session.get(Account, ACCOUNT_ID, with_for_update=lock)


async def data_keys(tx: Tx) -> list[DataKey]:
    """Every data key that something may still be sealed with, oldest first."""
    return list(await tx.session.scalars(select(DataKey).order_by(DataKey.version)))


async def alone(tx: Tx) -> None:
    """Wait until no other process initialises the installation; held to the transaction's end."""
    # The number spells "acct": the lock has no meaning elsewhere.
    await tx.session.execute(select(func.pg_advisory_xact_lock(0x61636374)))


async def note_processes(
    tx: Tx, parts: Mapping[str, str], *, host: str, release: str, started_at: datetime
) -> None:
    """These processes, kinds by id, are at work now."""
    alike = {"host": host, "release": release, "started_at": started_at, "heard_at": tx.now}
    await tx.session.execute(
        insert(Process)
        .values([{"id": process_id, "kind": kind, **alike} for process_id, kind in parts.items()])
        .on_conflict_do_update(index_elements=[Process.id], set_={"heard_at": tx.now})
    )


async def forget_process(tx: Tx, process_id: str) -> None:
    """The process has ended as it was told to."""
    await tx.session.execute(delete(Process).where(Process.id == process_id))


async def forget_processes(tx: Tx, before: datetime) -> None:
    """Drop those that have not been heard of since."""
    await tx.session.execute(delete(Process).where(Process.heard_at < before))


async def processes(tx: Tx) -> list[Process]:
    """Every process that is at work or was lately, by kind, the oldest first."""
    return list(await tx.session.scalars(select(Process).order_by(Process.kind, Process.id)))
