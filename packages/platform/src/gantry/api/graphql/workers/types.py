"""Worker pools, workers and queues in the API."""

from __future__ import annotations

import enum
import json
from typing import Any

import strawberry

from gantry.api.graphql.account.types import Space
from gantry.api.graphql.account.views import load_space
from gantry.api.graphql.context import Info
from gantry.api.graphql.runs.types import Run
from gantry.api.graphql.shared.convert import info as page_info_of
from gantry.api.graphql.shared.convert import seconds, seconds_or_none
from gantry.api.graphql.shared.types import PageInfo, QueryOrderDirection, SearchInput
from gantry.domains.people.access import may, readable_spaces
from gantry.domains.people.actions import Action
from gantry.domains.pools import repo
from gantry.domains.pools.model import Worker as WorkerModel
from gantry.domains.pools.model import WorkerPool as PoolModel
from gantry.domains.runs import leases_repo as leases
from gantry.domains.runs import queue_repo
from gantry.domains.runs import repo as runs
from gantry.domains.runs.model import Run as RunModel
from gantry.domains.stacks import repo as stacks
from gantry.kernel.paging import decode_offset, encode_cursor, page_size


@strawberry.enum(description="What a worker does: busy also when about to.")
class WorkerStatus(enum.Enum):
    """The API's words."""

    BUSY = "BUSY"
    DRAINED = "DRAINED"
    IDLE = "IDLE"


@strawberry.type(description="A run in a worker's hands.")
class HeldRun:
    """A run, and which stack it is of."""

    stack_id: strawberry.ID
    stack_name: str
    run: Run


async def _held(info: Info, run: RunModel) -> HeldRun:
    return HeldRun(
        stack_id=strawberry.ID(run.stack_id),
        stack_name=await _stack_name(info, run.stack_id),
        run=Run(model=run),
    )


async def _stack_name(info: Info, stack_id: str) -> str:
    stack = await info.context.load(stacks.by_ids, stack_id)
    return stack.name if stack else stack_id


@strawberry.type(description="A launcher that takes runs of a pool.")
class Worker:
    """A worker and how many runs it holds."""

    model: strawberry.Private[WorkerModel]
    held: strawberry.Private[int]

    @strawberry.field
    def id(self) -> strawberry.ID:
        """Its ULID."""
        return strawberry.ID(self.model.id)

    @strawberry.field
    def busy(self) -> bool:
        """Whether it holds a run."""
        return self.held > 0

    @strawberry.field
    def drained(self) -> bool:
        """Whether it gets no new runs."""
        return self.model.drained

    @strawberry.field
    def status(self) -> WorkerStatus:
        """Drained, else busy or idle."""
        if self.model.drained:
            return WorkerStatus.DRAINED
        return WorkerStatus.BUSY if self.held else WorkerStatus.IDLE

    @strawberry.field
    def created_at(self) -> int:
        """Unix seconds of its registration."""
        return seconds(self.model.created_at)

    @strawberry.field
    def available_at(self) -> int | None:
        """Since when it is idle; none while it is busy."""
        return seconds_or_none(self.model.available_at)

    @strawberry.field
    def version(self) -> str:
        """Its release."""
        return self.model.version

    @strawberry.field
    def concurrency(self) -> int:
        """How many runs it takes at a time."""
        return self.model.concurrency

    @strawberry.field
    def last_seen_at(self) -> int:
        """Unix seconds of its last word."""
        return seconds(self.model.last_seen_at)

    @strawberry.field
    def leaving(self) -> bool:
        """Whether it was told to finish what it holds and leave."""
        return self.model.shutdown_at is not None

    @strawberry.field
    async def runs(self, info: Info) -> list[HeldRun]:
        """The runs that it holds, of those that the caller may see."""
        if not self.held:
            return []
        found = await info.context.load(runs.held, self.model.id) or []
        return [await _held(info, run) for run in found]

    @strawberry.field
    def metadata(self) -> str:
        """A JSON object of its tags."""
        return json.dumps(self.model.tags, sort_keys=True)


@strawberry.type(description="A run in its pool's queue.")
class SchedulableRun:
    """`position` counts from 1; runs in progress come first."""

    position: int
    stack_id: strawberry.ID
    run: Run

    @strawberry.field
    async def stack_name(self, info: Info) -> str:
        """What the run's stack is called."""
        return await _stack_name(info, str(self.stack_id))


@strawberry.type(description="A queued run on a page.")
class SearchSchedulableRunsOutputEdge:
    """An edge."""

    cursor: str
    node: SchedulableRun


@strawberry.type(description="A page of a queue.")
class SearchSchedulableRunsOutput:
    """A page."""

    edges: list[SearchSchedulableRunsOutputEdge]
    page_info: PageInfo


@strawberry.type(description="Workers that share a key pair.")
class WorkerPool:
    """A private pool: `model` is the row."""

    model: strawberry.Private[PoolModel]

    @strawberry.field
    def id(self) -> strawberry.ID:
        """Its ULID."""
        return strawberry.ID(self.model.id)

    @strawberry.field
    def name(self) -> str:
        """Unique in the account."""
        return self.model.name

    @strawberry.field
    def description(self) -> str | None:
        """What it is for."""
        return self.model.description

    @strawberry.field
    def labels(self) -> list[str]:
        """Sorted."""
        return list(self.model.labels)

    @strawberry.field
    def space(self) -> strawberry.ID:
        """The id of its space."""
        return strawberry.ID(self.model.space_id)

    @strawberry.field
    async def space_details(self, info: Info) -> Space:
        """Its space."""
        return await load_space(info, self.model.space_id)

    @strawberry.field
    def config(self, info: Info) -> str:
        """The token for launchers; empty for those who may not change the pool."""
        allowed = may(info.context.actor, Action.WORKER_POOL_UPDATE, self.model.space_id)
        return self.model.config if allowed else ""

    @strawberry.field
    def created_at(self) -> int:
        """Unix seconds."""
        return seconds(self.model.created_at)

    @strawberry.field
    def updated_at(self) -> int:
        """Unix seconds."""
        return seconds(self.model.updated_at)

    @strawberry.field
    def deleted(self) -> bool:
        """Whether it is gone."""
        return self.model.deleted_at is not None

    @strawberry.field
    def drift_detection_run_limit(self) -> int | None:
        """How many drift checks may run at a time; none: any number."""
        return self.model.drift_detection_run_limit

    @strawberry.field
    async def workers(self, info: Info) -> list[Worker]:
        """Those that are there, drained ones too, newest first."""
        found = await info.context.load(repo.present, self.model.id) or []
        held = await info.context.load(leases.busy_workers, self.model.id) or {}
        return [Worker(model=worker, held=held.get(worker.id, 0)) for worker in found]

    @strawberry.field
    async def workers_count(self, info: Info) -> int:
        """How many are there."""
        return len(await info.context.load(repo.present, self.model.id) or [])

    @strawberry.field
    async def busy_workers(self, info: Info) -> int:
        """How many of them hold a run."""
        return len(await info.context.load(leases.busy_workers, self.model.id) or {})

    @strawberry.field
    async def pending_runs(self, info: Info) -> int:
        """How many runs wait for a worker."""
        return await info.context.load(runs.count_claimable, self.model.id) or 0

    @strawberry.field(name="managedByK8sController")
    def managed_by_k8s_controller(self) -> bool:
        """There is no controller in this release."""
        return False

    @strawberry.field
    async def search_schedulable_runs(
        self, info: Info, input: SearchInput
    ) -> SearchSchedulableRunsOutput:
        """Its queue."""
        return await queue_page(info, self.model.id, input)


@strawberry.type(description="The pool of stacks that name no other.")
class PublicWorkerPool:
    """`pool_id` is none where the installation runs no public worker."""

    pool_id: strawberry.Private[str | None]

    @strawberry.field
    def id(self) -> strawberry.ID | None:
        """Its ULID, for `/events?topic=queue:<id>`; none where there is no public worker."""
        return None if self.pool_id is None else strawberry.ID(self.pool_id)

    @strawberry.field
    async def workers(self, info: Info) -> list[Worker]:
        """Those that are there, newest first, for who may see all runs: it serves every space."""
        if readable_spaces(info.context.actor) is not None:
            return []
        held = await self._load(info, leases.busy_workers, {})
        found = await self._load(info, repo.present, [])
        return [Worker(model=worker, held=held.get(worker.id, 0)) for worker in found]

    @strawberry.field
    async def parallelism(self, info: Info) -> int:
        """How many runs its workers take at a time."""
        workers = await self._load(info, repo.present, [])
        return sum(worker.concurrency for worker in workers)

    @strawberry.field
    async def busy_workers(self, info: Info) -> int:
        """How many of its workers hold a run."""
        return len(await self._load(info, leases.busy_workers, {}))

    @strawberry.field
    async def pending_runs(self, info: Info) -> int:
        """How many runs wait for a worker."""
        return int(await self._load(info, runs.count_claimable, 0))

    @strawberry.field
    def users_count(self) -> int:
        """Accounts that share it: this one."""
        return 1

    @strawberry.field
    async def schedulable_runs_count(self, info: Info) -> int:
        """How many runs are in its queue: those that wait for a worker, and those at work."""
        return int(await self._load(info, runs.count_schedulable, 0))

    @strawberry.field
    async def search_schedulable_runs(
        self, info: Info, input: SearchInput
    ) -> SearchSchedulableRunsOutput:
        """Its queue."""
        if self.pool_id is None:
            return SearchSchedulableRunsOutput(edges=[], page_info=page_info_of([], False, False))
        return await queue_page(info, self.pool_id, input)

    async def _load(self, info: Info, fetch: Any, default: Any) -> Any:
        if self.pool_id is None:
            return default
        found = await info.context.load(fetch, self.pool_id)
        return default if found is None else found


async def queue_page(info: Info, pool_id: str, input: SearchInput) -> SearchSchedulableRunsOutput:
    """A stretch of a pool's queue, by position. Raises BadCursor."""
    limit, start = page_size(input.first), 0
    if input.after:
        start = decode_offset(input.after)
    order = input.order_by[0].direction if input.order_by else QueryOrderDirection.ASC
    async with info.context.read() as tx:
        found = await queue_repo.page(
            tx,
            pool_id,
            limit=limit + 1,
            offset=start,
            descending=order is QueryOrderDirection.DESC,
        )
    cursors = [encode_cursor([start + n + 1]) for n in range(min(len(found), limit))]
    edges = [
        SearchSchedulableRunsOutputEdge(
            cursor=cursor,
            node=SchedulableRun(
                position=position, stack_id=strawberry.ID(run.stack_id), run=Run(model=run)
            ),
        )
        for cursor, (run, position) in zip(cursors, found, strict=False)
    ]
    return SearchSchedulableRunsOutput(
        edges=edges, page_info=page_info_of(cursors, len(found) > limit, start > 0)
    )


@strawberry.type(description="A pool on a page.")
class SearchWorkerPoolsOutputEdge:
    """An edge."""

    cursor: str
    node: WorkerPool


@strawberry.type(description="A page of pools.")
class SearchWorkerPoolsOutput:
    """A page."""

    edges: list[SearchWorkerPoolsOutputEdge]
    page_info: PageInfo


async def load_pool(info: Info, pool_id: str) -> WorkerPool | None:
    """A private pool the caller may see."""
    found = await info.context.load(repo.by_ids, pool_id)
    return WorkerPool(model=found) if found else None
