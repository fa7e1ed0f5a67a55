"""Root fields of what is given to users and groups."""

from __future__ import annotations

import strawberry

from gantry.api.graphql.context import Info
from gantry.api.graphql.fields import SIGNED_IN, mutation, query
from gantry.api.graphql.people.user_inputs import (
    UserGroupRoleBindingBatchInput,
    UserGroupRoleBindingInput,
    UserRoleBindingBatchInput,
    UserRoleBindingInput,
)
from gantry.api.graphql.people.user_types import UserGroupRoleBinding, UserRoleBinding
from gantry.domains.roles import bindings
from gantry.domains.roles.bindings import Gift
from gantry.domains.roles.model import Subject


def _of_user(given: UserRoleBindingInput) -> Gift:
    return Gift(Subject.USER, str(given.user_id), str(given.role_id), str(given.space_id))


def _of_group(given: UserGroupRoleBindingInput) -> Gift:
    return Gift(Subject.GROUP, str(given.user_group_id), str(given.role_id), str(given.space_id))


@strawberry.type
class PeopleBindingQuery:
    """Reading."""

    @query(SIGNED_IN)
    async def user_role_binding(self, info: Info, id: strawberry.ID) -> UserRoleBinding | None:
        """What a user was given; for admins of the space."""
        async with info.context.read() as tx:
            found = await bindings.find(tx, Subject.USER, str(id))
        return UserRoleBinding(model=found)

    @query(SIGNED_IN)
    async def user_group_role_binding(
        self, info: Info, id: strawberry.ID
    ) -> UserGroupRoleBinding | None:
        """What a group was given; for admins of the space."""
        async with info.context.read() as tx:
            found = await bindings.find(tx, Subject.GROUP, str(id))
        return UserGroupRoleBinding(model=found)


@strawberry.type
class PeopleBindingMutation:
    """Writing."""

    @mutation(SIGNED_IN)
    async def user_role_binding_create(
        self, info: Info, input: UserRoleBindingInput
    ) -> UserRoleBinding:
        """Give a user a role in a space, and in those beneath it."""
        async with info.context.write() as tx:
            (made,) = await bindings.give_to_users(tx, [_of_user(input)])
            info.context.about(made.subject_id)
        return UserRoleBinding(model=made)

    @mutation(SIGNED_IN)
    async def user_role_binding_batch_create(
        self, info: Info, input: UserRoleBindingBatchInput
    ) -> list[UserRoleBinding]:
        """The same for several, in order; all of them or none."""
        async with info.context.write() as tx:
            made = await bindings.give_to_users(tx, [_of_user(given) for given in input.bindings])
            info.context.about(", ".join(one.subject_id for one in made))
        return [UserRoleBinding(model=one) for one in made]

    @mutation(SIGNED_IN)
    async def user_role_binding_update(
        self, info: Info, id: strawberry.ID, input: UserRoleBindingInput
    ) -> UserRoleBinding:
        """Another role, or another space, for the same user."""
        async with info.context.write() as tx:
            made = await bindings.change(
                tx,
                Subject.USER,
                str(id),
                role_id=str(input.role_id),
                space_id=str(input.space_id),
            )
            info.context.about(made.subject_id)
        return UserRoleBinding(model=made)

    @mutation(SIGNED_IN)
    async def user_role_binding_delete(
        self, info: Info, id: strawberry.ID
    ) -> UserRoleBinding | None:
        """Take a role away from a user, at once."""
        async with info.context.write() as tx:
            gone = await bindings.take(tx, Subject.USER, str(id))
            info.context.about(gone.subject_id)
        return UserRoleBinding(model=gone)

    @mutation(SIGNED_IN)
    async def user_group_role_binding_create(
        self, info: Info, input: UserGroupRoleBindingInput
    ) -> UserGroupRoleBinding:
        """Give the members of a group a role in a space, and in those beneath it."""
        async with info.context.write() as tx:
            (made,) = await bindings.give_to_groups(tx, [_of_group(input)])
            info.context.about(made.subject_id)
        return UserGroupRoleBinding(model=made)

    @mutation(SIGNED_IN)
    async def user_group_role_binding_batch_create(
        self, info: Info, input: UserGroupRoleBindingBatchInput
    ) -> list[UserGroupRoleBinding]:
        """The same for several, in order; all of them or none."""
        async with info.context.write() as tx:
            made = await bindings.give_to_groups(tx, [_of_group(given) for given in input.bindings])
            info.context.about(", ".join(one.subject_id for one in made))
        return [UserGroupRoleBinding(model=one) for one in made]

    @mutation(SIGNED_IN)
    async def user_group_role_binding_update(
        self, info: Info, id: strawberry.ID, input: UserGroupRoleBindingInput
    ) -> UserGroupRoleBinding:
        """Another role, or another space, for the same group."""
        async with info.context.write() as tx:
            made = await bindings.change(
                tx,
                Subject.GROUP,
                str(id),
                role_id=str(input.role_id),
                space_id=str(input.space_id),
            )
            info.context.about(made.subject_id)
        return UserGroupRoleBinding(model=made)

    @mutation(SIGNED_IN)
    async def user_group_role_binding_delete(
        self, info: Info, id: strawberry.ID
    ) -> UserGroupRoleBinding | None:
        """Take a role away from a group, at once."""
        async with info.context.write() as tx:
            gone = await bindings.take(tx, Subject.GROUP, str(id))
            info.context.about(gone.subject_id)
        return UserGroupRoleBinding(model=gone)
