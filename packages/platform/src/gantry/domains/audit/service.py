"""Writing entries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gantry.domains.audit import rules
from gantry.domains.audit.events import EntryWritten
from gantry.domains.audit.kinds import Resource
from gantry.domains.audit.model import AuditEntry
from gantry.kernel.ids import new_id
from gantry.kernel.tx import Actor, Tx


def record(
    tx: Tx,
    action: str,
    resource: Resource,
    resource_id: str | None,
    *,
    given: Mapping[str, Any] | None = None,
    related: tuple[Resource, str] | None = None,
    by: Actor | None = None,
    address: str | None = None,
) -> None:
    """Write down what is done, in the transaction that does it. `by` stands for whoever the
    transaction acts for; of `given`, secrets are left out, and the roles of who does it are added.
    Whoever follows the trail hears of it.
    """
    actor = by or tx.actor
    said = dict(given or {})
    if actor.roles is not None:
        said[rules.ROLES] = list(actor.roles)
    tx.session.add(
        AuditEntry(
            id=new_id(),
            at=tx.now,
            action=action,
            actor=actor.name or actor.kind,
            actor_kind=actor.kind,
            actor_id=actor.id,
            address=address or actor.address or "",
            resource=resource,
            resource_id=resource_id,
            related=related[0] if related else None,
            related_id=related[1] if related else None,
            body=rules.kept(said) if said else "",
            seq=None,
            digest=None,
        )
    )
    tx.emit(EntryWritten(rules.is_of_account(action)))
