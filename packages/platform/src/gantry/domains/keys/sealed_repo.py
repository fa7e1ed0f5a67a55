"""Looking through a sealed column, whichever table it is in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    LargeBinary,
    and_,
    bindparam,
    func,
    literal,
    select,
    tuple_,
    update,
)

from gantry.kernel.sealed import VERSION_AT, VERSION_BYTES, SealedColumn, named
from gantry.kernel.tx import Tx


@dataclass(frozen=True, slots=True)
class SealedRow:
    """One value that is sealed with an older key, and what it is bound to."""

    key: tuple[Any, ...]
    identity: str
    sealed: bytes


async def count(tx: Tx, place: SealedColumn, *, but: int) -> int:
    """How many values are sealed with another version than this."""
    query = select(func.count()).select_from(place.column.table).where(_stale(place, but))
    return int(await tx.session.scalar(query) or 0)


async def any_of(tx: Tx, place: SealedColumn, version: int) -> bool:
    """Whether a value is sealed with this version."""
    query = select(literal(1)).select_from(place.column.table)
    return await tx.session.scalar(query.where(_version(place) == named(version)).limit(1)) == 1


async def hold(
    tx: Tx, place: SealedColumn, *, but: int, after: Sequence[Any], most: int
) -> list[SealedRow]:
    """Values sealed with another version, by key after `after`, held until the transaction ends.

    Those that somebody else holds are left out: whoever waits for nobody is in nobody's way.
    """
    key = place.key
    query = select(*key, place.column.label("sealed")).where(_stale(place, but))
    if after:
        given = [
            bindparam(f"after_{n}", value, column.type)
            for n, (column, value) in enumerate(zip(key, after, strict=True))
        ]
        query = query.where(tuple_(*key) > tuple_(*given))
    # `key_share`: rows that refer to one of these do not wait for us.
    held = query.order_by(*key).limit(most).with_for_update(skip_locked=True, key_share=True)
    found = await tx.session.execute(held)
    return [_row(place, row._asdict()) for row in found]


async def replace(tx: Tx, place: SealedColumn, fresh: Sequence[tuple[SealedRow, bytes]]) -> None:
    """Put in place what was sealed anew, of rows that the transaction holds."""
    if not fresh:
        return
    key = place.key
    same = [column == bindparam(f"key_{n}", type_=column.type) for n, column in enumerate(key)]
    old = place.column == bindparam("old", type_=LargeBinary)
    statement = (
        update(place.column.table)
        .where(and_(*same, old))
        .values({place.column.name: bindparam("new", type_=LargeBinary)})
    )
    connection = await tx.session.connection()
    await connection.execute(
        statement,
        [
            {f"key_{n}": value for n, value in enumerate(row.key)}
            | {"old": row.sealed, "new": sealed}
            for row, sealed in fresh
        ],
    )


def _version(place: SealedColumn) -> ColumnElement[bytes]:
    return func.substring(place.column, VERSION_AT + 1, VERSION_BYTES, type_=LargeBinary)


def _stale(place: SealedColumn, version: int) -> ColumnElement[bool]:
    # Not true of null: where nothing is sealed there is nothing to do.
    return _version(place) != named(version)


def _row(place: SealedColumn, row: Mapping[str, Any]) -> SealedRow:
    key = tuple(row[column.name] for column in place.key)
    return SealedRow(key, place.identity_of(row), bytes(row["sealed"]))
