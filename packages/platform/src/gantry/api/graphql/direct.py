"""Fields that are read from what they belong to are read by one call.

The library prepares each call of a resolver: an info object, arguments, extensions; and looks
step by step at what comes back. A field that takes none of that and answers with a text or a
number, and most do, spends ten times as long in the preparations as in its own line, which a list
of thousands multiplies.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    is_leaf_type,
)
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField


class Unusual(Exception):
    """A value that is not simply shown. The library says what is wrong with it, if anything."""


class Direct:
    """The resolver of a field that needs nothing but its object."""

    def __init__(self, function: Callable[[Any], Any], kind: Any) -> None:
        self._function = function
        self._finish = _finisher(kind)

    def __call__(self, source: Any, _info: Any) -> Any:
        """The field's value, as resolvers answer it."""
        return self._function(source)

    def shown(self, source: Any) -> Any:
        """The field's value as it is in the answer. Raises Unusual, and what the field raises."""
        return self._finish(self._function(source))


class Executor(StrawberryGraphQLCoreExecutionContext):
    """Executes operations as the library does, and takes the short way where there is one."""

    def execute_field(
        self, parent_type: GraphQLObjectType, source: Any, field_details_list: Any, *rest: Any
    ) -> Any:
        """The field's value; a promise of it from a resolver that waits."""
        field = parent_type.fields.get(field_details_list[0].node.name.value)
        if field is not None and isinstance(field.resolve, Direct):
            try:
                return field.resolve.shown(source)
            except Exception:  # noqa: S110 - asked once more below, where errors are kept
                pass
        return super().execute_field(parent_type, source, field_details_list, *rest)


def read_directly(schema: GraphQLSchema) -> None:
    """Let every field that needs nothing but its object be resolved by its function alone."""
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            for field in kind.fields.values():
                function = _needs_only_its_object(field)
                if function is not None:
                    field.resolve = Direct(function, field.type)


def _needs_only_its_object(field: GraphQLField) -> Callable[[Any], Any] | None:
    """The function behind such a field; None for one that takes more, or waits."""
    definition = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    if not isinstance(definition, StrawberryField) or definition.base_resolver is None:
        return None
    resolver = definition.base_resolver
    if definition.extensions or definition.is_async or definition.arguments:
        return None
    if resolver.self_parameter is None or len(resolver.signature.parameters) != 1:
        return None
    return resolver.wrapped_func if isinstance(resolver.wrapped_func, FunctionType) else None


def _finisher(kind: Any) -> Callable[[Any], Any]:
    """What makes a value of the type into what is shown."""
    if isinstance(kind, GraphQLNonNull):
        return _finisher_of_something(kind.of_type)
    finish = _finisher_of_something(kind)
    return lambda value: None if value is None else finish(value)


def _finisher_of_something(kind: Any) -> Callable[[Any], Any]:
    if is_leaf_type(kind):
        coerce = kind.coerce_output_value

        def leaf(value: Any) -> Any:
            shown = None if value is None else coerce(value)
            if shown is None:
                raise Unusual
            return shown

        return leaf
    if isinstance(kind, GraphQLList):
        each = _finisher(kind.of_type)

        def several(values: Any) -> list[Any]:
            if not isinstance(values, list):
                raise Unusual
            return [each(value) for value in values]

        return several
    return _unusual


def _unusual(value: Any) -> Any:
    raise Unusual
