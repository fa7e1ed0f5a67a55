"""The schema, put together. `make schema` writes it to schema.graphql, for review."""

from __future__ import annotations

from collections.abc import Iterator

import strawberry
from graphql import GraphQLError
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.tools import merge_types
from strawberry.types import ExecutionContext

from gantry.api.graphql.account.installation import InstallationQuery
from gantry.api.graphql.account.roots import AccountMutation, AccountQuery
from gantry.api.graphql.audit.roots import AuditQuery
from gantry.api.graphql.audit.standing import AuditStandingQuery
from gantry.api.graphql.contexts.roots import ContextMutation, ContextQuery
from gantry.api.graphql.direct import Executor, read_directly
from gantry.api.graphql.filters.roots import FilterMutation, FilterQuery
from gantry.api.graphql.notifications.roots import NotificationMutation, NotificationQuery
from gantry.api.graphql.people.binding_roots import PeopleBindingMutation, PeopleBindingQuery
from gantry.api.graphql.people.group_roots import GroupMutation, GroupQuery
from gantry.api.graphql.people.roots import PeopleMutation, PeopleQuery
from gantry.api.graphql.people.user_roots import UserMutation, UserQuery
from gantry.api.graphql.roles.actions import ActionQuery
from gantry.api.graphql.roles.bindings import BindingMutation, BindingQuery
from gantry.api.graphql.roles.given import GivenQuery
from gantry.api.graphql.roles.rights import RightsQuery
from gantry.api.graphql.roles.roots import RoleMutation, RoleQuery
from gantry.api.graphql.runs.roots import RunMutation
from gantry.api.graphql.sign_on.roots import SignOnMutation, SignOnQuery
from gantry.api.graphql.spaces.attachable import AttachableQuery
from gantry.api.graphql.spaces.roots import SpaceMutation, SpaceQuery
from gantry.api.graphql.stacks.checks import CheckQuery
from gantry.api.graphql.stacks.roots import StackMutation, StackQuery
from gantry.api.graphql.stacks.runs import RunQuery
from gantry.api.graphql.state.history import StateQuery
from gantry.api.graphql.state.roots import StateMutation
from gantry.api.graphql.webhooks.audit_roots import DeliveryMutation, DeliveryQuery
from gantry.api.graphql.webhooks.roots import WebhookMutation, WebhookQuery
from gantry.api.graphql.workers.roots import WorkerMutation, WorkerQuery
from gantry.domains.people.actions import Action

strawberry.enum(Action)

Query = merge_types(
    "Query",
    (
        StackQuery,
        CheckQuery,
        RunQuery,
        AccountQuery,
        WorkerQuery,
        StateQuery,
        PeopleQuery,
        UserQuery,
        GroupQuery,
        PeopleBindingQuery,
        InstallationQuery,
        SpaceQuery,
        RoleQuery,
        BindingQuery,
        ContextQuery,
        AuditQuery,
        WebhookQuery,
        DeliveryQuery,
        AuditStandingQuery,
        ActionQuery,
        GivenQuery,
        RightsQuery,
        SignOnQuery,
        FilterQuery,
        AttachableQuery,
        NotificationQuery,
    ),
)
Mutation = merge_types(
    "Mutation",
    (
        StackMutation,
        RunMutation,
        AccountMutation,
        WorkerMutation,
        StateMutation,
        ContextMutation,
        PeopleMutation,
        UserMutation,
        GroupMutation,
        PeopleBindingMutation,
        SpaceMutation,
        RoleMutation,
        BindingMutation,
        WebhookMutation,
        DeliveryMutation,
        SignOnMutation,
        FilterMutation,
        NotificationMutation,
    ),
)


class Schema(strawberry.Schema):
    """A schema whose errors are logged once, by errors.shown, and not by the library as well."""

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Leave it to the door."""


class AlreadyParsed(SchemaExtension):
    """Executes the document that the door has parsed and measured, and no other."""

    def on_parse(self) -> Iterator[None]:
        """Put it where the library looks before it parses a text itself."""
        self.execution_context.graphql_document = self.execution_context.context.document
        yield


schema = Schema(
    query=Query,
    mutation=Mutation,
    types=[Action],  # read by introspection only
    config=StrawberryConfig(auto_camel_case=True),
    extensions=[AlreadyParsed],
    execution_context_class=Executor,
)
read_directly(schema._schema)
