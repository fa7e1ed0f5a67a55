"""The audit trail's webhook: setting it, and turning entries into deliveries.

Entries are sent by their places in the chain, which have no gaps. The webhook keeps the place up to
which it has been told: an entry that is kept will be sent, whatever happens to any process.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gantry.domains.accounts import service as accounts
from gantry.domains.audit import repo as audit
from gantry.domains.audit import rules as audit_rules
from gantry.domains.audit.model import AuditEntry
from gantry.domains.notifications import service as notifications
from gantry.domains.notifications.kinds import Group
from gantry.domains.people import access
from gantry.domains.people import repo as people
from gantry.domains.roles import repo as roles
from gantry.domains.roles.model import Subject
from gantry.domains.spaces import repo as spaces
from gantry.domains.webhooks import log, repo, rules, service
from gantry.domains.webhooks.kinds import RUN_MOVED, Kind
from gantry.domains.webhooks.model import Webhook
from gantry.kernel.errors import NotFound, UserError
from gantry.kernel.ids import new_id
from gantry.kernel.tx import Actor, Tx
from gantry.ports.outward import Outward
from gantry.ports.vault import Vault

AT_ONCE = 100
"""Entries that are deliveries at a time: the others wait in the trail, which they are in anyway."""


class NotTaken(UserError):
    """The endpoint does not take what tried it out."""

    code = "WEBHOOK_TEST_FAILED"
    status = 422


@dataclass(frozen=True, slots=True)
class WantedAudit(service.Wanted):
    """The audit trail's webhook as somebody wants it; `headers` None keeps those there are."""

    include_runs: bool = False
    headers: Sequence[tuple[str, str]] | None = None


async def get(tx: Tx) -> Webhook | None:
    """The webhook; none when none is set. Needs root admin. Raises NotAllowed."""
    access.require_admin(tx)
    return await repo.audit_webhook(tx)


async def held(tx: Tx) -> Webhook:
    """The webhook, held until the transaction ends. Needs root admin. Raises NotFound."""
    access.require_admin(tx)
    webhook = await repo.audit_webhook(tx, lock=True)
    if webhook is None:
        raise NotFound("audit trail webhook not found")
    return webhook


async def put(tx: Tx, vault: Vault, outward: Outward, wanted: WantedAudit) -> Webhook:
    """Set or change the webhook. What is done from now on is sent, this included; what was done
    before is not. Needs root admin. Raises BadWebhook, AddressRefused, NotAllowed.
    """
    access.require_admin(tx)
    await spaces.hold_tree(tx)  # there is one, whoever else makes one at the same time
    webhook = await repo.audit_webhook(tx, lock=True)
    kept = webhook is not None
    webhook = webhook or service.new(tx, Kind.AUDIT)
    was = webhook.enabled
    await service.put(tx, vault, outward, webhook, wanted)
    webhook.include_runs = wanted.include_runs
    if wanted.enabled and not was:
        # Until it was told that it was switched off, it is as if it had not been: no gap is hidden.
        if webhook.until is None:
            end = await audit.chain(tx)
            webhook.position, webhook.since = end.seq if end else 0, tx.now
        webhook.until = None
    if was and not wanted.enabled:
        webhook.until = tx.now
    # As its failures, which count from nothing again: whoever changes it has mended it.
    await notifications.settle(tx, Group.AUDIT_TRAIL_NOT_DELIVERED, "")
    if not kept:
        tx.session.add(webhook)
    await tx.session.flush()
    if wanted.headers is not None:
        await service.put_headers(tx, vault, webhook, wanted.headers, replace=True)
    return webhook


async def remove(tx: Tx) -> Webhook:
    """There is no webhook any more. One that was enabled is still told of that, for an hour at
    most, and then goes; what waits is not sent.

    Needs root admin. Raises NotFound, NotAllowed.
    """
    webhook = await held(tx)
    await notifications.settle(tx, Group.AUDIT_TRAIL_NOT_DELIVERED, "")
    if webhook.enabled or webhook.until is not None:
        webhook.leaving, webhook.enabled, webhook.until = True, False, tx.now
        await repo.give_up(tx, webhook.id, service.SWITCHED_OFF)
    else:
        await tx.session.delete(webhook)
    await tx.session.flush()
    return webhook


async def rehearsal(
    tx: Tx, vault: Vault, outward: Outward, wanted: WantedAudit, *, address: str
) -> log.Outgoing:
    """What tries out a webhook before it is saved. Needs root admin. Raises BadWebhook,
    AddressRefused, NotAllowed.
    """
    access.require_admin(tx)
    endpoint = rules.checked_endpoint(outward, wanted.endpoint)
    there = await repo.audit_webhook(tx)
    secret, own = wanted.secret, dict(wanted.headers or ())
    for key, value in own.items():
        rules.check_header(key, value)
    if there is not None:
        secret = secret or service.secret_of(vault, there)
        if wanted.headers is None:
            own = service.opened(vault, (await repo.headers_of(tx, [there.id]))[there.id])
    given = {"enabled": True, "endpoint": endpoint, "includeRuns": wanted.include_runs}
    body = _document(
        await _account(tx),
        action="audit_trail_webhook.set",
        actor=tx.actor.name,
        roles=tx.actor.roles or (await _roles(tx, [tx.actor.id])).get(tx.actor.id),
        mutation="auditTrailSetWebhook",
        data={"args": given},
        address=address,
        at=tx.now,
    ).encode()
    return log.Outgoing(endpoint, rules.headers(new_id(), secret, body), own, body)


def require_taken(outcome: log.Outcome) -> None:
    """Raises NotTaken unless the endpoint took what tried it out."""
    if not outcome.succeeded:
        raise NotTaken(f"The webhook was not saved, because a test failed. {outcome.error}")


async def fill(tx: Tx, webhook: Webhook) -> None:
    """Make deliveries of the next entries, if none waits. Moves of runs that wait do not count:
    while runs go on, there are always some.

    The webhook is held, and the chain was sealed a moment ago. One that was switched off is told
    that and nothing else.
    """
    if not webhook.enabled:
        await _take_leave(tx, webhook)
        return
    if await repo.first_waiting(tx, webhook.id, but=RUN_MOVED) is not None:
        return
    # Before the entries: whatever has its place by now is found, or is not to be sent.
    end = await audit.chain(tx)
    found = await repo.entries(tx, webhook.position, since=webhook.since, limit=AT_ONCE)
    await _add(tx, webhook, found)
    if len(found) < AT_ONCE and end is not None:
        webhook.position = max(webhook.position, end.seq)
    await tx.session.flush()


async def _add(tx: Tx, webhook: Webhook, entries: Sequence[AuditEntry]) -> None:
    account = await _account(tx)
    given = {entry.id: json.loads(entry.body) if entry.body else {} for entry in entries}
    held = await _roles(
        tx, [entry.actor_id for entry in entries if audit_rules.ROLES not in given[entry.id]]
    )
    for entry in entries:
        payload = _payload(account, entry, given[entry.id], held.get(entry.actor_id, ()))
        tx.session.add(log.waiting(tx, webhook.id, entry.action, payload))
        webhook.position = entry.seq or webhook.position


async def _take_leave(tx: Tx, webhook: Webhook) -> None:
    """Make a delivery of the entry that says that the webhook was switched off, and give up all
    others. One that was deleted goes when that is settled, or was not for too long.
    """
    until = webhook.until
    last = None if until is None else await repo.entry_about(tx, webhook.id, until)
    if until is None or last is None or tx.now - until > rules.FAREWELL_FOR:
        await repo.give_up(tx, webhook.id, service.SWITCHED_OFF)
        await _forget(tx, webhook)
        return
    # What a run said at the same moment: it did not know that the webhook was switched off.
    await repo.give_up(tx, webhook.id, service.SWITCHED_OFF, but=last.action)
    if last.seq is None:
        return  # it gets its place when somebody looks next
    if last.seq > webhook.position:
        await _add(tx, webhook, [last])
        await tx.session.flush()
    elif await repo.first_waiting(tx, webhook.id) is None:
        await _forget(tx, webhook)


async def _forget(tx: Tx, webhook: Webhook) -> None:
    webhook.until = None
    if webhook.leaving:
        await tx.session.delete(webhook)
    await tx.session.flush()


async def _account(tx: Tx) -> str:
    return (await accounts.get(tx)).name or ""


async def _roles(tx: Tx, ids: Sequence[str]) -> dict[str, list[str]]:
    """The slugs of the roles that users and API keys have now, themselves and as members of groups,
    by their ids: for entries that do not say, as those of signing in.
    """
    if not ids:
        return {}
    groups = await people.groups_of(tx, ids)
    through = await roles.slugs_of_groups(tx, {name for names in groups.values() for name in names})
    found: dict[str, set[str]] = {}
    for subject in (Subject.USER, Subject.API_KEY):
        for actor_id, slugs in (await roles.slugs_of(tx, subject, ids)).items():
            found.setdefault(actor_id, set()).update(slugs)
    for actor_id, names in groups.items():
        for name in names:
            found.setdefault(actor_id, set()).update(through.get(name, ()))
    return {actor_id: sorted(slugs) for actor_id, slugs in found.items()}


def _payload(
    account: str, entry: AuditEntry, said: Mapping[str, Any], roles_now: Sequence[str]
) -> str:
    given = {name: value for name, value in said.items() if name != audit_rules.ROLES}
    data: dict[str, Any] = {}
    if entry.resource_id is not None:
        data["ID"] = entry.resource_id
    if given:
        data["args"] = given.get("arguments", given)
    return _document(
        account,
        action=entry.action,
        actor=entry.actor,
        roles=said.get(audit_rules.ROLES, roles_now),
        mutation=given.get("mutation"),
        data=data,
        address=entry.address,
        at=entry.at,
    )


def _document(
    account: str,
    *,
    action: str,
    actor: str,
    roles: Sequence[str] | None,
    mutation: str | None,
    data: Mapping[str, Any],
    address: str,
    at: datetime,
) -> str:
    """The payload that contract notes describe."""
    document: dict[str, Any] = {
        "account": account,
        "action": action,
        "actor": actor,
        "context": {"mutation": mutation} if mutation else {},
        "data": data,
        "remoteIP": address,
        "timestamp": int(at.timestamp() * 1000),
    }
    if roles:
        document["actor_roles"] = list(roles)
    return json.dumps(document, ensure_ascii=False, sort_keys=True)


async def announce_run(tx: Tx, actor: Actor, told: Mapping[str, Any]) -> str:
    """What the audit trail's webhook is told of a move of a run."""
    return _document(
        await _account(tx),
        action="run.state_change",
        actor=actor.name or actor.kind,
        roles=None,
        mutation=None,
        data=told,
        address=actor.address or "",
        at=tx.now,
    )
