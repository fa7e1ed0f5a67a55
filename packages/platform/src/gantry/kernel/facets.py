"""Values to filter a list by, with how many of the found rows have each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func

from gantry.kernel.paging import BadSearch
from gantry.kernel.search import Predicate, Search, Searchable, contains, narrowed
from gantry.kernel.tx import Tx

MAX_FACET_FIELDS = 20
"""Fields of one question: no list has more to filter by, and each takes a look at every row."""
MAX_FACET_VALUES = 100
"""Values of a field that are told at a time: more are not read but searched."""


@dataclass(frozen=True, slots=True)
class Counted:
    """A value and how many rows have it."""

    value: str
    count: int


@dataclass(frozen=True, slots=True)
class Facet:
    """The values of a field: those that are asked for already first, then the most frequent."""

    field: str
    values: Sequence[Counted]
    has_more: bool


@dataclass(frozen=True, slots=True)
class Facets:
    """What a search finds in all, and the values of its fields."""

    total: int
    fields: Sequence[Facet]


async def count_facets(
    tx: Tx,
    query: Select[Any],
    search: Search,
    kind: Searchable,
    fields: Sequence[str],
    *,
    words: str | None = None,
) -> Facets:
    """The values of the fields among the rows of `query` that the search finds.

    What the search says of a field itself is left out where that field's values are counted: its
    other values are what can be chosen besides. With `words`, only values that hold them. A value
    that is asked for is there even if no row has it, so that it can be given up again. Raises
    BadSearch.
    """
    if len(fields) > MAX_FACET_FIELDS:
        raise BadSearch(f"Ask for the values of at most {MAX_FACET_FIELDS} fields at once.")
    for field in fields:
        if field not in kind.facets:
            raise BadSearch(
                f'The values of "{field[:100]}" are not counted; those of'
                f" {', '.join(sorted(kind.facets))} are."
            )
    found = narrowed(query, search, kind).with_only_columns(kind.key.label("key")).subquery()
    number = func.count(found.c.key)
    total = await tx.session.scalar(found.select().with_only_columns(number))
    facets = [
        await _facet(tx, narrowed(query, search, kind, leave_out=field), search, kind, field, words)
        for field in dict.fromkeys(fields)
    ]
    return Facets(total or 0, facets)


async def _facet(
    tx: Tx,
    rows: Select[Any],
    search: Search,
    kind: Searchable,
    field: str,
    words: str | None,
) -> Facet:
    inner = rows.with_only_columns(kind.facets[field].label("value")).subquery()
    value, count = inner.c.value, func.count().label("number")
    asked = [value for p in search.predicates if p.field == field for value in _values(p)]
    counts = (
        inner.select()
        .with_only_columns(value, count)
        .where(value.is_not(None))
        .group_by(value)
        .order_by(value.in_(asked).desc(), count.desc(), value)
        .limit(MAX_FACET_VALUES + 1)
    )
    if words:
        holds = kind.named.get(field, contains)
        counts = counts.where(holds(value, words))
    found = [Counted(str(name), number) for name, number in await tx.session.execute(counts)]
    there = {one.value for one in found}
    absent = [Counted(name, 0) for name in dict.fromkeys(asked) if name not in there and not words]
    return Facet(field, [*absent, *found[:MAX_FACET_VALUES]], len(found) > MAX_FACET_VALUES)


def _values(predicate: Predicate) -> list[str]:
    booleans = ["true" if value else "false" for value in predicate.booleans or ()]
    return [*booleans, *(predicate.enums or ()), *(predicate.strings or ())]
