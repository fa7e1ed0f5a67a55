"""What was given to whom, of every kind in one list, for whoever looks after a space or a role."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

import strawberry

from gantry.api.graphql.account.types import Space
from gantry.api.graphql.account.views import load_space
from gantry.api.graphql.context import Info
from gantry.api.graphql.fields import SIGNED_IN, query
from gantry.api.graphql.roles.types import Role, load_role
from gantry.api.graphql.shared.convert import edges, page_info, search, seconds
from gantry.api.graphql.shared.types import PageInfo, SearchInput
from gantry.domains.people import names_repo
from gantry.domains.roles import given_repo, model
from gantry.domains.roles.model import Subject
from gantry.domains.stacks import repo as stacks
from gantry.kernel.tx import Tx

strawberry.enum(Subject, name="RoleSubject", description="To whom a role may be given.")


async def _stack_names(tx: Tx, ids: Sequence[str]) -> dict[str, str]:
    """Names of those that the actor may see."""
    return {stack.id: stack.name for stack in (await stacks.by_ids(tx, ids)).values()}


_NAMES: Mapping[Subject, Callable[[Tx, Sequence[str]], Awaitable[dict[str, str]]]] = {
    Subject.USER: names_repo.of_users,
    Subject.GROUP: names_repo.of_groups,
    Subject.CHANNEL: names_repo.of_channels,
    Subject.API_KEY: names_repo.of_keys,
    Subject.STACK: _stack_names,
}
"""Who knows the names of a kind."""


async def subject_name(info: Info, binding: model.RoleBinding) -> str:
    """What whoever has the role is called; its id where there is no name, or it may not be seen."""
    found = await info.context.load(_NAMES[binding.subject], binding.subject_id)
    return found or binding.subject_id


@strawberry.type(description="A role that somebody or something has in a space, and beneath it.")
class RoleBinding:
    """`model` is the row."""

    model: strawberry.Private[model.RoleBinding]

    @strawberry.field
    def id(self) -> strawberry.ID:
        """A ULID."""
        return strawberry.ID(self.model.id)

    @strawberry.field
    def subject(self) -> Subject:
        """Of which kind whoever has it is."""
        return self.model.subject

    @strawberry.field(name="subjectID")
    def subject_id(self) -> strawberry.ID:
        """Who has it."""
        return strawberry.ID(self.model.subject_id)

    @strawberry.field
    async def subject_name(self, info: Info) -> str:
        """What they are called."""
        return await subject_name(info, self.model)

    @strawberry.field
    async def role(self, info: Info) -> Role:
        """What is given."""
        return await load_role(info, self.model.role_id)

    @strawberry.field
    async def space(self, info: Info) -> Space:
        """Where."""
        return await load_space(info, self.model.space_id)

    @strawberry.field
    def created_at(self) -> int:
        """Unix seconds."""
        return seconds(self.model.created_at)

    @strawberry.field
    def created_by(self) -> str:
        """The login of whoever gave it."""
        return self.model.created_by


@strawberry.type(description="A binding on a page.")
class SearchRoleBindingsOutputEdge:
    """With its cursor."""

    cursor: str
    node: RoleBinding


@strawberry.type(description="A page of bindings.")
class SearchRoleBindingsOutput:
    """Edges and where they end."""

    edges: list[SearchRoleBindingsOutputEdge]
    page_info: PageInfo


@strawberry.type
class GivenQuery:
    """Reading."""

    @query(SIGNED_IN)
    async def search_role_bindings(
        self, info: Info, input: SearchInput
    ) -> SearchRoleBindingsOutput:
        """What was given in the spaces that the caller is admin of, in pages, the newest first.

        Fields: countsIn (spaces: given there or above), role, space, subject, subjectId.
        """
        async with info.context.read() as tx:
            found = await given_repo.search(tx, search(input))
        shown = found.shown(lambda one: RoleBinding(model=one))
        return SearchRoleBindingsOutput(
            edges=edges(shown, SearchRoleBindingsOutputEdge), page_info=page_info(shown)
        )
