"""A run as somebody who asks: what its API token lets it do, and for how long."""

from __future__ import annotations

from gantry.domains.people.actions import Action
from gantry.domains.roles import rights
from gantry.domains.roles.model import Subject
from gantry.domains.runs import repo
from gantry.domains.runs.manifests import API_PURPOSE
from gantry.domains.runs.states import EXECUTING, State
from gantry.kernel.tx import SYSTEM, Actor, Tx
from gantry.ports.vault import InvalidToken, Vault

SPEAKING = (State.INITIALIZING, State.PLANNING, *EXECUTING)
"""Phases in which a run's token is good (run configuration contract §3.2). Initialising is one of
them because a worker begins to plan while it reports that it has initialised (decision 14).
"""


async def recognise(tx: Tx, vault: Vault, token: str, *, audience: str) -> Actor:
    """The run that a token speaks for: it may read its stack's space, and what its stack was given
    roles for. Of an administrative stack it is admin of the stack's space and of nothing else:
    roles that the stack was given are without effect (contract notes, "Role bindings").

    Runs, logs and states stay closed to it all the same (contract notes, "JWT").

    Raises InvalidToken when the token is forged, expired, of an older lease, or out of phase.
    """
    signed = vault.verify(token, audience=audience, purpose=API_PURPOSE)
    run_id = signed.subject.rpartition("/")[2]
    run = (await repo.by_ids(tx.acting_as(SYSTEM), [run_id])).get(run_id)
    if run is None or run.fence != signed.claims.get("fence") or run.state not in SPEAKING:
        raise InvalidToken("the run may not speak now")
    stack = await repo.stack_of(tx, run)
    may = {stack.space_id: frozenset({Action.SPACE_READ.value})}
    actor = Actor("run", run.id, name=f"run::{run.id}", by_space=may)
    if stack.administrative:
        return await rights.as_admin_of(tx, actor, stack.space_id)
    return await rights.with_rights(tx, actor, [(Subject.STACK, stack.id)])
