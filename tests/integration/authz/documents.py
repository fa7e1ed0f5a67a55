"""A document for each root field: all that can be asked for without arguments of its own."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache

from gantry.api.graphql.cost import require_modest
from gantry.api.graphql.limits import MAX_TOKENS, MAX_TOKENS_OF_STRANGERS
from gantry.api.graphql.schema import schema
from graphql import (
    GraphQLError,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLUnionType,
    Undefined,
    get_named_type,
    parse,
)

DEEPEST = 3
"""Levels of a thing, and of what belongs to it; the items of a search are one further down."""

SERVED = schema._schema
assert SERVED.query_type is not None
assert SERVED.mutation_type is not None
QUERIES: dict[str, GraphQLField] = dict(SERVED.query_type.fields)
MUTATIONS: dict[str, GraphQLField] = dict(SERVED.mutation_type.fields)


@cache
def document(name: str, given: tuple[str, ...], *, stranger: bool) -> str:
    """The document with these arguments, as deep as the API lets anybody, or a stranger, ask; a
    mutation's answer is shown shallow.
    """
    kind, field = ("query", QUERIES[name]) if name in QUERIES else ("mutation", MUTATIONS[name])
    most = MAX_TOKENS_OF_STRANGERS if stranger else MAX_TOKENS
    deepest = 1 if kind == "mutation" else DEEPEST + _pages(field)
    for depth in range(deepest, 0, -1):
        text = _document(kind, name, field, given, depth)
        try:
            require_modest(SERVED, parse(text, max_lexical_tokens=most))
        except GraphQLError:
            continue
        return text
    raise AssertionError(f"{name} costs too much, however little is asked for")


def _pages(field: GraphQLField) -> bool:
    return "edges" in getattr(get_named_type(field.type), "fields", {})


def _document(kind: str, name: str, field: GraphQLField, given: Collection[str], depth: int) -> str:
    declared = ", ".join(f"${word}: {field.args[word].type}" for word in given)
    passed = ", ".join(f"{word}: ${word}" for word in given)
    head = f"{kind} ({declared})" if declared else kind
    call = f"{name}({passed})" if passed else name
    return f"{head} {{ {call}{_selection(get_named_type(field.type), depth)} }}"


def _selection(kind: object, depth: int) -> str:
    if isinstance(kind, GraphQLUnionType):
        return " { __typename }"
    if not isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
        return ""
    parts = ["__typename"]
    for name, field in kind.fields.items():
        if any(_needed(one) for one in field.args.values()):
            continue
        inner = get_named_type(field.type)
        if not isinstance(inner, GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType):
            parts.append(name)
        elif depth > 1:
            parts.append(f"{name}{_selection(inner, depth - 1)}")
    return f" {{ {' '.join(parts)} }}"


def _needed(argument: object) -> bool:
    kind = getattr(argument, "type", None)
    return isinstance(kind, GraphQLNonNull) and getattr(argument, "default_value", 0) is Undefined
