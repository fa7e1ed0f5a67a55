"""What a stack manages: its resources, the modules they are in, and its outputs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import strawberry

from gantry.api.graphql.context import Info
from gantry.api.graphql.runs.types import Run
from gantry.api.graphql.shared.convert import seconds
from gantry.api.graphql.stacks.entities import (
    EntityVendor,
    EntityVendorTerraform,
    TerraformModule,
    TerraformOutput,
    TerraformResource,
)
from gantry.domains.runs import repo as runs
from gantry.domains.stacks.model import Stack as StackModel
from gantry.domains.tfstate import service as states
from gantry.domains.tfstate.model import StackOutput, StackResource
from gantry.domains.tfstate.rules import modules_above
from gantry.ports.vault import Vault

Details = TerraformResource | TerraformModule | TerraformOutput


@strawberry.type(description="One thing that a stack manages, or that has others in it.")
class ManagedEntity:
    """A resource, an output, or a module, as of the stack's newest state."""

    stack: strawberry.Private[StackModel]
    details: strawberry.Private[Details]
    creator_run_id: strawberry.Private[str | None]
    updater_run_id: strawberry.Private[str | None]
    changed_at: strawberry.Private[datetime]

    address: str = strawberry.field(description="Unique in its stack, and its id.")
    name: str
    type: str = strawberry.field(description="A resource's type; else `output` or `module`.")
    parent: str | None = strawberry.field(description="The module it is in; none for the root.")

    @strawberry.field
    def id(self) -> strawberry.ID:
        """Its address."""
        return strawberry.ID(self.address)

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
        return await _run(info, self.creator_run_id)

    @strawberry.field
    async def updater(self, info: Info) -> Run | None:
        """The run that changed it last."""
        return await _run(info, self.updater_run_id)

    @strawberry.field
    def vendor(self) -> EntityVendor:
        """Its details; OpenTofu's too are Terraform's (contract notes)."""
        return EntityVendorTerraform(terraform=self.details)

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
        return seconds(self.changed_at)


async def _run(info: Info, run_id: str | None) -> Run | None:
    if run_id is None:
        return None
    found = await info.context.load(runs.by_ids, run_id)
    return Run(model=found) if found else None


def entities(
    stack: StackModel,
    resources: Sequence[StackResource],
    outputs: Sequence[StackOutput],
    vault: Vault,
) -> list[ManagedEntity]:
    """Everything in a stack: modules before what is in them, then resources, then outputs."""
    modules = modules_above(resource.module for resource in resources)
    return [
        *(_module(stack, path, parent) for path, parent in modules.items()),
        *(_resource(stack, resource) for resource in resources),
        *(_output(stack, output, vault) for output in outputs),
    ]


def _resource(stack: StackModel, resource: StackResource) -> ManagedEntity:
    return ManagedEntity(
        stack=stack,
        address=resource.address,
        name=resource.name,
        type=resource.type,
        parent=resource.module or None,
        creator_run_id=resource.creator_run_id,
        updater_run_id=resource.updater_run_id,
        changed_at=resource.updated_at,
        details=TerraformResource(
            address=resource.address,
            mode=resource.mode,
            module=resource.module,
            provider=resource.provider,
            tainted=resource.tainted,
            values=resource.values,
        ),
    )


def _module(stack: StackModel, path: str, parent: str | None) -> ManagedEntity:
    return ManagedEntity(
        stack=stack,
        address=path,
        name=path.rpartition("module.")[2],
        type="module",
        parent=parent,
        creator_run_id=None,
        updater_run_id=None,
        changed_at=stack.last_apply_at or stack.updated_at,
        # It stands for nothing that exists: what is in it does.
        details=TerraformModule(phantom=True),
    )


def _output(stack: StackModel, output: StackOutput, vault: Vault) -> ManagedEntity:
    return ManagedEntity(
        stack=stack,
        address=f"output.{output.name}",
        name=output.name,
        type="output",
        parent=None,
        creator_run_id=None,
        updater_run_id=output.run_id,
        changed_at=stack.last_apply_at or stack.updated_at,
        details=TerraformOutput(
            sensitive=output.sensitive,
            value=states.output_value(vault, output),
            hash=output.value_hash,
        ),
    )
