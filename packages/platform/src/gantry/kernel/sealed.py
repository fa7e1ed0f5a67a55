"""Columns whose bytes only the vault reads: each is marked, so that a re-key finds all of them.

A sealed value begins with one byte for its format and four for the version of its data key, which
are readable without any key (infra/data_keys.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import MappedColumn, mapped_column

from gantry.kernel.model import Model

VERSION_AT, VERSION_BYTES = 1, 4
"""Where a sealed value names its key, counted from 0, and in how many bytes (big-endian)."""

_MARK = "sealed for"
_LARGE = "large"


def sealed_for(identity: str, *, large: bool = False) -> MappedColumn[Any]:
    """A column of sealed bytes. `identity` is what they are bound to, with the row's own columns
    in braces: "output:{stack_id}:{name}". `large` ones may have many megabytes each.
    """
    return mapped_column(info={_MARK: identity, _LARGE: large})


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column that was made with `sealed_for`."""

    column: sa.Column[Any]
    identity: str
    large: bool

    @property
    def name(self) -> str:
        """`table.column`."""
        return f"{self.column.table.name}.{self.column.name}"

    @property
    def key(self) -> list[sa.Column[Any]]:
        """The columns that tell rows apart, in the index' order."""
        return list(self.column.table.primary_key.columns)

    def identity_of(self, row: Mapping[str, Any]) -> str:
        """What the row's value is bound to; `row` has at least the columns of the key."""
        return self.identity.format_map(row)


def sealed_columns() -> list[SealedColumn]:
    """Every sealed column of every mapped class, by name."""
    found = [
        SealedColumn(column, column.info[_MARK], column.info[_LARGE])
        for table in Model.metadata.tables.values()
        for column in table.columns
        if _MARK in column.info
    ]
    return sorted(found, key=lambda one: one.name)


def version_of(sealed: bytes) -> int:
    """The version of the data key that a sealed value names."""
    return int.from_bytes(sealed[VERSION_AT : VERSION_AT + VERSION_BYTES], "big")


def named(version: int) -> bytes:
    """The version as sealed values name it."""
    return version.to_bytes(VERSION_BYTES, "big")
