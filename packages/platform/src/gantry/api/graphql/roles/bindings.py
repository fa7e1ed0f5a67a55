"""Root fields of what is given to API keys and stacks."""

from __future__ import annotations

import strawberry

from gantry.api.graphql.context import Info
from gantry.api.graphql.fields import SIGNED_IN, mutation, query
from gantry.api.graphql.roles.types import ApiKeyRoleBinding, StackRoleBinding
from gantry.domains.roles import bindings
from gantry.domains.roles.bindings import Gift
from gantry.domains.roles.model import Subject
from gantry.domains.stacks import powers


@strawberry.input
class ApiKeyRoleBindingInput:
    """A role for an API key."""

    api_key_id: strawberry.ID = strawberry.field(name="apiKeyID")
    role_id: strawberry.ID = strawberry.field(name="roleID")
    space_id: strawberry.ID = strawberry.field(name="spaceID")


@strawberry.input
class ApiKeyRoleBindingBatchInput:
    """Several at once: all of them or none."""

    bindings: list[ApiKeyRoleBindingInput]


@strawberry.input
class StackRoleBindingInput:
    """A role for the runs of a stack."""

    stack_id: strawberry.ID = strawberry.field(name="stackID")
    role_id: strawberry.ID = strawberry.field(name="roleID")
    space_id: strawberry.ID = strawberry.field(name="spaceID")


@strawberry.input
class StackRoleBindingBatchInput:
    """Several at once: all of them or none."""

    bindings: list[StackRoleBindingInput]


@strawberry.input
class StackRoleBindingUpdateInput:
    """What is to change; nothing keeps."""

    role_id: strawberry.ID | None = strawberry.field(name="roleID", default=None)
    space_id: strawberry.ID | None = strawberry.field(name="spaceID", default=None)


def _of_key(given: ApiKeyRoleBindingInput) -> Gift:
    return Gift(Subject.API_KEY, str(given.api_key_id), str(given.role_id), str(given.space_id))


def _of_stack(given: StackRoleBindingInput) -> Gift:
    return Gift(Subject.STACK, str(given.stack_id), str(given.role_id), str(given.space_id))


@strawberry.type
class BindingQuery:
    """Reading."""

    @query(SIGNED_IN)
    async def api_key_role_binding(self, info: Info, id: strawberry.ID) -> ApiKeyRoleBinding | None:
        """What an API key was given; for admins of the space."""
        async with info.context.read() as tx:
            found = await bindings.find(tx, Subject.API_KEY, str(id))
        return ApiKeyRoleBinding(model=found)

    @query(SIGNED_IN)
    async def stack_role_binding(self, info: Info, id: strawberry.ID) -> StackRoleBinding | None:
        """What a stack was given; for admins of the space."""
        async with info.context.read() as tx:
            found = await bindings.find(tx, Subject.STACK, str(id))
        return StackRoleBinding(model=found)


@strawberry.type
class BindingMutation:
    """Writing."""

    @mutation(SIGNED_IN)
    async def api_key_role_binding_create(
        self, info: Info, input: ApiKeyRoleBindingInput
    ) -> ApiKeyRoleBinding:
        """Give an API key a role in a space, and in those beneath it."""
        async with info.context.write() as tx:
            (made,) = await bindings.give_to_keys(tx, [_of_key(input)])
            info.context.about(made.subject_id)
        return ApiKeyRoleBinding(model=made)

    @mutation(SIGNED_IN)
    async def api_key_role_binding_batch_create(
        self, info: Info, input: ApiKeyRoleBindingBatchInput
    ) -> list[ApiKeyRoleBinding]:
        """The same for several, in order; all of them or none."""
        async with info.context.write() as tx:
            made = await bindings.give_to_keys(tx, [_of_key(given) for given in input.bindings])
            info.context.about(", ".join(one.subject_id for one in made))
        return [ApiKeyRoleBinding(model=one) for one in made]

    @mutation(SIGNED_IN)
    async def api_key_role_binding_update(
        self, info: Info, id: strawberry.ID, input: ApiKeyRoleBindingInput
    ) -> ApiKeyRoleBinding:
        """Another role, or another space, for the same key."""
        async with info.context.write() as tx:
            made = await bindings.change(
                tx,
                Subject.API_KEY,
                str(id),
                role_id=str(input.role_id),
                space_id=str(input.space_id),
            )
            info.context.about(made.subject_id)
        return ApiKeyRoleBinding(model=made)

    @mutation(SIGNED_IN)
    async def api_key_role_binding_delete(
        self, info: Info, id: strawberry.ID
    ) -> ApiKeyRoleBinding | None:
        """Take a role away from an API key, at once."""
        async with info.context.write() as tx:
            gone = await bindings.take(tx, Subject.API_KEY, str(id))
            info.context.about(gone.subject_id)
        return ApiKeyRoleBinding(model=gone)

    @mutation(SIGNED_IN)
    async def stack_role_binding_create(
        self, info: Info, input: StackRoleBindingInput
    ) -> StackRoleBinding:
        """Give the runs of a stack a role in a space, and in those beneath it."""
        async with info.context.write() as tx:
            (made,) = await powers.give(tx, [_of_stack(input)])
            info.context.about(made.subject_id)
        return StackRoleBinding(model=made)

    @mutation(SIGNED_IN)
    async def stack_role_binding_batch_create(
        self, info: Info, input: StackRoleBindingBatchInput
    ) -> list[StackRoleBinding]:
        """The same for several, in order; all of them or none."""
        async with info.context.write() as tx:
            made = await powers.give(tx, [_of_stack(given) for given in input.bindings])
            info.context.about(", ".join(one.subject_id for one in made))
        return [StackRoleBinding(model=one) for one in made]

    @mutation(SIGNED_IN)
    async def stack_role_binding_update(
        self, info: Info, id: strawberry.ID, input: StackRoleBindingUpdateInput
    ) -> StackRoleBinding:
        """Another role, or another space, for the same stack."""
        async with info.context.write() as tx:
            made = await powers.change(
                tx,
                str(id),
                role_id=str(input.role_id) if input.role_id else None,
                space_id=str(input.space_id) if input.space_id else None,
            )
            info.context.about(made.subject_id)
        return StackRoleBinding(model=made)

    @mutation(SIGNED_IN)
    async def stack_role_binding_delete(
        self, info: Info, id: strawberry.ID
    ) -> StackRoleBinding | None:
        """Take a role away from a stack, at once."""
        async with info.context.write() as tx:
            gone = await bindings.take(tx, Subject.STACK, str(id))
            info.context.about(gone.subject_id)
        return StackRoleBinding(model=gone)
