"""Root fields of a stack's own environment and mounted files."""

from __future__ import annotations

import strawberry

from gantry.api.graphql.context import Info
from gantry.api.graphql.contexts.types import ConfigElement, ConfigInput
from gantry.api.graphql.contexts.views import element_view
from gantry.api.graphql.fields import SIGNED_IN, mutation
from gantry.domains.contexts import repo, service
from gantry.domains.contexts.kinds import OwnerKind
from gantry.domains.people.actions import Action
from gantry.domains.stacks import access
from gantry.domains.stacks import repo as stacks
from gantry.domains.stacks.events import StackChanged


@strawberry.type
class ContextMutation:
    """Writing."""

    @mutation(SIGNED_IN)
    async def stack_config_add(
        self, info: Info, stack: strawberry.ID, config: ConfigInput
    ) -> ConfigElement:
        """Set a variable or a mounted file; one of the same name is replaced."""
        async with info.context.write() as tx:
            owner = await stacks.lock(tx, str(stack))
            access.require(tx, Action.STACK_ADD_CONFIG, owner)
            element = await service.put(
                tx,
                info.context.house.vault,
                owner=OwnerKind.STACK,
                owner_id=owner.id,
                element_type=config.type,
                element_id=str(config.id),
                value=config.value,
                write_only=config.write_only,
                description=config.description,
            )
            tx.emit(StackChanged(owner.id))
        return element_view(info, element)

    @mutation(SIGNED_IN)
    async def stack_config_delete(
        self, info: Info, stack: strawberry.ID, id: strawberry.ID
    ) -> ConfigElement | None:
        """Remove a variable or a mounted file; none when there was none of that name."""
        async with info.context.write() as tx:
            owner = await stacks.lock(tx, str(stack))
            access.require(tx, Action.STACK_DELETE_CONFIG, owner)
            element = await repo.remove(tx, OwnerKind.STACK, owner.id, str(id))
            if element is not None:
                tx.emit(StackChanged(owner.id))
        return element_view(info, element) if element else None
