"""Roles and what is given of them, as the API shows them."""

from __future__ import annotations

import strawberry

from gantry.api.graphql.account.types import Space
from gantry.api.graphql.account.views import load_space
from gantry.api.graphql.context import Info
from gantry.domains.people.actions import Action
from gantry.domains.roles import model, repo
from gantry.domains.stacks import repo as stacks
from gantry.kernel.errors import NotFound


@strawberry.type
class Role:
    """A set of actions with a name."""

    model: strawberry.Private[model.Role]

    @strawberry.field
    def id(self) -> strawberry.ID:
        """A ULID."""
        return strawberry.ID(self.model.id)

    @strawberry.field
    def name(self) -> str:
        """What people call it."""
        return self.model.name

    @strawberry.field
    def slug(self) -> str:
        """Made of the first name; policies know the role by it."""
        return self.model.slug

    @strawberry.field
    def description(self) -> str:
        """What it is for."""
        return self.model.description

    @strawberry.field
    def is_system(self) -> bool:
        """Whether it is the same everywhere, and nobody changes it."""
        return self.model.system

    @strawberry.field
    def actions(self) -> list[Action]:
        """What it allows. Actions of a later release are passed over."""
        known = {action.value for action in Action}
        return [Action(action) for action in self.model.actions if action in known]

    @strawberry.field
    async def role_bindings_count(self, info: Info) -> int:
        """How often it is given, in spaces that the caller is admin of."""
        return await info.context.load(repo.counts, self.model.id) or 0


async def load_role(info: Info, role_id: str) -> Role:
    """The role of a binding. Raises NotFound."""
    found = await info.context.load(repo.by_ids, role_id)
    if found is None:
        raise NotFound("role not found")
    return Role(model=found)


@strawberry.type
class Given:
    """What every binding says of itself: `model` is the row."""

    model: strawberry.Private[model.RoleBinding]

    @strawberry.field
    def id(self) -> strawberry.ID:
        """A ULID."""
        return strawberry.ID(self.model.id)

    @strawberry.field
    async def role(self, info: Info) -> Role:
        """What is given."""
        return await load_role(info, self.model.role_id)


@strawberry.type
class ApiKeyRoleBinding(Given):
    """A role that an API key has in a space."""

    @strawberry.field(name="spaceID")
    def space_id(self) -> strawberry.ID:
        """Where."""
        return strawberry.ID(self.model.space_id)

    @strawberry.field(name="apiKeyID")
    def api_key_id(self) -> strawberry.ID:
        """To whom."""
        return strawberry.ID(self.model.subject_id)


@strawberry.type
class StackRoleBinding(Given):
    """A role that the runs of a stack have in a space."""

    @strawberry.field
    async def space(self, info: Info) -> Space:
        """Where."""
        return await load_space(info, self.model.space_id)

    @strawberry.field(name="stackID")
    def stack_id(self) -> strawberry.ID:
        """To which stack."""
        return strawberry.ID(self.model.subject_id)

    @strawberry.field
    async def stack_name(self, info: Info) -> str:
        """The stack's name; its id for who may not see it."""
        stack = await info.context.load(stacks.by_ids, self.model.subject_id)
        return self.model.subject_id if stack is None else stack.name
