"""The account, its users, its numbers."""

from __future__ import annotations

import enum

import strawberry

from gantry.api.graphql.context import Info
from gantry.domains.stacks import held_repo


@strawberry.enum
class SpaceAccessLevel(enum.Enum):
    """Words of the API."""

    READ = "READ"
    WRITE = "WRITE"
    ADMIN = "ADMIN"


@strawberry.type(description="What a space holds, counted. Whoever sees the space sees all of it.")
class SpaceHolding:
    """Spaces beneath it are not counted: not everybody sees those."""

    stacks: int
    contexts: int
    worker_pools: int


@strawberry.type
class Space:
    """See the API reference."""

    id: strawberry.ID
    name: str
    description: str
    parent_space: strawberry.ID | None
    inherit_entities: bool
    labels: list[str]
    access_level: SpaceAccessLevel | None

    @strawberry.field
    async def holds(self, info: Info) -> SpaceHolding:
        """How much there is in it, those beneath it left out."""
        found = await info.context.load(held_repo.holdings, str(self.id)) or held_repo.Holding()
        return SpaceHolding(stacks=found.stacks, contexts=found.contexts, worker_pools=found.pools)


@strawberry.type
class User:
    """See the API reference."""

    id: strawberry.ID
    login: str
    name: str
    type: str
    jwt: str
    valid_until: int


@strawberry.type
class DebugInfo:
    """See the API reference."""

    self_hosted_version: str


@strawberry.type
class AccountUpdateDefaultWorkerPoolRunnerImagesResult:
    """See the API reference."""

    private_worker_pool_runner_image: str | None
    public_worker_pool_runner_image: str | None


@strawberry.type
class Usage:
    """See the API reference."""

    billing_period_start: int
    billing_period_end: int
    used_private_minutes: int
    used_public_minutes: int
    used_seats: int


@strawberry.type
class DataPoint:
    """See the API reference."""

    value: float
    labels: list[str]


@strawberry.type
class Metrics:
    """See the API reference."""

    has_stacks: bool
    has_runs: bool
    stacks_count_by_state: list[DataPoint]
    resources_count_by_drift: list[DataPoint]
    avg_stack_size_by_resource_count: list[DataPoint]
    average_run_duration: list[DataPoint]
    median_run_duration: list[DataPoint]


@strawberry.input
class MetricsInput:
    """See the API reference."""

    start_time: int | None = None
    end_time: int | None = None


@strawberry.type
class MetricsRange:
    """See the API reference."""

    has_stacks: bool
    has_runs: bool
