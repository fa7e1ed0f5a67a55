"""Making, changing and deleting webhooks: named ones, and what all kinds share.

Their deliveries are in `deliveries`, what is special about the audit trail's in `auditing`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gantry.domains.notifications import service as notifications
from gantry.domains.notifications.kinds import Group
from gantry.domains.people import access
from gantry.domains.people.actions import Action
from gantry.domains.spaces import service as spaces
from gantry.domains.webhooks import repo, rules
from gantry.domains.webhooks.kinds import Kind
from gantry.domains.webhooks.model import Header, Webhook
from gantry.kernel.errors import Conflict, NotFound
from gantry.kernel.ids import new_id
from gantry.kernel.secret import Secret
from gantry.kernel.tx import Tx
from gantry.ports.outward import Outward
from gantry.ports.vault import Vault

SWITCHED_OFF = "The webhook was switched off before this was sent."


@dataclass(frozen=True, slots=True)
class Wanted:
    """A webhook as somebody wants it, of whatever kind. An empty secret keeps the one there is."""

    endpoint: str
    enabled: bool
    secret: Secret
    retry_on_failure: bool | None = None


@dataclass(frozen=True, slots=True)
class WantedNamed(Wanted):
    """A named webhook as somebody wants it."""

    name: str = ""
    space_id: str | None = None
    labels: Sequence[str] = ()


async def create_named(tx: Tx, vault: Vault, outward: Outward, wanted: WantedNamed) -> Webhook:
    """A new named webhook. Needs admin of its space. Raises BadWebhook, AddressRefused, NotFound
    for the space, NotAllowed.
    """
    space = await spaces.resolve(tx, wanted.space_id)
    access.require(tx, Action.SPACE_ADMIN, space.id)
    webhook = new(tx, Kind.NAMED)
    webhook.space_id = space.id
    webhook.name, webhook.labels = (
        rules.checked_name(wanted.name),
        rules.checked_labels(wanted.labels),
    )
    await put(tx, vault, outward, webhook, wanted)
    tx.session.add(webhook)
    await tx.session.flush()
    return webhook


async def update_named(
    tx: Tx, vault: Vault, outward: Outward, webhook_id: str, wanted: WantedNamed
) -> Webhook:
    """Change a named webhook; to move it, admin of both spaces is needed. Raises as `create_named`
    does, and NotFound.
    """
    webhook = await named(tx, webhook_id, lock=True)
    space = await spaces.resolve(tx, wanted.space_id)
    access.require(tx, Action.SPACE_ADMIN, space.id)
    if space.id != webhook.space_id:
        await notifications.moved(tx, webhook.id, space.id)
    webhook.space_id = space.id
    webhook.name, webhook.labels = (
        rules.checked_name(wanted.name),
        rules.checked_labels(wanted.labels),
    )
    await put(tx, vault, outward, webhook, wanted)
    await tx.session.flush()
    return webhook


async def delete_named(tx: Tx, webhook_id: str) -> Webhook:
    """The webhook and its deliveries are gone; what waited is not sent. Raises NotFound,
    NotAllowed.
    """
    webhook = await named(tx, webhook_id, lock=True)
    await remove(tx, webhook)
    return webhook


async def remove(tx: Tx, webhook: Webhook) -> None:
    """The webhook is gone with its deliveries. The caller holds it and has asked for the rights."""
    await notifications.settle(tx, Group.WEBHOOK_SWITCHED_OFF, webhook.id)
    await tx.session.delete(webhook)
    await tx.session.flush()


async def named(tx: Tx, webhook_id: str, *, lock: bool = False) -> Webhook:
    """A named webhook for whoever administers its space; held until the transaction ends if `lock`.

    Raises NotFound, NotAllowed.
    """
    webhook = (await repo.by_ids(tx, [webhook_id], lock=lock)).get(webhook_id)
    if webhook is None or webhook.space_id is None:
        raise NotFound("webhook not found", detail=f"webhook={webhook_id}")
    access.require(tx, Action.SPACE_ADMIN, webhook.space_id)
    return webhook


def new(tx: Tx, kind: Kind) -> Webhook:
    """A webhook that is not kept yet."""
    return Webhook(
        id=new_id(),
        kind=kind,
        name="",
        endpoint="",
        enabled=False,
        include_runs=False,
        retry_on_failure=None,
        labels=[],
        failures=0,
        position=0,
        leaving=False,
        created_at=tx.now,
        updated_at=tx.now,
    )


async def put(tx: Tx, vault: Vault, outward: Outward, webhook: Webhook, wanted: Wanted) -> None:
    """What all kinds share. The caller has checked the rights, and holds the webhook if it is kept
    already. Raises BadWebhook, AddressRefused.
    """
    webhook.endpoint = rules.checked_endpoint(outward, wanted.endpoint)
    if wanted.secret:
        secret = rules.checked_secret(wanted.secret.reveal())
        webhook.secret_sealed = vault.seal(
            secret.encode(errors="replace"), identity=webhook.identity
        )
    if webhook.enabled and not wanted.enabled:
        await repo.give_up(tx, webhook.id, SWITCHED_OFF)
    if wanted.enabled:
        # Whoever switches it on has mended it.
        webhook.failures, webhook.disabled_reason = 0, None
        await notifications.settle(tx, Group.WEBHOOK_SWITCHED_OFF, webhook.id)
    webhook.enabled, webhook.retry_on_failure = wanted.enabled, wanted.retry_on_failure
    webhook.updated_at = tx.now


def secret_of(vault: Vault, webhook: Webhook) -> Secret:
    """What bodies are signed with; empty for none."""
    if webhook.secret_sealed is None:
        return Secret("")
    return Secret(vault.open(webhook.secret_sealed, identity=webhook.identity).decode())


def opened(vault: Vault, headers: Sequence[Header]) -> dict[str, str]:
    """Headers of one's own with their values, for whoever sends them."""
    return {
        one.key: vault.open(one.value_sealed, identity=one.identity).decode() for one in headers
    }


async def put_headers(
    tx: Tx,
    vault: Vault,
    webhook: Webhook,
    entries: Sequence[tuple[str, str]],
    *,
    replace: bool = False,
) -> None:
    """Set headers of one's own; one of the same name is replaced, and with `replace` all are. The
    caller holds the webhook. Raises BadWebhook, and then nothing has changed.
    """
    for key, value in entries:
        rules.check_header(key, value)
    wanted: Mapping[str, tuple[str, str]] = {key.lower(): (key, value) for key, value in entries}
    there = (await repo.headers_of(tx, [webhook.id]))[webhook.id]
    kept = [] if replace else [one.name for one in there if one.name not in wanted]
    if len(kept) + len(wanted) > rules.MAX_HEADERS:
        raise rules.BadWebhook(f"A webhook has at most {rules.MAX_HEADERS} headers of its own.")
    await repo.drop_headers(tx, webhook.id, None if replace else list(wanted))
    for name, (key, value) in wanted.items():
        header = Header(webhook_id=webhook.id, name=name, key=key, value_sealed=b"")
        header.value_sealed = vault.seal(value.encode(), identity=header.identity)
        tx.session.add(header)
    webhook.updated_at = tx.now
    await tx.session.flush()


async def remove_headers(tx: Tx, webhook: Webhook, keys: Sequence[str]) -> None:
    """Those headers are gone; they need not have been there. The caller holds the webhook."""
    await repo.drop_headers(tx, webhook.id, [key.lower() for key in keys])
    webhook.updated_at = tx.now


async def put_of_stack(
    tx: Tx,
    vault: Vault,
    outward: Outward,
    stack_id: str,
    wanted: Wanted,
    *,
    webhook_id: str | None = None,
) -> Webhook:
    """A new webhook of the stack, or another shape for one of its. The caller holds the stack and
    has asked for the rights. Raises Conflict for an address that the stack calls already, and as
    `put` does.
    """
    if webhook_id is None:
        webhook = new(tx, Kind.STACK)
        webhook.stack_id = stack_id
        there = (await repo.of_stacks(tx, [stack_id]))[stack_id]
        if len(there) >= rules.MAX_STACK_WEBHOOKS:
            raise rules.BadWebhook(f"A stack has at most {rules.MAX_STACK_WEBHOOKS} webhooks.")
    else:
        webhook = await of_stack(tx, stack_id, webhook_id)
    endpoint = rules.checked_endpoint(outward, wanted.endpoint)
    if await repo.endpoint_taken(tx, stack_id, endpoint, except_id=webhook.id):
        raise Conflict("The stack has a webhook with that endpoint already.")
    await put(tx, vault, outward, webhook, wanted)
    tx.session.add(webhook)
    await tx.session.flush()
    return webhook


async def of_stack(tx: Tx, stack_id: str, webhook_id: str) -> Webhook:
    """A webhook of the stack, held. The caller has asked for the rights. Raises NotFound."""
    webhook = await repo.find(tx, webhook_id, lock=True)
    if webhook is None or webhook.stack_id != stack_id:
        raise NotFound("webhook not found", detail=f"webhook={webhook_id} stack={stack_id}")
    return webhook
