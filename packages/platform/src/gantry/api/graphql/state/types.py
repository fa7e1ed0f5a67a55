"""State versions and the addresses to move states by."""

from __future__ import annotations

import strawberry

from gantry.api.graphql.context import Info
from gantry.api.graphql.runs.types import Run
from gantry.api.graphql.shared.convert import seconds
from gantry.domains.runs import repo as runs
from gantry.domains.tfstate import history_repo
from gantry.domains.tfstate.model import StateVersion


@strawberry.type
class StateUploadUrl:
    """See the API reference."""

    object_id: str
    url: str


@strawberry.input
class StateDownloadUrlInput:
    """See the API reference."""

    stack_id: strawberry.ID
    managed_state_version_id: strawberry.ID | None = strawberry.field(
        default=None, description="An earlier state; none: the current one."
    )


@strawberry.type
class StateDownloadUrl:
    """See the API reference."""

    url: str


@strawberry.type
class ManagedStateVersion:
    """See the API reference."""

    model: strawberry.Private[StateVersion]

    @strawberry.field
    def id(self) -> strawberry.ID:
        """Never used again."""
        return strawberry.ID(self.model.id)

    @strawberry.field
    def last_modified(self) -> int:
        """When it was kept, in Unix seconds."""
        return seconds(self.model.created_at)

    @strawberry.field
    def rollback(self) -> bool:
        """Whether it is an earlier state that was made current again."""
        return self.model.rollback_of is not None

    @strawberry.field
    def rollback_username(self) -> str | None:
        """Who rolled back."""
        return self.model.created_by if self.model.rollback_of else None

    @strawberry.field
    def size(self) -> int:
        """Bytes."""
        return self.model.size

    @strawberry.field
    def imported(self) -> bool:
        """Whether a person brought it as a file."""
        return self.model.imported

    @strawberry.field
    def serial(self) -> int:
        """Grows with every state of the stack."""
        return self.model.serial

    @strawberry.field
    def lineage(self) -> str:
        """What all states that come from one another have in common."""
        return self.model.lineage

    @strawberry.field
    def terraform_version(self) -> str | None:
        """The version of the tool that wrote it; none if it did not say."""
        return self.model.terraform_version

    @strawberry.field
    def resource_count(self) -> int | None:
        """How many resources it manages; none for states that earlier releases kept."""
        return self.model.resource_count

    @strawberry.field
    def created_by(self) -> str | None:
        """The person who imported it or rolled back to it; none if a run wrote it."""
        return self.model.created_by or None

    @strawberry.field
    async def run(self, info: Info) -> Run | None:
        """The run that wrote it."""
        if self.model.run_id is None:
            return None
        found = await info.context.load(runs.by_ids, self.model.run_id)
        return Run(model=found) if found else None

    @strawberry.field
    async def rolled_back_to_serial(self, info: Info) -> int | None:
        """The serial of the earlier state that it has the content of."""
        if self.model.rollback_of is None:
            return None
        return await info.context.load(history_repo.serials, self.model.rollback_of)
