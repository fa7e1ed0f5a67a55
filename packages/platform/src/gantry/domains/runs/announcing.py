"""What webhooks are told of the moves of runs, written with the move."""

from __future__ import annotations

import json
from typing import Any

from gantry.domains.accounts import service as accounts
from gantry.domains.runs.model import Run
from gantry.domains.stacks.model import Stack
from gantry.domains.vcs import repo as commits
from gantry.domains.webhooks import auditing
from gantry.domains.webhooks import log as deliveries
from gantry.domains.webhooks import repo as webhooks
from gantry.domains.webhooks.kinds import RUN_MOVED, Kind
from gantry.kernel.tx import Tx


async def announce(tx: Tx, stack: Stack, run: Run) -> None:
    """Tell the stack's webhooks, and the audit trail's if it wants to know, where the run is now.

    One query when nobody listens. What is told is what is true in this transaction: deliveries
    that come out of order, or twice, are told apart by `stateVersion`.
    """
    listening = await webhooks.listening(tx, stack.id)
    if not listening:
        return
    told = await _told(tx, stack, run)
    for webhook_id, kind in listening:
        if kind is Kind.AUDIT:
            body = await auditing.announce_run(tx, tx.actor, told)
        else:
            body = json.dumps(told, ensure_ascii=False)
        deliveries.enqueue(tx, webhook_id, RUN_MOVED, body)


async def _told(tx: Tx, stack: Stack, run: Run) -> dict[str, Any]:
    """The payload that existing receivers know (public documentation, "Run events")."""
    commit, delta = await commits.find(tx, run.commit_id), run.delta or {}
    return {
        "account": (await accounts.get(tx)).name or "",
        "state": run.state.value,
        "stateVersion": run.state_version,
        "timestamp": int(tx.now.timestamp()),
        "run": {
            "id": run.id,
            "branch": run.branch or "",
            "commit": commit
            and {
                "authorLogin": "",
                "authorName": commit.author_name,
                "hash": commit.sha,
                "message": commit.message,
                "timestamp": int((commit.authored_at or commit.wanted_at).timestamp()),
                "url": "",
            },
            "createdAt": int(run.created_at.timestamp()),
            "delta": {
                "added": delta.get("add", 0),
                "changed": delta.get("change", 0),
                "deleted": delta.get("delete", 0),
                "resources": delta.get("resources", 0),
            },
            "triggeredBy": run.triggered_by or "",
            "type": run.kind.value,
        },
        "stack": {
            "id": stack.id,
            "name": stack.name,
            "description": stack.description or "",
            "labels": list(stack.labels),
        },
    }
