"""Root fields of worker pools."""

from __future__ import annotations

import strawberry

from gantry.api.graphql.context import Info
from gantry.api.graphql.fields import SIGNED_IN, mutation, query
from gantry.api.graphql.shared.convert import edges, page_info, search
from gantry.api.graphql.shared.types import SearchInput
from gantry.api.graphql.workers.types import (
    PublicWorkerPool,
    SearchWorkerPoolsOutput,
    SearchWorkerPoolsOutputEdge,
    Worker,
    WorkerPool,
    load_pool,
)
from gantry.domains.pools import repo, service
from gantry.domains.runs import leases_repo as leases
from gantry.domains.runs import repo as runs
from gantry.domains.stacks import homes
from gantry.domains.stacks import repo as stacks


@strawberry.type
class WorkerQuery:
    """Reading."""

    @query(SIGNED_IN)
    async def worker_pool(self, info: Info, id: strawberry.ID) -> WorkerPool | None:
        """A private worker pool."""
        return await load_pool(info, str(id))

    @query(SIGNED_IN)
    async def worker_pools(self, info: Info) -> list[WorkerPool]:
        """Every private pool the caller may see."""
        async with info.context.read() as tx:
            return [WorkerPool(model=pool) for pool in await repo.all_visible(tx)]

    @query(SIGNED_IN)
    async def search_worker_pools(self, info: Info, input: SearchInput) -> SearchWorkerPoolsOutput:
        """Pools by predicates and words, in pages."""
        async with info.context.read() as tx:
            found = await repo.search(tx, search(input))
        shown = found.shown(lambda p: WorkerPool(model=p))
        return SearchWorkerPoolsOutput(
            edges=edges(shown, SearchWorkerPoolsOutputEdge), page_info=page_info(shown)
        )

    @query(SIGNED_IN)
    async def public_worker_pool(self, info: Info) -> PublicWorkerPool:
        """The pool of stacks that name no other."""
        async with info.context.read() as tx:
            pool = await repo.public(tx)
        return PublicWorkerPool(pool_id=pool.id if pool else None)


@strawberry.type
class WorkerMutation:
    """Writing."""

    @mutation(SIGNED_IN)
    async def worker_pool_create(
        self,
        info: Info,
        name: str,
        certificate_signing_request: str,
        description: str | None = None,
        labels: list[str] | None = None,
        space: strawberry.ID | None = None,
        drift_detection_run_limit: int | None = None,
    ) -> WorkerPool:
        """A pool whose workers hold the private key of the signing request."""
        authority = await info.context.house.authority()
        async with info.context.write() as tx:
            pool = await service.create(
                tx,
                authority,
                info.context.house.reach,
                name=name,
                request=certificate_signing_request,
                description=description,
                labels=labels,
                space_id=str(space) if space else None,
                drift_limit=drift_detection_run_limit,
            )
            info.context.about(pool.id)
        return WorkerPool(model=pool)

    @mutation(SIGNED_IN)
    async def worker_pool_update(
        self,
        info: Info,
        id: strawberry.ID,
        name: str,
        description: str | None = None,
        labels: list[str] | None = None,
        space: strawberry.ID | None = None,
        drift_detection_run_limit: int | None = None,
    ) -> WorkerPool:
        """Change a pool to exactly this; no space keeps the space."""
        async with info.context.write() as tx:
            pool = await service.update(
                tx,
                str(id),
                name=name,
                description=description,
                labels=labels,
                space_id=str(space) if space else None,
                drift_limit=drift_detection_run_limit,
            )
            await homes.require_pool_in_reach(tx, pool.id)
        return WorkerPool(model=pool)

    @mutation(SIGNED_IN)
    async def worker_pool_delete(self, info: Info, id: strawberry.ID) -> WorkerPool | None:
        """Remove a pool that no stack uses."""
        async with info.context.write() as tx:
            using = await stacks.count_in_pool(tx, str(id))
            unfinished = await runs.unfinished_in_pool(tx, str(id))
            pool = await service.delete(tx, str(id), stacks_using=using, runs_using=unfinished)
        return WorkerPool(model=pool)

    @mutation(SIGNED_IN)
    async def worker_pool_reset(
        self, info: Info, id: strawberry.ID, certificate_signing_request: str
    ) -> WorkerPool:
        """A new key and a new token; workers of the old key are locked out."""
        authority = await info.context.house.authority()
        async with info.context.write() as tx:
            pool = await service.reset(
                tx,
                authority,
                info.context.house.reach,
                str(id),
                request=certificate_signing_request,
            )
        return WorkerPool(model=pool)

    @mutation(SIGNED_IN)
    async def worker_pool_cycle(self, info: Info, id: strawberry.ID) -> bool:
        """Every worker finishes what it holds and leaves."""
        async with info.context.write() as tx:
            await service.cycle(tx, str(id))
        return True

    @mutation(SIGNED_IN)
    async def worker_drain_set(
        self, info: Info, worker_pool: strawberry.ID, id: strawberry.ID, drain: bool
    ) -> Worker:
        """Give a worker no new runs, or again; `busy` says whether it holds one now."""
        async with info.context.write() as tx:
            worker = await service.set_drained(tx, str(worker_pool), str(id), drain=drain)
            held = (await leases.busy_workers(tx, [worker.pool_id]))[worker.pool_id]
        return Worker(model=worker, held=held.get(worker.id, 0))
