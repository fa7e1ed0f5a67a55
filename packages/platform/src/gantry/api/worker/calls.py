"""What workers ask over HTTPS: gantry_protocol.calls, one endpoint each."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TypeVar

import structlog
from gantry_protocol.calls import (
    MAX_LOG_CHUNK,
    MAX_LOG_TAIL,
    MAX_REPORT,
    MAX_UNSAVED_STATE,
    Ask,
    Asked,
    Beat,
    Beaten,
    Held,
    Kept,
    LeaseAnswer,
    LogTail,
    Offer,
    Orders,
    Register,
    Registered,
    Reported,
    Sealed,
    Ticket,
    TicketWanted,
    Verdict,
)
from gantry_protocol.version import OLDEST_ACCEPTED, PROTOCOL_VERSION
from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gantry.api.doors import Access, House, body_of, door, house
from gantry.domains.pools import repo as pools_repo
from gantry.domains.pools import service as pools
from gantry.domains.pools.model import Worker
from gantry.domains.runs import leasing, leftovers, logbook, manifests, repo, reporting
from gantry.domains.runs.model import Run
from gantry.domains.runs.states import WORKING
from gantry.domains.stacks.model import Stack
from gantry.domains.tfstate import unsaved
from gantry.domains.vcs import repo as vcs_repo
from gantry.domains.vcs.model import Commit
from gantry.kernel.errors import Conflict, NotFound, UserError
from gantry.kernel.ids import new_id
from gantry.kernel.tx import SYSTEM, Actor, Tx
from gantry.ports.objects import Bucket

log = structlog.get_logger()

M = TypeVar("M", bound=BaseModel)

MAX_CALL = 256 * 1024
"""Bytes of an ordinary call: some thousand held leases would fit."""
POLL_SECONDS = 15.0
"""How often a worker asks although no bell rang: what a lost bell costs at the most."""
QUIET_SECONDS = 2 * POLL_SECONDS
"""How long an idle worker's question counts as a heartbeat: a thousand of them ask 67 times a
second, and would beat a hundred times besides."""


class BadCall(UserError):
    """A call whose body is not what the protocol says."""

    code = "BAD_WORKER_CALL"


class WrongProtocol(Conflict):
    """A worker too old or too new for this server."""

    code = "WRONG_PROTOCOL"

    def __init__(self, spoken: int) -> None:
        super().__init__(
            f"This server speaks worker protocol {OLDEST_ACCEPTED} to {PROTOCOL_VERSION}, the"
            f" worker {spoken}; run the worker of this server's release."
        )


async def register(request: Request) -> Response:
    """`POST register`"""
    there, said = house(request), await _read(request, Register)
    if not OLDEST_ACCEPTED <= said.protocol <= PROTOCOL_VERSION:
        raise WrongProtocol(said.protocol)
    pool, worker_id = request.state.pool, request.state.worker_id
    async with there.db.write(SYSTEM) as tx:
        await pools.register(
            tx,
            pool,
            worker_id=worker_id,
            tags=said.metadata,
            version=said.version,
            concurrency=said.concurrency,
        )
    lease = there.lease.total_seconds()
    return _answer(
        Registered(
            worker_id=worker_id,
            heartbeat_seconds=lease / 3,
            lease_seconds=lease,
            poll_seconds=POLL_SECONDS,
            # Tokens are older than an operator's change of mind about the broker.
            broker=there.reach.broker,
            broker_login="certificate" if there.reach.by_certificate else "proof",
            quiet_seconds=QUIET_SECONDS,
        )
    )


async def ask(request: Request) -> Response:
    """`POST next`"""
    there = house(request)
    said = await _read(request, Ask)
    pool, worker_id = request.state.pool, request.state.worker_id
    known = {(lease.run_id, lease.fence) for lease in said.held}
    claim = await leasing.claim(
        there.db, _actor(worker_id), pool, worker_id, known=known, lasts=there.lease
    )
    if claim is None:
        worker = await leasing.note_idle(there.db, worker_id, known=known)
        if worker is None:
            raise Conflict("Register first.")
        return _answer(Asked(offer=None, orders=_orders(worker)))
    offer = Offer(
        run_id=claim.run.id,
        fence=claim.fence,
        state=claim.run.state.value,
        state_version=claim.run.state_version,
        stack_id=claim.run.stack_id,
        manifest=await _sealed_or_none(request, claim),
    )
    # Whoever won a run is neither drained nor told to leave: the claim looked.
    return _answer(Asked(offer=offer))


async def _sealed_or_none(request: Request, claim: leasing.Claim) -> str | None:
    """The manifest along with the offer saves a round trip; the lease stands without it."""
    try:
        async with house(request).db.read(SYSTEM) as tx:
            return await _sealed(request, tx, claim.stack, claim.run, claim.commit)
    except Exception:
        # Whatever it is must not take back the offer: the lease is written. The worker asks again.
        log.exception("manifest not built", run_id=claim.run.id)
        return None


async def heartbeat(request: Request) -> Response:
    """`POST heartbeat`"""
    there, said = house(request), await _read(request, Beat)
    worker_id = request.state.worker_id
    held = [(lease.run_id, lease.fence) for lease in said.held]
    async with there.db.write(SYSTEM) as tx:
        pulse = await leasing.beat(tx, worker_id, held, lasts=there.lease)
        worker = await pools_repo.worker(tx, worker_id)
        orders = Orders(shutdown=True) if worker is None else _orders(worker)
    answers = [_lease_answer(lease, pulse) for lease in said.held]
    return _answer(Beaten(leases=answers, orders=orders))


def _lease_answer(lease: Held, pulse: leasing.Pulse) -> LeaseAnswer:
    held = lease.run_id in pulse.alive
    return LeaseAnswer(
        run_id=lease.run_id,
        fence=lease.fence,
        held=held,
        stop=lease.run_id in pulse.stopping,
        reason="" if held else "the lease is not yours any more",
    )


async def goodbye(request: Request) -> Response:
    """`POST goodbye`: the worker has let go of everything and ends."""
    there = house(request)
    async with there.db.write(SYSTEM) as tx:
        await pools.leave(tx, request.state.worker_id, request.state.pool.id)
    return Response(status_code=204)


async def manifest(request: Request) -> Response:
    """`POST runs/<id>/manifest`"""
    there, said = house(request), await _read(request, Held)
    worker_id, pool_id = request.state.worker_id, request.state.pool.id
    async with there.db.read(SYSTEM) as tx:
        run = await repo.find(tx, request.path_params["run"])
        held = await leasing.holds(tx, run.id, pool_id, worker_id, said.fence)
        if held is None or run.state not in WORKING:
            raise Conflict("The run is not yours.")
        commit = await vcs_repo.find(tx, run.commit_id)
        sealed = await _sealed(request, tx, await repo.stack_of(tx, run), run, commit)
    return _answer(Sealed(manifest=sealed))


async def _sealed(request: Request, tx: Tx, stack: Stack, run: Run, commit: Commit | None) -> str:
    there = house(request)
    where = manifests.Addresses(there.base_url, there.issuer)
    built = await manifests.build(tx, there.vault, there.objects, where, stack, run, commit)
    plain = built.model_dump_json(by_alias=True).encode()
    authority = await there.authority()
    return authority.encrypt_for(request.state.pool.public_key, plain)


async def report(request: Request) -> Response:
    """`POST runs/<id>/report`"""
    there, said = house(request), await _read(request, Reported, limit=MAX_REPORT)
    worker_id = request.state.worker_id
    run_id, pool_id = request.path_params["run"], request.state.pool.id
    tail = _tail(said)
    async with there.db.write(_actor(worker_id)) as tx:
        try:
            stack, run, ours = await leasing.locked(tx, run_id, pool_id, worker_id, said.fence)
        except NotFound:
            return _answer(reporting.NO_RUN)
        if said.tail is not None:
            await _take_tail(tx, there, run, said.tail, tail, ours=ours)
        verdict: Verdict = (
            await reporting.judge_with_steps(
                tx, there.vault, stack, run, said.report, said.steps, worker_id
            )
            if ours
            else reporting.refused(run)
        )
    return _answer(verdict)


def _tail(said: Reported) -> bytes:
    """The log's last bytes, as they came with the report. Raises BadCall."""
    if said.tail is None:
        return b""
    try:
        data = base64.b64decode(said.tail.data, validate=True)
    except (ValueError, binascii.Error):
        raise BadCall("The tail of the log is not base64.") from None
    if len(data) > MAX_LOG_TAIL:
        raise BadCall("The tail of the log is larger than the protocol allows.")
    return data


async def _take_tail(
    tx: Tx, there: House, run: Run, tail: LogTail, data: bytes, *, ours: bool
) -> None:
    """The log's last bytes. What is refused here was taken with an earlier copy of the report."""
    answer = await logbook.take(
        tx, run.id, tail.state_version, tail.offset, data, ours=ours, limit=there.max_log_bytes
    )
    if answer.offset < tail.offset:
        # The report counts for more than the end of its log.
        log.warning("tail of a log not taken", run_id=run.id, reason=answer.reason)


async def logs(request: Request) -> Response:
    """`POST runs/<id>/logs/<state_version>?fence=&offset=`"""
    there = house(request)
    data = await body_of(request, MAX_LOG_CHUNK)
    fence, offset = (_count(request, name) for name in ("fence", "offset"))
    version = request.path_params["version"]
    if not _COUNT.fullmatch(version):
        raise BadCall("A log is named by the number of its state.")
    async with there.db.write(SYSTEM) as tx:
        answer = await logbook.append(
            tx,
            request.path_params["run"],
            int(version),
            request.state.pool.id,
            request.state.worker_id,
            fence,
            offset,
            data,
            limit=there.max_log_bytes,
        )
    return _answer(answer)


async def ticket(request: Request) -> Response:
    """`POST runs/<id>/ticket`"""
    there, said = house(request), await _read(request, TicketWanted)
    run_id = request.path_params["run"]
    async with there.db.read(SYSTEM) as tx:
        worker_id, pool_id = request.state.worker_id, request.state.pool.id
        held = await leasing.holds(tx, run_id, pool_id, worker_id, said.fence)
    if held is None:
        return _answer(Ticket(accepted=False, reason="the run is no longer yours"))
    key = f"{run_id}/{new_id()}"
    url = await there.objects.upload_url(Bucket.WORKSPACE, key, lasts=manifests.URL_LASTS)
    return _answer(Ticket(accepted=True, url=url, key=key))


async def unsaved_state(request: Request) -> Response:
    """`POST runs/<id>/unsaved-state?fence=`: also after the run has ended, by any of its pool."""
    there, run_id = house(request), request.path_params["run"]
    fence = _count(request, "fence")
    data = await body_of(request, MAX_UNSAVED_STATE)
    pool_id = request.state.pool.id
    async with there.db.read(SYSTEM) as tx:
        # Before anything is unpacked; asked again in the transaction that keeps it.
        run = (await repo.by_ids(tx, [run_id])).get(run_id)
    if run is None or run.pool_id != pool_id or run.fence != fence:
        return _answer(Kept(accepted=False, reason=leftovers.NOT_YOURS))
    try:
        packed = await unsaved.read(there.vault, run_id, data)
    except UserError as error:
        return _answer(Kept(accepted=False, reason=error.message))
    async with there.db.write(SYSTEM) as tx:
        refusal = await leftovers.take(tx, run_id, pool_id, fence, packed)
    return _answer(Kept(accepted=refusal is None, reason=refusal or ""))


_COUNT = re.compile(r"[0-9]{1,18}", re.ASCII)
"""What a database counts to, and no digit more."""


def _count(request: Request, name: str) -> int:
    text = request.query_params.get(name, "")
    if not _COUNT.fullmatch(text):
        raise BadCall(f"The call names its {name} as a number.")
    return int(text)


def _actor(worker_id: str) -> Actor:
    # History shows no name for moves that a worker makes: they are nobody's decision.
    return Actor("worker", worker_id, name="")


def _orders(worker: Worker) -> Orders:
    return Orders(drained=worker.drained, shutdown=worker.shutdown_at is not None)


async def _read(request: Request, kind: type[M], *, limit: int = MAX_CALL) -> M:
    # Postgres takes no NUL in texts; one in a tool's output must not hold up a run's report.
    body = (await body_of(request, limit)).replace(b"\\u0000", b"\\ufffd")
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        raise BadCall(f"The call does not fit the protocol: {place}: {first['msg']}") from None


def _answer(message: BaseModel) -> Response:
    return Response(message.model_dump_json(by_alias=True), media_type="application/json")


def routes() -> list[Route]:
    """The doors of workers, below /worker/v1."""
    base = "/worker/v1"
    calls = {
        Access.WORKER: {
            "register": register,
            "next": ask,
            "heartbeat": heartbeat,
            "goodbye": goodbye,
        },
        Access.LEASE: {
            "runs/{run}/manifest": manifest,
            "runs/{run}/report": report,
            "runs/{run}/logs/{version}": logs,
            "runs/{run}/ticket": ticket,
            "runs/{run}/unsaved-state": unsaved_state,
        },
    }
    return [
        door(f"{base}/{path}", call, access=access, methods=["POST"])
        for access, those in calls.items()
        for path, call in those.items()
    ]
