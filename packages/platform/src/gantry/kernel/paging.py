"""Pages of a search, as every list of the API returns them."""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from gantry.kernel.errors import UserError

T = TypeVar("T")
V = TypeVar("V")

DEFAULT_PAGE = 50
MAX_PAGE = 500  # the largest page an existing client asks for (contract notes, "Search")


MAX_CURSOR = 4096
"""Characters: one holds an id and a name, and nothing that could be nested deeply."""
MAX_OFFSET = 1_000_000
"""Items before a page: the database counts through them one by one."""


class BadCursor(UserError):
    """A cursor that this server did not make."""

    code = "BAD_CURSOR"

    def __init__(self) -> None:
        super().__init__("`after` is not a cursor of this list; start again without it.")


class BadSearch(UserError):
    """A predicate, an order or a page size that the list does not offer."""

    code = "BAD_SEARCH"


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page: items with their cursors, and whether more follow."""

    items: Sequence[T]
    cursors: Sequence[str]
    has_next: bool
    has_previous: bool

    def shown(self, view: Callable[[T], V]) -> Page[V]:
        """The same page of what is made of each item."""
        return Page(
            [view(item) for item in self.items], self.cursors, self.has_next, self.has_previous
        )


def encode_cursor(values: Sequence[Any]) -> str:
    """An opaque cursor for the position after the row with these sort values."""
    return base64.urlsafe_b64encode(json.dumps(list(values)).encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> list[Any]:
    """What `encode_cursor` was given: one or more plain values. Raises BadCursor."""
    if len(cursor) > MAX_CURSOR:
        raise BadCursor
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        values = json.loads(raw)
    except (ValueError, RecursionError, binascii.Error):
        raise BadCursor from None
    if not isinstance(values, list) or not values or not all(map(_is_plain, values)):
        raise BadCursor
    return values


def decode_offset(cursor: str) -> int:
    """The place in a list whose cursors are `[number of items before]`. Raises BadCursor."""
    values = decode_cursor(cursor)
    # A truth value is a number to Python, and not to the database.
    if len(values) != 1 or type(values[0]) is not int or not 0 <= values[0] <= MAX_OFFSET:
        raise BadCursor
    return values[0]


def _is_plain(value: Any) -> bool:
    """Whether the database can compare with it: no list, no half character, no huge number."""
    if isinstance(value, str):
        return "\0" not in value and not any("\ud800" <= c <= "\udfff" for c in value)
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or (isinstance(value, int) and abs(value) < 2**63)


def page_size(first: int | None) -> int:
    """The number of rows to return for `first`. Raises BadSearch when it is not sensible."""
    if first is None:
        return DEFAULT_PAGE
    if first < 1:
        raise BadSearch("`first` must be at least 1.")
    return min(first, MAX_PAGE)
