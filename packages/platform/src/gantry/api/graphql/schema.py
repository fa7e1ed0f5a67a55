"""The schema, put together. `make schema` writes it to schema.graphql, for review."""

from __future__ import annotations

import strawberry
from graphql import GraphQLError
from strawberry.extensions import AddValidationRules, MaxAliasesLimiter, QueryDepthLimiter
from strawberry.schema.config import StrawberryConfig
from strawberry.tools import merge_types
from strawberry.types import ExecutionContext

from gantry.api.graphql.account.roots import AccountMutation, AccountQuery
from gantry.api.graphql.contexts.roots import ContextMutation
from gantry.api.graphql.cost import CostRule
from gantry.api.graphql.limits import MAX_ALIASES, MAX_DEPTH
from gantry.api.graphql.runs.roots import RunMutation
from gantry.api.graphql.stacks.roots import StackMutation, StackQuery
from gantry.api.graphql.stacks.runs import RunQuery
from gantry.api.graphql.state.roots import StateMutation
from gantry.api.graphql.workers.roots import WorkerMutation, WorkerQuery
from gantry.domains.people.actions import Action

strawberry.enum(Action)

Query = merge_types("Query", (StackQuery, RunQuery, AccountQuery, WorkerQuery))
Mutation = merge_types(
    "Mutation",
    (StackMutation, RunMutation, AccountMutation, WorkerMutation, StateMutation, ContextMutation),
)


class Schema(strawberry.Schema):
    """A schema whose errors are logged once, by errors.shown, and not by the library as well."""

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Leave it to the door."""


schema = Schema(
    query=Query,
    mutation=Mutation,
    types=[Action],  # read by introspection only
    config=StrawberryConfig(auto_camel_case=True),
    extensions=[
        lambda: QueryDepthLimiter(max_depth=MAX_DEPTH),
        lambda: MaxAliasesLimiter(max_alias_count=MAX_ALIASES),
        lambda: AddValidationRules([CostRule]),
    ],
)
