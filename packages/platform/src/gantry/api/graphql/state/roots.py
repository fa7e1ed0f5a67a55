"""Root fields of Terraform state."""

from __future__ import annotations

from datetime import timedelta

import strawberry

from gantry.api.graphql.context import Info
from gantry.api.graphql.fields import SIGNED_IN, mutation
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
from gantry.domains.tfstate import history, surgery
from gantry.domains.tfstate import repo as tfstate
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
        """Where to GET a stack's state; the stack must allow external access."""
        context, house = info.context, info.context.house
        async with context.read() as tx:
            stack = await stacks.find(tx, str(input.stack_id))
            wanted = input.managed_state_version_id
            if wanted is None:
                version = await tfstate.current(tx, stack.id)
            else:
                version = await tfstate.version(tx, stack.id, str(wanted))
            history.require_downloadable(tx, stack, version)
            claims = download.claims(stack.id, house.base_url, tx.now, version=wanted)
        context.about(stack.id)
        url = download.address(house.base_url, house.vault.sign(claims))
        return StateDownloadUrl(url=url)

    @mutation(SIGNED_IN)
    async def stack_managed_state_import(
        self, info: Info, stack_id: strawberry.ID, state: str, only_next: bool = False
    ) -> bool:
        """Put a state on top of the stack's history. The stack must be locked by the caller.

        `onlyNext` refuses another lineage, and a serial that is not ahead of the current one.
        """
        house, actor = info.context.house, info.context.actor
        await surgery.import_state(
            *(house.db, house.vault, house.objects, actor, str(stack_id), state.encode()),
            only_next=only_next,
        )
        return True

    @mutation(SIGNED_IN)
    async def stack_unsaved_state_import(
        self, info: Info, stack_id: strawberry.ID, run_id: strawberry.ID
    ) -> bool:
        """Put the state that a run left, and no backend took, on top of the stack's history.

        The stack must be locked by the caller. The copy that was kept apart goes.
        """
        house, actor = info.context.house, info.context.actor
        await surgery.import_unsaved(
            *(house.db, house.vault, house.objects, actor, str(stack_id), str(run_id)),
            most=house.max_state_bytes,
        )
        return True

    @mutation(SIGNED_IN)
    async def stack_unsaved_state_discard(
        self, info: Info, stack_id: strawberry.ID, run_id: strawberry.ID
    ) -> bool:
        """Delete, for good, the state that a run left and no backend took."""
        async with info.context.write() as tx:
            await surgery.discard_unsaved(tx, str(stack_id), str(run_id))
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
        return ManagedStateVersion(model=version)
