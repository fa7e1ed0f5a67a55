"""Searches, as every list of the API takes them: predicates are ANDed, values inside one ORed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, cast

from sqlalchemy import ColumnElement, Select, and_, collate, false, func, literal, not_, or_, tuple_

from gantry.kernel.paging import BadCursor, BadSearch, Page, decode_cursor, encode_cursor, page_size
from gantry.kernel.tx import Tx

MAX_WORDS = 20
"""Words of a full text search: each looks through every row."""
MAX_PREDICATES = 20
"""Conditions of one search: no list has as many fields."""
MAX_ORDERS = 5
"""Orders of one search: what is equal by five fields may come as it likes."""
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
class Order:
    """By which field a list is ordered, and which way."""

    field: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Search:
    """What to find, in which order, and from where on."""

    first: int | None = None
    after: str | None = None
    text: str | None = None
    predicates: Sequence[Predicate] = ()
    orders: Sequence[Order] = ()
    """The first counts most; without any, the list's own."""


Condition = Callable[[Predicate], ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Searchable:
    """How a list can be searched: its fields, its orders, and what full text looks at."""

    fields: Mapping[str, Condition]
    orders: Mapping[str, Any]
    text: Callable[[str], ColumnElement[bool]]
    default_order: Order
    key: Any
    """The unique column that breaks ties."""
    facets: Mapping[str, Any] = field(default_factory=dict)
    """The text that each row has of a field whose values are counted (kernel/facets.py)."""
    named: Mapping[str, Callable[[Any, str], ColumnElement[bool]]] = field(default_factory=dict)
    """For fields whose values are ids: whether an id is of something with the words in its name."""


def contains(column: Any, words: str) -> ColumnElement[bool]:
    """Whether the column holds the words, whatever their case."""
    escaped = words.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    pattern = f"%{escaped}%"
    if words.isascii():
        # The case of ASCII letters alone is folded a quarter faster, and is all that counts.
        folded = func.lower(collate(column, "C"))
        matched: ColumnElement[bool] = folded.like(pattern.lower(), escape="\\")
        return matched
    return cast(ColumnElement[bool], column.ilike(pattern, escape="\\"))


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


def narrowed(
    query: Select[Any], search: Search, kind: Searchable, *, leave_out: str | None = None
) -> Select[Any]:
    """The rows of `query` that the search finds, whatever it says of the field `leave_out`.

    Raises BadSearch.
    """
    _require_modest(search)
    for predicate in search.predicates:
        if predicate.field not in kind.fields:
            raise BadSearch(
                f'There is no field "{predicate.field}" to search by;'
                f" there are {', '.join(sorted(kind.fields))}."
            )
        if predicate.field == leave_out:
            continue
        condition = kind.fields[predicate.field](predicate)
        if predicate.exclude:
            # What has no value at all does not match, so it stays when matches are left out.
            condition = not_(func.coalesce(condition, false()))
        query = query.where(condition)
    return query.where(*[kind.text(word) for word in _words(search)])


async def run_search(
    tx: Tx, query: Select[Any], search: Search, kind: Searchable, entity: Any
) -> Page[Any]:
    """One page of `query` (a select of `entity`), found and ordered as asked.

    Raises BadSearch for a field or an order that the list does not have and for more than the
    limits above, BadCursor.
    """
    query = narrowed(query, search, kind)
    columns, limit = _columns(search, kind), page_size(search.first)
    if search.after:
        query = query.where(_beyond(search.after, columns))
    values = [column.label(f"sort_value_{place}") for place, (column, _) in enumerate(columns)]
    ordering = [column.desc() if descending else column.asc() for column, descending in columns]
    rows = (
        await tx.session.execute(query.add_columns(*values).order_by(*ordering).limit(limit + 1))
    ).all()
    page = rows[:limit]
    cursors = [encode_cursor([_plain(value) for value in row[-len(columns) :]]) for row in page]
    return Page([row[0] for row in page], cursors, len(rows) > limit, search.after is not None)


def _columns(search: Search, kind: Searchable) -> list[tuple[Any, bool]]:
    """What to order by and whether descending; the key last, so that no two rows are equal."""
    orders = {order.field: order for order in reversed(search.orders or (kind.default_order,))}
    if len(search.orders) > MAX_ORDERS:
        raise BadSearch(f"Order by at most {MAX_ORDERS} fields.")
    for name in orders:
        if name not in kind.orders:
            known = ", ".join(sorted(kind.orders))
            raise BadSearch(f'There is no order "{name[:100]}"; there are {known}.')
    wanted = [(kind.orders[order.field], order.descending) for order in reversed(orders.values())]
    if wanted[-1][0] is kind.key:
        return wanted
    return [*wanted, (kind.key, wanted[-1][1])]


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


def _beyond(after: str, columns: Sequence[tuple[Any, bool]]) -> ColumnElement[bool]:
    """The rows after the one that the cursor is of: equal in some columns, beyond in the next."""
    values = decode_cursor(after)
    if len(values) != len(columns):
        raise BadCursor
    try:
        place = [_typed(column, value) for (column, _), value in zip(columns, values, strict=True)]
    except (TypeError, ValueError):
        raise BadCursor from None
    if len({descending for _, descending in columns}) == 1:
        # All one way: a comparison of rows, which an index can answer.
        here, there = tuple_(*[column for column, _ in columns]), tuple_(*map(literal, place))
        return here < there if columns[0][1] else here > there
    return or_(
        *[
            and_(
                *[column == value for (column, _), value in zip(columns[:n], place, strict=False)],
                columns[n][0] < place[n] if columns[n][1] else columns[n][0] > place[n],
            )
            for n in range(len(columns))
        ]
    )


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _typed(column: Any, value: Any) -> Any:
    kind = column.type.python_type
    if kind is datetime:
        return datetime.fromisoformat(value)
    if value is not None and type(value) is not (str if issubclass(kind, Enum) else kind):
        raise TypeError  # a cursor of another order
    return value
