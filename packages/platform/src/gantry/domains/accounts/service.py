"""What can be done with the account."""

from __future__ import annotations

import re
from collections.abc import Callable

from gantry.domains.accounts import repo
from gantry.domains.accounts.model import Account, DataKey
from gantry.domains.accounts.rules import FORGOTTEN_AFTER
from gantry.kernel.errors import Conflict, UserError
from gantry.kernel.tx import Tx

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{1,37}")
"""2 to 38 characters (deployment contract §4): the name becomes part of external ids and URLs."""


class BadAccountName(UserError):
    """A name that cannot become part of URLs."""

    code = "BAD_ACCOUNT_NAME"

    def __init__(self) -> None:
        super().__init__(
            "An account name has 2 to 38 characters, starts with a letter or digit, and goes on"
            " with letters, digits, dashes and underscores."
        )


async def get(tx: Tx) -> Account:
    """The account; made at the first start, so it is always there."""
    account = await repo.find(tx)
    if account is None:
        raise RuntimeError("the installation was not initialised")
    return account


async def name_account(tx: Tx, name: str) -> Account:
    """First setup: give the account its name, once.

    Raises BadAccountName, or Conflict when it has one.
    """
    if not _NAME.fullmatch(name):
        raise BadAccountName
    account = await repo.find(tx, lock=True)
    if account is None:
        raise RuntimeError("the installation was not initialised")
    if account.name is not None:
        raise Conflict("The account has its name already; renaming would break external ids.")
    account.name = name
    return account


async def initialise(
    tx: Tx,
    *,
    ca: Callable[[], tuple[str, str]],
    seal_ca_key: Callable[[bytes], bytes],
) -> Account:
    """Make the account with its certificate authority; harmless when it exists."""
    await repo.alone(tx)
    account = await repo.find(tx, lock=True)
    if account is None:
        key_pem, certificate_pem = ca()
        account = Account(
            created_at=tx.now,
            ca_certificate=certificate_pem,
            ca_key_sealed=seal_ca_key(key_pem.encode()),
        )
        tx.session.add(account)
        await tx.session.flush()
    return account


async def first_data_key(tx: Tx, wrapped: bytes) -> list[DataKey]:
    """The data keys, after keeping `wrapped` as the first one if there is none still."""
    await repo.alone(tx)
    keys = await repo.data_keys(tx)
    if not keys:
        tx.session.add(DataKey(version=1, wrapped=wrapped, created_at=tx.now, current=True))
        await tx.session.flush()
        keys = await repo.data_keys(tx)
    return keys


async def forget_old(tx: Tx) -> None:
    """Drop processes that fell silent long ago."""
    await repo.forget_processes(tx, tx.now - FORGOTTEN_AFTER)
