"""What a document asks for, measured before anything validates or runs it.

Depth, aliases, repetitions and the size of the answer, in one pass. A fragment is measured once,
however often it is spread, so that the pass is linear in the document's length whatever the
document stands for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
)

from gantry.api.graphql.limits import (
    MAX_ALIASES,
    MAX_COST,
    MAX_DEPTH,
    MAX_REPEATS,
    MORE_DEPTH_FOR_INTROSPECTION,
)
from gantry.kernel.paging import MAX_PAGE

LIST_SIZE = 20
"""Items a list is taken to have when its field says nothing of its size."""
LIST_SIZE_OF_INTROSPECTION = 15
"""The same in the schema's own description: the longest question for all of it fits thrice."""
PAGE_SIZE = 50
"""Items of a page whose `first` is not written in the document."""
CEILING = 10**9
"""Nothing is counted beyond: whatever gets here is refused, and doublings stay small numbers."""
_INTROSPECTION = {"__schema": "__Schema", "__type": "__Type"}


@dataclass(frozen=True, slots=True)
class Size:
    """What a selection asks for, with the fragments that it spreads."""

    depth: int = 0
    aliases: int = 0
    repeats: int = 0
    """How often the place of the answer that is named most often is named, at most."""
    cost: int = 0
    """Fields in the answer, those in the items of a page apart."""
    per_item: int = 0
    """Fields in each item of the page, if the selection is one of a page."""

    def with_page(self, items: int) -> int:
        """Fields in the answer, for a page of so many items."""
        return min(self.cost + self.per_item * items, CEILING)

    def __add__(self, other: Size) -> Size:
        return Size(
            max(self.depth, other.depth),
            min(self.aliases + other.aliases, CEILING),
            min(self.repeats + other.repeats, CEILING),
            min(self.cost + other.cost, CEILING),
            min(self.per_item + other.per_item, CEILING),
        )


def require_modest(schema: GraphQLSchema, document: DocumentNode) -> None:
    """Raises GraphQLError when one of the document's operations asks for too much.

    What is wrong with a document in other ways is left for validation to say.
    """
    fragments = {
        node.name.value: node
        for node in document.definitions
        if isinstance(node, FragmentDefinitionNode)
    }
    known: dict[str, Size] = {}
    for name in _inner_ones_first(fragments):
        kind = schema.get_type(fragments[name].type_condition.name.value)
        known[name] = _selection(schema, fragments[name].selection_set, kind, known)
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode):
            root = schema.get_root_type(node.operation)
            _require_modest(_selection(schema, node.selection_set, root, known), node)


def _require_modest(size: Size, node: OperationDefinitionNode) -> None:
    cost = size.with_page(PAGE_SIZE)
    if cost > MAX_COST:
        raise GraphQLError(f"The operation asks for too much: {cost} of {MAX_COST}.", node)
    if size.depth > MAX_DEPTH:
        raise GraphQLError(
            f"The operation is nested too deeply: the maximum depth is {MAX_DEPTH}.", node
        )
    if size.aliases > MAX_ALIASES:
        raise GraphQLError(
            f"The operation has too many aliases: {size.aliases} of {MAX_ALIASES}.", node
        )
    if size.repeats > MAX_REPEATS:
        raise GraphQLError(
            f"The operation names one field too often: {size.repeats} of {MAX_REPEATS} times.",
            node,
        )


def _inner_ones_first(fragments: Mapping[str, FragmentDefinitionNode]) -> list[str]:
    graph = {
        name: [inner for inner in _spreads(node.selection_set) if inner in fragments]
        for name, node in fragments.items()
    }
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        circle = list(dict.fromkeys(error.args[1]))
        raise GraphQLError(
            f'The fragment "{circle[0]}" contains itself; that has no end.', fragments[circle[0]]
        ) from None


def _spreads(selections: SelectionSetNode) -> list[str]:
    """The names of the fragments that are spread in here, at any depth."""
    found, waiting = [], [selections]
    while waiting:
        for node in waiting.pop().selections:
            if isinstance(node, FragmentSpreadNode):
                found.append(node.name.value)
            elif isinstance(node, FieldNode | InlineFragmentNode) and node.selection_set:
                waiting.append(node.selection_set)
    return found


def _selection(
    schema: GraphQLSchema, selections: SelectionSetNode, parent: Any, known: Mapping[str, Size]
) -> Size:
    # Goes down as deep as one definition is nested, which the parser limits; fragments are known.
    total, named = Size(), dict[str, int]()
    for node in selections.selections:
        if isinstance(node, FieldNode):
            size = _field(schema, node, parent, known)
            place = (node.alias or node.name).value
            named[place] = min(named.get(place, 0) + size.repeats, CEILING)
            total += Size(size.depth, size.aliases, 0, size.cost, size.per_item)
        elif isinstance(node, InlineFragmentNode):
            kind = parent
            if node.type_condition is not None:
                kind = schema.get_type(node.type_condition.name.value)
            total += _selection(schema, node.selection_set, kind, known)
        elif isinstance(node, FragmentSpreadNode):
            total += known.get(node.name.value, Size())
    return total + Size(repeats=max(named.values(), default=0))


def _field(schema: GraphQLSchema, node: FieldNode, parent: Any, known: Mapping[str, Size]) -> Size:
    name, aliases = node.name.value, int(node.alias is not None)
    if node.selection_set is None:
        return Size(aliases=aliases, repeats=1, cost=1)
    kind = _type_of(schema, parent, name)
    inner = _selection(schema, node.selection_set, get_named_type(kind), known)
    inside = inner.with_page(_first(node) or PAGE_SIZE)
    depth, cost, per_item = 1 + inner.depth, 1, 0
    if name in _INTROSPECTION:
        depth = max(0, depth - MORE_DEPTH_FOR_INTROSPECTION)
    if not _is_list(kind):
        cost += inside
    elif name == "edges":
        per_item = inside
    else:
        cost += inside * _list_size(parent)
    return Size(depth, aliases + inner.aliases, max(1, inner.repeats), cost, per_item)


def _type_of(schema: GraphQLSchema, parent: Any, name: str) -> Any:
    """The type of a field; none when there is no such field, which validation will say."""
    if name in _INTROSPECTION:
        return schema.get_type(_INTROSPECTION[name])
    if not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
        return None
    field = parent.fields.get(name)
    return None if field is None else field.type


def _is_list(kind: Any) -> bool:
    return isinstance(kind.of_type if isinstance(kind, GraphQLNonNull) else kind, GraphQLList)


def _list_size(parent: Any) -> int:
    described = parent is not None and parent.name.startswith("__")
    return LIST_SIZE_OF_INTROSPECTION if described else LIST_SIZE


def _first(node: FieldNode) -> int | None:
    """The page size written in the document; none when it is a variable or not there."""
    for argument in node.arguments or ():
        if argument.name.value == "input" and not isinstance(argument.value, VariableNode):
            for given in getattr(argument.value, "fields", ()):
                if given.name.value == "first" and isinstance(given.value, IntValueNode):
                    # Longer ones are no numbers of items; parsing them takes time of its own.
                    digits = given.value.value[:9]
                    return max(1, min(int(digits), MAX_PAGE))
    return None
