"""Searches, as every list of the API takes them: predicates are ANDed, values inside one ORed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, literal, not_, or_, tuple_

from gantry.kernel.paging import BadCursor, BadSearch, Page, decode_cursor, encode_cursor, page_size
from gantry.kernel.tx import Tx

MAX_WORDS = 20
"""Words of a full text search: each looks through every row."""
MAX_PREDICATES = 20
"""Conditions of one search: no list has as many fields."""
MAX_VALUES = 500
"""Alternatives of one condition: as many as the largest page has rows."""


@dataclass(frozen=True, slots=True)
class Predicate:
    """One condition on one field; the values that are not None are alternatives."""

    field: str
    booleans: Sequence[bool] | None = None
    enums: Sequence[str] | None = None
    strings: Sequence[str] | None = None
    exclude: bool = False


@dataclass(frozen=True, slots=True)
class Search:
    """What to find, in which order, and from where on."""

    first: int | None = None
    after: str | None = None
    text: str | None = None
    predicates: Sequence[Predicate] = ()
    order_field: str | None = None
    descending: bool = False


Condition = Callable[[Predicate], ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Searchable:
    """How a list can be searched: its fields, its orders, and what full text looks at."""

    fields: Mapping[str, Condition]
    orders: Mapping[str, Any]
    text: Callable[[str], ColumnElement[bool]]
    default_order: str
    key: Any
    """The unique column that breaks ties."""


def contains(column: Any, words: str) -> ColumnElement[bool]:
    """Whether the column holds the words, whatever their case."""
    escaped = words.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    matched: ColumnElement[bool] = column.ilike(f"%{escaped}%", escape="\\")
    return matched


def equals(column: Any) -> Condition:
    """A field that matches exactly."""

    def condition(predicate: Predicate) -> ColumnElement[bool]:
        matched: ColumnElement[bool] = column.in_(predicate.strings or predicate.enums or [])
        return matched

    return condition


def boolean(expression: Any) -> Condition:
    """A yes-or-no field."""

    def condition(predicate: Predicate) -> ColumnElement[bool]:
        wanted = set(predicate.booleans or ())
        if wanted == {True}:
            return and_(expression)
        if wanted == {False}:
            without: ColumnElement[bool] = not_(expression)
            return without
        return literal(bool(wanted)) == literal(True)

    return condition


def label(column: Any) -> Condition:
    """A list of labels in JSON, one of which must be among the values."""

    def condition(predicate: Predicate) -> ColumnElement[bool]:
        # Without a value nothing matches, as everywhere; an empty "or" would match everything.
        return or_(false(), *[column.contains([value]) for value in predicate.strings or []])

    return condition


async def run_search(
    tx: Tx, query: Select[Any], search: Search, kind: Searchable, entity: Any
) -> Page[Any]:
    """One page of `query` (a select of `entity`), found and ordered as asked.

    Raises BadSearch for a field or an order that the list does not have and for more than the
    limits above, BadCursor.
    """
    _require_modest(search)
    for predicate in search.predicates:
        if predicate.field not in kind.fields:
            raise BadSearch(
                f'There is no field "{predicate.field}" to search by;'
                f" there are {', '.join(sorted(kind.fields))}."
            )
        condition = kind.fields[predicate.field](predicate)
        if predicate.exclude:
            # What has no value at all does not match, so it stays when matches are left out.
            condition = not_(func.coalesce(condition, false()))
        query = query.where(condition)
    query = query.where(*[kind.text(word) for word in _words(search)])
    order = search.order_field or kind.default_order
    if order not in kind.orders:
        raise BadSearch(f'There is no order "{order}"; there are {", ".join(sorted(kind.orders))}.')
    column, limit = kind.orders[order], page_size(search.first)
    if search.after:
        query = query.where(_beyond(search, column, kind.key))
    ordering = (
        (column.desc(), kind.key.desc()) if search.descending else (column.asc(), kind.key.asc())
    )
    rows = (
        await tx.session.execute(
            query.add_columns(column.label("sort_value")).order_by(*ordering).limit(limit + 1)
        )
    ).all()
    page = rows[:limit]
    key = kind.key.key
    cursors = [encode_cursor([_plain(row[-1]), getattr(row[0], key)]) for row in page]
    return Page([row[0] for row in page], cursors, len(rows) > limit, search.after is not None)


def _require_modest(search: Search) -> None:
    if len(search.predicates) > MAX_PREDICATES:
        raise BadSearch(f"Search by at most {MAX_PREDICATES} predicates.")
    for predicate in search.predicates:
        values = (predicate.booleans, predicate.enums, predicate.strings)
        if sum(len(given) for given in values if given is not None) > MAX_VALUES:
            raise BadSearch(
                f'Search for at most {MAX_VALUES} values of "{predicate.field[:100]}" at once.'
            )


def _words(search: Search) -> list[str]:
    # One more than is taken tells that there are too many; the others are not looked at.
    words = (search.text or "").split(None, MAX_WORDS)
    if len(words) > MAX_WORDS:
        raise BadSearch(f"Search for at most {MAX_WORDS} words.")
    return words


def _beyond(search: Search, column: Any, key: Any) -> ColumnElement[bool]:
    values = decode_cursor(search.after or "")
    if len(values) != 2 or not isinstance(values[1], str):
        raise BadCursor
    try:
        value = _typed(column, values[0])
    except (TypeError, ValueError):
        raise BadCursor from None
    place = tuple_(literal(value), literal(values[1]))
    here = tuple_(column, key)
    return here < place if search.descending else here > place


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _typed(column: Any, value: Any) -> Any:
    kind = column.type.python_type
    if kind is datetime:
        return datetime.fromisoformat(value)
    if value is not None and type(value) is not (str if issubclass(kind, Enum) else kind):
        raise TypeError  # a cursor of another order
    return value
