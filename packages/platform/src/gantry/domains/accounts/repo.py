"""Every query about the account."""

from __future__ import annotations

from sqlalchemy import func, select

from gantry.domains.accounts.model import ACCOUNT_ID, Account, DataKey
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
