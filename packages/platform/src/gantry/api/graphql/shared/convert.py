"""Between the API's inputs and the kernel's values, the same way for every list."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from gantry.api.graphql.shared.types import (
    PageInfo,
    QueryOrderDirection,
    QueryPredicate,
    SearchFieldSuggestions,
    SearchInput,
    SearchSuggestion,
    SearchSuggestions,
    SearchSuggestionsInput,
)
from gantry.kernel.facets import Facets
from gantry.kernel.paging import Page
from gantry.kernel.search import Order, Predicate, Search

E = TypeVar("E")


def seconds(moment: datetime) -> int:
    """Unix seconds: every time of the API."""
    return int(moment.timestamp())


def seconds_or_none(moment: datetime | None) -> int | None:
    """Unix seconds, or none."""
    return None if moment is None else int(moment.timestamp())


def search(given: SearchInput) -> Search:
    """A search as the services take it."""
    return Search(
        first=given.first,
        after=given.after or None,
        text=given.full_text_search,
        predicates=_predicates(given.predicates),
        orders=[
            Order(order.field, order.direction is QueryOrderDirection.DESC)
            for order in given.order_by or []
        ],
    )


def search_of_suggestions(given: SearchSuggestionsInput) -> Search:
    """The search whose findings are counted."""
    return Search(text=given.full_text_search, predicates=_predicates(given.predicates))


def _predicates(given: Sequence[QueryPredicate] | None) -> list[Predicate]:
    return [
        Predicate(
            p.field,
            p.constraint.boolean_equals,
            p.constraint.enum_equals,
            p.constraint.string_matches,
            bool(p.exclude),
        )
        for p in given or []
    ]


def suggestions_view(
    found: Facets, labels: Mapping[str, Mapping[str, str]] | None = None
) -> SearchSuggestions:
    """Counted values; `labels` has the names of values by field, where they have others."""
    return SearchSuggestions(
        total=found.total,
        fields=[
            SearchFieldSuggestions(
                field=facet.field,
                values=[
                    SearchSuggestion(
                        value=one.value,
                        label=(labels or {}).get(facet.field, {}).get(one.value, one.value),
                        count=one.count,
                    )
                    for one in facet.values
                ],
                has_more=facet.has_more,
            )
            for facet in found.fields
        ],
    )


def edges(page: Page[Any], edge: Callable[..., E]) -> list[E]:
    """The page's items as edges."""
    return [edge(cursor=c, node=n) for n, c in zip(page.items, page.cursors, strict=True)]


def page_info(page: Page[Any]) -> PageInfo:
    """Where the page ends."""
    return info(page.cursors, page.has_next, page.has_previous)


def info(cursors: Sequence[str], has_next: bool, has_previous: bool) -> PageInfo:
    """Where a list of cursors ends; an empty page ends at the empty cursor."""
    return PageInfo(
        end_cursor=cursors[-1] if cursors else "",
        has_next_page=has_next,
        has_previous_page=has_previous,
    )
