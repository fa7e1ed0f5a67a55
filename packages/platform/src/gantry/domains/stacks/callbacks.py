"""The webhooks of a stack, and who may look into those of whatever kind."""

from __future__ import annotations

from gantry.domains.people import access as people
from gantry.domains.people.actions import Action
from gantry.domains.stacks import access, repo
from gantry.domains.stacks.events import StackChanged
from gantry.domains.webhooks import repo as webhooks
from gantry.domains.webhooks import service
from gantry.domains.webhooks.kinds import Kind
from gantry.domains.webhooks.model import Webhook
from gantry.domains.webhooks.service import Wanted
from gantry.kernel.errors import NotFound
from gantry.kernel.tx import Tx
from gantry.ports.outward import Outward
from gantry.ports.vault import Vault


async def put(
    tx: Tx,
    vault: Vault,
    outward: Outward,
    stack_id: str,
    wanted: Wanted,
    *,
    webhook_id: str | None = None,
) -> Webhook:
    """A new webhook of the stack, or another shape for one of its. Needs STACK_MANAGE.

    Raises NotFound, Conflict for an address that the stack calls already, BadWebhook,
    AddressRefused.
    """
    stack = await repo.lock(tx, stack_id)
    access.require(tx, Action.STACK_MANAGE, stack)
    webhook = await service.put_of_stack(
        tx, vault, outward, stack.id, wanted, webhook_id=webhook_id
    )
    tx.emit(StackChanged(stack.id))
    return webhook


async def remove(tx: Tx, stack_id: str, webhook_id: str) -> Webhook:
    """The stack's webhook is gone with its deliveries; what waited is not sent. Needs STACK_MANAGE.

    Raises NotFound.
    """
    stack = await repo.lock(tx, stack_id)
    access.require(tx, Action.STACK_MANAGE, stack)
    webhook = await service.of_stack(tx, stack.id, webhook_id)
    await service.remove(tx, webhook)
    tx.emit(StackChanged(stack.id))
    return webhook


async def administered(tx: Tx, webhook_id: str) -> Webhook:
    """The webhook of whatever kind, for whoever may change it: only they see what it was told.

    Raises NotFound, NotAllowed.
    """
    webhook = await webhooks.find(tx, webhook_id)
    if webhook is None or webhook.leaving:
        raise NotFound("webhook not found", detail=f"webhook={webhook_id}")
    if webhook.kind is Kind.NAMED:
        return await service.named(tx, webhook_id)
    if webhook.kind is Kind.STACK and webhook.stack_id is not None:
        stack = await repo.find(tx, webhook.stack_id)
        access.require(tx, Action.STACK_MANAGE, stack)
        return webhook
    if people.may(tx.actor, Action.SPACE_ADMIN, "root"):
        return webhook
    raise NotFound("webhook not found", detail=f"webhook={webhook_id}")
