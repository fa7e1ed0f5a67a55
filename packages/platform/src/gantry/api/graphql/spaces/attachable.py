"""What stacks of a space can use: what is in it, and in the spaces that it inherits from."""

from __future__ import annotations

import strawberry

from gantry.api.graphql.context import Info
from gantry.api.graphql.contexts.context_types import Context
from gantry.api.graphql.fields import SIGNED_IN, query
from gantry.api.graphql.later.types import ExternalIntegration, Policy, VCSIntegration
from gantry.api.graphql.workers.types import WorkerPool
from gantry.domains.contexts import context_repo
from gantry.domains.pools import repo as pools
from gantry.domains.spaces import service
from gantry.domains.stacks.model import Provider


@strawberry.type
class AttachableQuery:
    """Reading. A space that the caller may not see is not found."""

    @query(SIGNED_IN)
    async def attachable_contexts_in_space(self, info: Info, id: strawberry.ID) -> list[Context]:
        """Contexts, by name."""
        async with info.context.read() as tx:
            reach = await service.reach_of(tx, str(id))
            found = await context_repo.all_visible(tx, space_ids=reach)
        return [Context(model=one) for one in found]

    @query(SIGNED_IN)
    async def attachable_worker_pools_in_space(
        self, info: Info, id: strawberry.ID
    ) -> list[WorkerPool]:
        """Private worker pools, oldest first."""
        async with info.context.read() as tx:
            reach = await service.reach_of(tx, str(id))
            found = await pools.all_visible(tx, space_ids=reach)
        return [WorkerPool(model=pool) for pool in found]

    @query(SIGNED_IN)
    async def attachable_policies_in_space(self, info: Info, id: strawberry.ID) -> list[Policy]:
        """There are no policies yet."""
        await _require_seen(info, id)
        return []

    @query(SIGNED_IN)
    async def attachable_external_integration_in_space(
        self, info: Info, id: strawberry.ID
    ) -> list[ExternalIntegration]:
        """There are no integrations of other products yet."""
        await _require_seen(info, id)
        return []

    @query(SIGNED_IN, name="attachableVCSIntegrationsForProviderInSpace")
    async def attachable_vcs_integrations_for_provider_in_space(
        self, info: Info, id: strawberry.ID, provider: Provider
    ) -> list[VCSIntegration]:
        """Stacks name their repositories by address; there are no integrations of Git hosts yet."""
        await _require_seen(info, id)
        return []


async def _require_seen(info: Info, space_id: strawberry.ID) -> None:
    async with info.context.read() as tx:
        await service.resolve(tx, str(space_id))
