"""Pages, searches, commits and hooks, as every list and type of the API shapes them."""

from __future__ import annotations

import enum
from collections.abc import Mapping

import strawberry


@strawberry.type
class PageInfo:
    """See the API reference."""

    end_cursor: str
    has_next_page: bool
    has_previous_page: bool


@strawberry.enum
class QueryOrderDirection(enum.Enum):
    """Words of the API."""

    ASC = "ASC"
    DESC = "DESC"


@strawberry.input
class QueryOrder:
    """See the API reference."""

    field: str
    direction: QueryOrderDirection


@strawberry.input
class QueryFieldConstraint:
    """See the API reference."""

    boolean_equals: list[bool] | None = None
    enum_equals: list[str] | None = None
    string_matches: list[str] | None = None


@strawberry.input
class QueryPredicate:
    """See the API reference."""

    field: str
    constraint: QueryFieldConstraint
    exclude: bool | None = None


@strawberry.input
class SearchInput:
    """See the API reference."""

    first: int | None = None
    after: str | None = None
    full_text_search: str | None = None
    predicates: list[QueryPredicate] | None = None
    order_by: list[QueryOrder] | None = None


@strawberry.input(description="Which fields' values to count, among what a search finds.")
class SearchSuggestionsInput:
    """A question."""

    fields: list[str]
    value_contains: str | None = strawberry.field(
        description="Only values that hold these words.", default=None
    )
    full_text_search: str | None = None
    predicates: list[QueryPredicate] | None = None


@strawberry.type(description="A value to filter by.")
class SearchSuggestion:
    """A value."""

    value: str = strawberry.field(description="As predicates take it.")
    label: str = strawberry.field(description="As people call it: a name where it is an id.")
    count: int = strawberry.field(description="How many of the found ones have it.")


@strawberry.type(description="The values of a field, the chosen and the most frequent first.")
class SearchFieldSuggestions:
    """A field's values."""

    field: str
    values: list[SearchSuggestion]
    has_more: bool = strawberry.field(description="Whether more are found only by their words.")


@strawberry.type(
    description="What a search finds can be narrowed by. What it says of a field itself does not"
    " count for that field's own values: they are what can be chosen besides."
)
class SearchSuggestions:
    """Fields."""

    total: int = strawberry.field(description="How many the search finds.")
    fields: list[SearchFieldSuggestions]


@strawberry.type
class Hooks:
    """See the API reference."""

    after_apply: list[str]
    after_destroy: list[str]
    after_init: list[str]
    after_perform: list[str]
    after_plan: list[str]
    after_run: list[str]
    before_apply: list[str]
    before_destroy: list[str]
    before_init: list[str]
    before_perform: list[str]
    before_plan: list[str]


@strawberry.type
class Commit:
    """See the API reference."""

    hash: str
    message: str
    author_name: str
    author_login: str | None
    timestamp: int
    url: str
    tag: str | None


@strawberry.type
class KeyValuePair:
    """See the API reference."""

    key: str
    value: str


@strawberry.type
class StringMap:
    """See the API reference."""

    entries: list[KeyValuePair]

    @classmethod
    def of(cls, values: Mapping[str, str]) -> StringMap:
        """The same, key by key."""
        return cls(entries=[KeyValuePair(key=key, value=value) for key, value in values.items()])
