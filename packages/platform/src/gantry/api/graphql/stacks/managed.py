"""What a stack manages: one entity a resource."""

from __future__ import annotations

import strawberry

from gantry.api.graphql.context import Info
from gantry.api.graphql.runs.types import Run
from gantry.api.graphql.shared.convert import seconds
from gantry.api.graphql.stacks.entities import (
    EntityVendor,
    EntityVendorTerraform,
    TerraformResource,
)
from gantry.domains.runs import repo as runs
from gantry.domains.stacks.model import Stack as StackModel
from gantry.domains.tfstate.model import StackResource


@strawberry.type(description="One thing that a stack manages.")
class ManagedEntity:
    """A resource, as of the stack's newest state."""

    stack: strawberry.Private[StackModel]
    resource: strawberry.Private[StackResource]

    @strawberry.field
    def id(self) -> strawberry.ID:
        """The resource's address, which is unique in its stack."""
        return strawberry.ID(self.resource.address)

    @strawberry.field
    def name(self) -> str:
        """The resource's name."""
        return self.resource.name

    @strawberry.field
    def type(self) -> str:
        """The resource's type."""
        return self.resource.type

    @strawberry.field
    def address(self) -> str:
        """The resource's address."""
        return self.resource.address

    @strawberry.field
    def parent(self) -> str | None:
        """The module it is in; none for the root."""
        return self.resource.module or None

    @strawberry.field
    def drifted(self) -> int | None:
        """Drift is not looked for in this release."""
        return None

    @strawberry.field
    def third_party_metadata(self) -> str | None:
        """None in this release."""
        return None

    @strawberry.field
    async def creator(self, info: Info) -> Run | None:
        """The run that made it."""
        return await _run(info, self.resource.creator_run_id)

    @strawberry.field
    async def updater(self, info: Info) -> Run | None:
        """The run that changed it last."""
        return await _run(info, self.resource.updater_run_id)

    @strawberry.field
    def vendor(self) -> EntityVendor:
        """Its details; OpenTofu's too are Terraform's (contract notes)."""
        return EntityVendorTerraform(
            terraform=TerraformResource(
                address=self.resource.address,
                mode=self.resource.mode,
                module=self.resource.module,
                provider=self.resource.provider,
                tainted=self.resource.tainted,
                values=self.resource.values,
            )
        )

    @strawberry.field
    def stack_id(self) -> strawberry.ID:
        """Its stack's id."""
        return strawberry.ID(self.stack.id)

    @strawberry.field
    def stack_name(self) -> str:
        """Its stack's name."""
        return self.stack.name

    @strawberry.field
    def updated_at(self) -> int:
        """Unix seconds."""
        return seconds(self.resource.updated_at)


async def _run(info: Info, run_id: str | None) -> Run | None:
    if run_id is None:
        return None
    found = await info.context.load(runs.by_ids, run_id)
    return Run(model=found) if found else None


def entity_view(stack: StackModel, resource: StackResource) -> ManagedEntity:
    """A resource as the API shows it."""
    return ManagedEntity(stack=stack, resource=resource)
