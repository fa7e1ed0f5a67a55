"""The dialect that existing clients speak beyond the GraphQL specification (contract notes).

They send empty parentheses, and variables with keys that an input does not have; both are taken
as if they were not there. Everything else is held to the specification.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    OperationDefinitionNode,
    TypeNode,
    type_from_ast,
)

_STRING_OR_EMPTY = re.compile(
    r'"""(?:\\"""|(?!""").)*+(?:""")?|"(?:[^"\\\n]|\\.)*+"?|#[^\n]*+|\(\s*+\)', re.DOTALL
)
"""A string without an end is taken up to where it stops: looking for its end again from each
quote inside of it would take the square of its length. The parser refuses it afterwards."""
MAX_DEPTH = 32
"""Nesting of variables that is walked; deeper ones are left to the engine's own limits."""


def without_empty_parentheses(text: str) -> str:
    """The document without `()`, except inside strings and comments; the rest stays in place."""
    return _STRING_OR_EMPTY.sub(_blank, text)


def _blank(found: re.Match[str]) -> str:
    text = found[0]
    return text.replace("(", " ").replace(")", " ") if text.startswith("(") else text


def known_variables(
    schema: GraphQLSchema, document: DocumentNode, operation: str | None, given: Mapping[str, Any]
) -> dict[str, Any]:
    """The variables, without keys that their input types do not have."""
    declared: dict[str, TypeNode] = {}
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode) and (
            operation is None or (node.name is not None and node.name.value == operation)
        ):
            declared.update(
                {v.variable.name.value: v.type for v in node.variable_definitions or ()}
            )
    kept = {}
    for name, value in given.items():
        type_node = declared.get(name)
        kind = type_from_ast(schema, type_node) if type_node is not None else None
        kept[name] = _known(kind, value, 0) if kind is not None else value
    return kept


def _known(kind: GraphQLInputType | Any, value: Any, depth: int) -> Any:
    while isinstance(kind, GraphQLNonNull):
        kind = kind.of_type
    if depth > MAX_DEPTH:
        return value
    if isinstance(kind, GraphQLList) and isinstance(value, list):
        return [_known(kind.of_type, item, depth + 1) for item in value]
    if isinstance(kind, GraphQLList):
        return _known(kind.of_type, value, depth + 1)
    if isinstance(kind, GraphQLInputObjectType) and isinstance(value, dict):
        return {
            name: _known(kind.fields[name].type, item, depth + 1)
            for name, item in value.items()
            if name in kind.fields
        }
    return value
