"""What a document may cost: every field counts, and lists multiply what is inside them.

An estimate before anything runs, so that one request cannot ask for millions of rows. The
largest documents of existing clients cost a few thousand.
"""

from __future__ import annotations

from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValidationContext,
    ValidationRule,
    VariableNode,
    get_named_type,
)

MAX_COST = 500_000
"""Fields in the answer, by estimate: some ten seconds of work on one core."""
LIST_SIZE = 20
"""Items a list is taken to have when its field says nothing of its size."""
PAGE_SIZE = 50
"""Items of a page whose `first` is not written in the document."""


class CostRule(ValidationRule):
    """Refuses documents over MAX_COST."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self._fragments = {
            node.name.value: node
            for node in context.document.definitions
            if isinstance(node, FragmentDefinitionNode)
        }

    def enter_operation_definition(self, node: OperationDefinitionNode, *_: Any) -> None:
        """Estimate one operation."""
        root = self.context.schema.get_root_type(node.operation)
        if root is None:
            return
        cost = self._cost(node.selection_set, root, frozenset(), PAGE_SIZE)
        if cost > MAX_COST:
            self.report_error(
                GraphQLError(
                    f"The operation asks for too much at once: {cost} of {MAX_COST}.", node
                )
            )

    def _cost(
        self, selections: SelectionSetNode | None, parent: Any, seen: frozenset[str], page: int
    ) -> int:
        total = 0
        for node in selections.selections if selections else ():
            if isinstance(node, FieldNode):
                total += self._field(node, parent, seen, page)
            elif isinstance(node, InlineFragmentNode):
                total += self._cost(node.selection_set, self._condition(node, parent), seen, page)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
                fragment = self._fragments.get(node.name.value)
                if fragment is not None:
                    kind = self.context.schema.get_type(fragment.type_condition.name.value)
                    inner = seen | {node.name.value}
                    total += self._cost(fragment.selection_set, kind, inner, page)
            if total > MAX_COST:
                return total  # enough is known
        return total

    def _condition(self, node: InlineFragmentNode, parent: Any) -> Any:
        if node.type_condition is None:
            return parent
        return self.context.schema.get_type(node.type_condition.name.value)

    def _field(self, node: FieldNode, parent: Any, seen: frozenset[str], page: int) -> int:
        if not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
            return 1
        field = parent.fields.get(node.name.value)
        if field is None or node.selection_set is None or node.name.value.startswith("__"):
            return 1
        wanted = _first(node) or page
        inner = self._cost(node.selection_set, get_named_type(field.type), seen, wanted)
        if not _is_list(field.type):
            return 1 + inner
        return 1 + inner * (wanted if node.name.value == "edges" else LIST_SIZE)


def _is_list(kind: Any) -> bool:
    return isinstance(kind.of_type if isinstance(kind, GraphQLNonNull) else kind, GraphQLList)


def _first(node: FieldNode) -> int | None:
    """The page size written in the document; none when it is a variable or not there."""
    for argument in node.arguments or ():
        if argument.name.value == "input" and not isinstance(argument.value, VariableNode):
            for given in getattr(argument.value, "fields", ()):
                if given.name.value == "first" and isinstance(given.value, IntValueNode):
                    return max(1, int(given.value.value))
    return None
