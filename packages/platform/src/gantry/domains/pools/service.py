"""What can be done with worker pools, and how workers come and go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gantry_protocol.token import PoolToken, decode_pool_token

from gantry.domains.notifications import service as notifications
from gantry.domains.notifications.kinds import Group
from gantry.domains.people import access
from gantry.domains.people.actions import Action
from gantry.domains.pools import repo
from gantry.domains.pools.events import PoolChanged, WorkerOrdered
from gantry.domains.pools.model import Worker, WorkerPool
from gantry.domains.pools.rules import NOTED_AGAIN_AFTER, WORKER_GONE_AFTER
from gantry.domains.spaces import service as spaces
from gantry.domains.spaces.model import ROOT
from gantry.kernel.errors import Conflict, NotFound, UserError
from gantry.kernel.ids import is_ulid, new_id
from gantry.kernel.tx import Tx
from gantry.ports.pki import Authority
from gantry.ports.vault import InvalidToken

NAME_MAX = 255
PUBLIC_NAME = "public"


class BadPool(UserError):
    """Settings that no pool can have."""

    code = "BAD_WORKER_POOL"


@dataclass(frozen=True, slots=True)
class Reach:
    """How workers reach this installation; the three addresses go into every pool token."""

    api: str
    broker: str
    namespace: str
    by_certificate: bool = False
    """Whether the broker knows workers by the certificates of their pools."""


async def create(
    tx: Tx,
    authority: Authority,
    reach: Reach,
    *,
    name: str,
    request: str,
    description: str | None = None,
    labels: Sequence[str] | None = None,
    space_id: str | None = None,
    drift_limit: int | None = None,
) -> WorkerPool:
    """A pool whose workers hold the private key of the signing request.

    Raises BadCertificateRequest, BadPool, Conflict for a taken name, NotFound for the space.
    """
    space = await spaces.resolve(tx, space_id)
    access.require(tx, Action.WORKER_POOL_CREATE, space.id)
    pool_id = new_id()
    issued = authority.issue(request, pool_id=pool_id)
    pool = WorkerPool(
        id=pool_id,
        name=await _free_name(tx, name),
        description=description,
        labels=_labels(labels),
        space_id=space.id,
        public=False,
        public_key=issued.public_key_pem,
        config=_token(reach, pool_id, issued.certificate_pem),
        drift_detection_run_limit=_limit(drift_limit),
        created_at=tx.now,
        updated_at=tx.now,
    )
    tx.session.add(pool)
    tx.emit(PoolChanged(pool.id))
    return pool


async def ensure_public(tx: Tx, authority: Authority, reach: Reach, request: str) -> WorkerPool:
    """The public pool for this key; an existing one with another key or address is reset."""
    pool = await repo.public(tx)
    pool_id = new_id() if pool is None else pool.id
    issued = authority.issue(request, pool_id=pool_id)
    if pool is None:
        pool = WorkerPool(
            id=pool_id,
            name=PUBLIC_NAME,
            description=None,
            labels=[],
            space_id=ROOT,
            public=True,
            public_key=issued.public_key_pem,
            config=_token(reach, pool_id, issued.certificate_pem),
            created_at=tx.now,
            updated_at=tx.now,
        )
        tx.session.add(pool)
    elif pool.public_key != issued.public_key_pem:
        pool.public_key, pool.generation = issued.public_key_pem, pool.generation + 1
        pool.config = _token(reach, pool_id, issued.certificate_pem)
    elif not _same_reach(pool.config, reach):
        pool.config = _token(reach, pool_id, issued.certificate_pem)
    return pool


async def update(
    tx: Tx,
    pool_id: str,
    *,
    name: str,
    description: str | None,
    labels: Sequence[str] | None,
    space_id: str | None,
    drift_limit: int | None,
) -> WorkerPool:
    """Change the pool's settings; None clears description, labels and limit, and keeps the space.

    Raises NotFound, NotAllowed, BadPool, Conflict.
    """
    pool = await repo.lock(tx, pool_id)
    access.require(tx, Action.WORKER_POOL_UPDATE, pool.space_id)
    if space_id and space_id != pool.space_id:
        space = await spaces.resolve(tx, space_id)
        access.require(tx, Action.WORKER_POOL_UPDATE, space.id)
        pool.space_id = space.id
        await notifications.moved(tx, pool.id, space.id)
    if name != pool.name:
        pool.name = await _free_name(tx, name, except_id=pool.id)
    pool.description, pool.labels = description, _labels(labels)
    pool.drift_detection_run_limit = _limit(drift_limit)
    pool.updated_at = tx.now
    tx.emit(PoolChanged(pool.id))
    return pool


async def reset(
    tx: Tx, authority: Authority, reach: Reach, pool_id: str, *, request: str
) -> WorkerPool:
    """A new key and token. Workers of the old key are locked out at once, and a run that one of
    them holds ends as lost: cycle first to let them finish.

    Raises NotFound, NotAllowed, BadCertificateRequest.
    """
    pool = await repo.lock(tx, pool_id)
    access.require(tx, Action.WORKER_POOL_RESET, pool.space_id)
    issued = authority.issue(request, pool_id=pool.id)
    pool.public_key, pool.generation = issued.public_key_pem, pool.generation + 1
    pool.config = _token(reach, pool.id, issued.certificate_pem)
    pool.updated_at = tx.now
    await _send_away(tx, pool.id)
    # They cannot even say good-bye any more.
    await repo.mark_all_gone(tx, pool.id)
    return pool


async def cycle(tx: Tx, pool_id: str) -> None:
    """Every worker finishes what it holds and leaves; whoever starts workers starts new ones."""
    pool = await repo.lock(tx, pool_id)
    access.require(tx, Action.WORKER_POOL_CYCLE, pool.space_id)
    await _send_away(tx, pool.id)


async def delete(tx: Tx, pool_id: str, *, stacks_using: int, runs_using: int) -> WorkerPool:
    """The pool is no more. Raises Conflict while stacks use it or runs of it have not ended."""
    pool = await repo.lock(tx, pool_id)
    access.require(tx, Action.WORKER_POOL_DELETE, pool.space_id)
    if stacks_using:
        raise Conflict(f"{stacks_using} stacks use this worker pool; move them first.")
    if runs_using:
        raise Conflict(f"{runs_using} runs of this worker pool have not ended; wait for them.")
    await _send_away(tx, pool.id)
    pool.deleted_at = tx.now
    await notifications.settle(tx, Group.POOL_WITHOUT_WORKERS, pool.id)
    return pool


async def set_drained(tx: Tx, pool_id: str, worker_id: str, *, drain: bool) -> Worker:
    """A drained worker gets no new run. Serialised with claims by the worker's row lock.

    Raises NotFound, NotAllowed.
    """
    pool = await repo.lock(tx, pool_id)
    access.require(tx, Action.WORKER_DRAIN_SET, pool.space_id)
    worker = await repo.worker(tx, worker_id, lock=True)
    if worker is None or worker.pool_id != pool.id or worker.gone_at is not None:
        raise NotFound("worker not found")
    worker.drained = drain
    tx.emit(WorkerOrdered(pool.id, worker.id))
    tx.emit(PoolChanged(pool.id))
    return worker


async def admit(
    tx: Tx, authority: Authority, *, pool_id: str, proof: str, audience: str, known: bool = True
) -> tuple[WorkerPool, str]:
    """The pool and the worker id that a proof stands for. Raises InvalidToken.

    Unless `known` is False, the id must not be one of another pool's worker.
    """
    pool = await repo.any_by_id(tx, pool_id) if is_ulid(pool_id) else None
    if pool is None:
        raise InvalidToken("the worker pool does not exist")
    worker_id = authority.check_proof(
        proof, public_key_pem=pool.public_key, audience=audience, pool_id=pool.id
    )
    if not is_ulid(worker_id):
        raise InvalidToken("the worker id is not a ULID")
    if known:
        worker = await repo.worker(tx, worker_id)
        if worker is not None and worker.pool_id != pool.id:
            raise InvalidToken("the worker belongs to another pool")
    return pool, worker_id


async def register(
    tx: Tx,
    pool: WorkerPool,
    *,
    worker_id: str,
    tags: dict[str, str],
    version: str,
    concurrency: int,
) -> Worker:
    """The worker is there and may ask for runs. Raises Conflict when the id is another pool's."""
    await repo.remember_worker(
        tx, pool, worker_id=worker_id, tags=tags, version=version, concurrency=concurrency
    )
    worker = await repo.worker(tx, worker_id)
    if worker is None or worker.pool_id != pool.id:
        raise Conflict("This worker id belongs to another pool.")
    await notifications.settle(tx, Group.POOL_WITHOUT_WORKERS, pool.id)
    tx.emit(PoolChanged(pool.id))
    return worker


async def heard(tx: Tx, worker: Worker) -> None:
    """The worker is there: it asked for work. Noted often enough that it does not pass for gone,
    and not each time, as many ask and find nothing. Not of one that is to leave: a pool that is
    reset lets its workers go at once, and a question on its way must not bring one back.
    """
    if unheard(tx, worker):
        if worker.gone_at is not None:
            await notifications.settle(tx, Group.POOL_WITHOUT_WORKERS, worker.pool_id)
        await repo.touch(tx, worker.id)


def unheard(tx: Tx, worker: Worker) -> bool:
    """Whether it should be noted that the worker was heard of just now."""
    if worker.shutdown_at is not None:
        return False
    return worker.gone_at is not None or tx.now - worker.last_seen_at > NOTED_AGAIN_AFTER


async def leave(tx: Tx, worker_id: str, pool_id: str) -> None:
    """The worker said good-bye."""
    if await repo.mark_gone(tx, worker_id):
        tx.emit(PoolChanged(pool_id))


async def reconcile(tx: Tx) -> list[str]:
    """Workers that fell silent are gone; returns the pools that have none any more."""
    lost = await repo.mark_silent_as_gone(tx, tx.now - WORKER_GONE_AFTER)
    for pool_id in lost:
        tx.emit(PoolChanged(pool_id))
    there = await repo.present(tx, lost) if lost else {}
    return [pool_id for pool_id in lost if not there[pool_id]]


async def _send_away(tx: Tx, pool_id: str) -> None:
    for worker_id in await repo.order_all_to_leave(tx, pool_id):
        tx.emit(WorkerOrdered(pool_id, worker_id))
    tx.emit(PoolChanged(pool_id))


async def _free_name(tx: Tx, name: str, *, except_id: str = "") -> str:
    name = name.strip()
    if not name or len(name) > NAME_MAX:
        raise BadPool(f"A worker pool's name has 1 to {NAME_MAX} characters.")
    if await repo.name_taken(tx, name, except_id=except_id):
        raise Conflict(f'There is a worker pool named "{name}" already.')
    return name


def _labels(labels: Sequence[str] | None) -> list[str]:
    return sorted(set(labels or ()))


def _limit(limit: int | None) -> int | None:
    # A negative limit means none, and reads back as none (contract notes, "Worker pools").
    return None if limit is None or limit < 0 else limit


def _token(reach: Reach, pool_id: str, certificate: str) -> str:
    return PoolToken(
        api=reach.api,
        broker=reach.broker,
        namespace=reach.namespace,
        pool_id=pool_id,
        certificate=certificate,
    ).encode()


def _same_reach(config: str, reach: Reach) -> bool:
    token = decode_pool_token(config)
    return (token.api, token.broker, token.namespace) == (reach.api, reach.broker, reach.namespace)
