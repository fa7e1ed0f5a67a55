"""Who may connect to the broker, and when a worker's bell is rung.

A message to a worker says *look*; what it says is in the database. Every server hears every
signal and rings for the workers that are connected to it, or through an external broker for all:
then a worker may be rung once by each server, and looks as often.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import Protocol

import structlog
from gantry_protocol.calls import AUDIENCE
from gantry_protocol.messages import Bell

from gantry.domains.pools import repo as pools_repo
from gantry.domains.pools import service as pools
from gantry.domains.runs import leases_repo as leases
from gantry.domains.runs import repo as runs
from gantry.kernel.tx import SYSTEM
from gantry.ports.db import Db
from gantry.ports.pki import Authority
from gantry.ports.vault import InvalidToken

log = structlog.get_logger()


FEW = 4
"""Connected workers that are all rung without asking which of them is idle."""


class Ringer(Protocol):
    """A broker that reaches workers."""

    @property
    def connected(self) -> Collection[str] | None:
        """The workers that are connected here; None when only somebody else can know."""
        ...

    async def ring(self, pool_id: str, worker_id: str, message: bytes) -> None:
        """Wake one worker; nothing happens when it is not connected."""
        ...


async def admitted(
    db: Db, authority: Callable[[], Awaitable[Authority]], username: str, password: str
) -> tuple[str, str] | None:
    """(pool, worker) of a connecting worker: user its id, password `<pool id>:<proof>`."""
    pool_id, _, proof = password.partition(":")
    try:
        async with db.read(SYSTEM) as tx:
            pool, worker_id = await pools.admit(
                tx, await authority(), pool_id=pool_id, proof=proof, audience=AUDIENCE
            )
    except InvalidToken as error:
        log.info("broker refused a worker", worker_id=username[:26], reason=error.message)
        return None
    return (pool.id, worker_id) if worker_id == username else None


async def ring_for(db: Db, broker: Ringer, topic: str, payload: dict[str, object]) -> None:
    """Act on one signal: wake the worker it names, or as many idle ones as runs wait."""
    kind, _, name = topic.partition(":")
    if kind == "worker":
        pool_id, _, worker_id = name.partition("/")
        if _may_hear(broker, worker_id):
            bell = Bell.model_validate(payload)
            await broker.ring(pool_id, worker_id, bell.model_dump_json().encode())
    elif kind == "pool":
        await _wake_idle(db, broker, name)


async def ring_everyone(db: Db, broker: Ringer) -> None:
    """Signals may have been missed: let every connected worker look."""
    connected = broker.connected
    async with db.read(SYSTEM) as tx:
        if connected is None:
            found = await pools_repo.all_present(tx)
        else:
            asked = [await pools_repo.worker(tx, worker_id) for worker_id in connected]
            found = [worker for worker in asked if worker is not None]
    for worker in found:
        await broker.ring(worker.pool_id, worker.id, Bell().model_dump_json().encode())


def _may_hear(broker: Ringer, worker_id: str) -> bool:
    return broker.connected is None or worker_id in broker.connected


async def _wake_idle(db: Db, broker: Ringer, pool_id: str) -> None:
    here = broker.connected
    if here is not None and len(here) <= FEW:
        # So few that asking who is idle costs more than a bell for nothing.
        for worker_id in here:
            await broker.ring(pool_id, worker_id, Bell().model_dump_json().encode())
        return
    async with db.read(SYSTEM) as tx:
        waiting = (await runs.count_claimable(tx, [pool_id]))[pool_id]
        workers = (await pools_repo.present(tx, [pool_id]))[pool_id]
        busy = (await leases.busy_workers(tx, [pool_id]))[pool_id]
    # Newest first: autoscalers take the oldest away (contract notes). One bell per waiting run:
    # waking everybody would make a thousand workers race for one run.
    free = [
        worker
        for worker in workers
        if _may_hear(broker, worker.id)
        and not worker.drained
        and worker.shutdown_at is None
        and busy.get(worker.id, 0) < worker.concurrency
    ]
    for worker in free[: max(waiting, 0)]:
        await broker.ring(pool_id, worker.id, Bell().model_dump_json().encode())
