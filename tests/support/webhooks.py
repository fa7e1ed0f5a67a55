"""Webhooks of the tests, what is written for them, and what is sent."""

from __future__ import annotations

import json

from gantry.domains.audit import service as audit
from gantry.domains.audit.kinds import Resource
from gantry.domains.stacks import callbacks
from gantry.domains.webhooks import auditing, deliveries, log, service
from gantry.domains.webhooks.auditing import WantedAudit
from gantry.domains.webhooks.service import Wanted, WantedNamed
from gantry.kernel.secret import Secret

from tests.support.given import ADMIN
from tests.support.receiver import Receiver

KEY = "a shared secret"
NONE = Secret("")


async def given_a_stack_webhook(core, stack, url: str, *, retry: bool = False, enabled=True):
    async with core.db.write(ADMIN) as tx:
        return await callbacks.put(
            tx, core.vault, core.outward, stack.id, Wanted(url, enabled, Secret(KEY), retry)
        )


async def given_a_named_webhook(core, url: str, *, retry: bool = False):
    wanted = WantedNamed(url, True, Secret(KEY), retry, name="pager", space_id="root")
    async with core.db.write(ADMIN) as tx:
        return await service.create_named(tx, core.vault, core.outward, wanted)


async def given_an_audit_webhook(core, url: str, *, enabled=True, runs=False):
    wanted = WantedAudit(url, enabled, Secret(KEY), include_runs=runs)
    async with core.db.write(ADMIN) as tx:
        return await auditing.put(tx, core.vault, core.outward, wanted)


async def send(core, webhook, *bodies: str) -> None:
    for body in bodies:
        async with core.db.write(ADMIN) as tx:
            log.enqueue(tx, webhook.id, "note", body)


async def entry(core, name: str) -> None:
    async with core.db.write(ADMIN) as tx:
        given = {"mutation": "stackUpdate", "arguments": {"id": name, "secret": "s3cret"}}
        audit.record(tx, "stack.update", Resource.STACK, name, given=given, address="10.0.0.9")


async def deliver(core, webhook) -> int:
    return await deliveries.deliver(
        core.db, core.vault, core.objects, core.outward, webhook_id=webhook.id
    )


async def again_at_once(core) -> None:
    """The pause between two attempts is over."""
    await core.change("update webhook_delivery set next_at = created_at")


async def logged(core):
    return await core.rows("select state, attempts, status from webhook_delivery order by number")


def bodies(receiver: Receiver):
    return [json.loads(call.body) for call in receiver.calls]
