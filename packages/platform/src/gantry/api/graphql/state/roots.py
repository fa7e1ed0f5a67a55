"""Root fields of Terraform state."""

from __future__ import annotations

from datetime import timedelta

import strawberry

from gantry.api.graphql.context import Info
from gantry.api.graphql.fields import SIGNED_IN, mutation
from gantry.api.graphql.shared.convert import seconds
from gantry.api.graphql.state.types import (
    ManagedStateVersion,
    StateDownloadUrl,
    StateDownloadUrlInput,
    StateUploadUrl,
)
from gantry.api.state import download
from gantry.domains.people.actions import Action
from gantry.domains.stacks import access
from gantry.domains.stacks import repo as stacks
from gantry.domains.tfstate import repo as tfstate
from gantry.domains.tfstate import surgery
from gantry.domains.tfstate.model import StateVersion
from gantry.kernel.errors import Conflict, NotFound
from gantry.kernel.ids import new_id
from gantry.ports.objects import Bucket

URL_LASTS = timedelta(minutes=10)
"""A person or their tool uses the address at once."""


@strawberry.type
class StateMutation:
    """Writing."""

    @mutation(SIGNED_IN)
    async def state_upload_url(self, info: Info) -> StateUploadUrl:
        """Where to PUT a state for `stackCreate(stackObjectID)`."""
        async with info.context.read() as tx:
            access.require_anywhere(tx, Action.STACK_CREATE)
        key = f"state/{new_id()}"
        url = await info.context.house.objects.upload_url(Bucket.UPLOADS, key, lasts=URL_LASTS)
        return StateUploadUrl(object_id=key, url=url)

    @mutation(SIGNED_IN)
    async def state_download_url(
        self, info: Info, input: StateDownloadUrlInput
    ) -> StateDownloadUrl:
        """Where to GET a stack's current state; the stack must allow external access."""
        context = info.context
        async with context.read() as tx:
            stack = await stacks.find(tx, str(input.stack_id))
            access.require(tx, Action.STACK_STATE_DOWNLOAD, stack)
        if not stack.vendor_config.get("external_state_access"):
            raise Conflict("External state access is switched off in the stack's settings.")
        house = context.house
        async with context.read() as tx:
            if await tfstate.current(tx, stack.id) is None:
                raise NotFound("state not found: the stack has none yet")
            token = house.vault.sign(download.claims(stack.id, house.base_url, tx.now))
        url = download.address(house.base_url, token)
        return StateDownloadUrl(url=url)

    @mutation(SIGNED_IN)
    async def stack_managed_state_import(
        self, info: Info, stack_id: strawberry.ID, state: str
    ) -> bool:
        """Put a state on top of the stack's history. The stack must be locked by the caller."""
        house, actor = info.context.house, info.context.actor
        await surgery.import_state(
            house.db, house.vault, house.objects, actor, str(stack_id), state.encode()
        )
        return True

    @mutation(SIGNED_IN)
    async def stack_managed_state_rollback(
        self, info: Info, stack_id: strawberry.ID, managed_state_version_id: str
    ) -> ManagedStateVersion:
        """Make an earlier state the current one. The stack must be locked by the caller."""
        house, actor = info.context.house, info.context.actor
        version = await surgery.rollback(
            house.db, house.vault, house.objects, actor, str(stack_id), managed_state_version_id
        )
        return version_view(version)


def version_view(version: StateVersion) -> ManagedStateVersion:
    """A stored state as the API shows it."""
    return ManagedStateVersion(
        id=strawberry.ID(version.id),
        last_modified=seconds(version.created_at),
        rollback=version.rollback_of is not None,
        rollback_username=version.created_by if version.rollback_of else None,
        size=version.size,
        imported=version.imported,
    )
