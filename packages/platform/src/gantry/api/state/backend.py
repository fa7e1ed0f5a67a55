"""Terraform's `http` backend: GET, POST, DELETE, LOCK and UNLOCK of one stack's state.

The credential is the run's own token (user: run id, password: token), good only for its stack,
under its newest lease, while the run is in a phase that may touch state.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gantry.api.doors import Access, House, body_of, door, house, large_body_of, object_of
from gantry.api.state.whole import whole
from gantry.domains.runs import repo as runs
from gantry.domains.runs.manifests import STATE_PURPOSE
from gantry.domains.runs.model import Run
from gantry.domains.runs.states import EXECUTING, Kind, State
from gantry.domains.tfstate import service as states
from gantry.kernel.errors import NotAllowed, NotFound, UserError
from gantry.kernel.tx import SYSTEM, Tx
from gantry.ports.vault import InvalidToken

READING = (State.PREPARING, State.INITIALIZING, State.PLANNING, *EXECUTING)
"""Phases in which a run may read, and lock, the state. Preparing is one of them because a worker
begins to initialise while it reports that it is prepared (decision 14).
"""

MAX_LOCK_INFO = 64 * 1024


@dataclass(frozen=True, slots=True)
class Caller:
    """The run that a credential stands for. Whether it may do what it asks is looked at where
    that is done.
    """

    run_id: str
    stack_id: str
    fence: int


async def read(request: Request) -> Response:
    """`GET`: the state, or 204 when there is none."""
    there, stack_id = house(request), request.path_params["stack"]
    caller = _caller(request, there, stack_id)
    async with there.db.read(SYSTEM) as tx:
        run = (await runs.by_ids(tx, [caller.run_id])).get(caller.run_id)
        _require(caller, run, READING, changes=False)
    body = await states.read(there.db, there.vault, there.objects, stack_id)
    if body is None:
        return Response(status_code=204)
    digest = await asyncio.to_thread(_digest, body)
    return whole(body, {"content-md5": digest})


async def write(request: Request) -> Response:
    """`POST ?ID=<lock>`: a new state."""
    there, stack_id = house(request), request.path_params["stack"]
    caller = _caller(request, there, stack_id)
    async with there.db.read(SYSTEM) as tx:
        # Before the bytes are taken in; asked again in the transaction that keeps them.
        run = (await runs.by_ids(tx, [caller.run_id])).get(caller.run_id)
        refused_before = _require(caller, run, READING, changes=True).state_refusal is not None
        if run is None or run.state not in EXECUTING:
            raise NotAllowed("unauthorized: the run may not change the state in this phase")
    try:
        body = await large_body_of(request, there.max_state_bytes)
        await _check_digest(request, body)
        await states.write(
            there.db,
            there.vault,
            there.objects,
            stack_id,
            body,
            lock_id=request.query_params.get("ID"),
            writer=states.Writer("", caller.run_id),
            still_allowed=partial(_still, caller=caller, phases=EXECUTING),
        )
    except UserError as refusal:
        await _remember(there, caller, refusal.message)
        raise
    if refused_before:
        await _remember(there, caller, None)
    return Response(status_code=200)


async def _remember(there: House, caller: Caller, refusal: str | None) -> None:
    """Terraform shows the number of an answer and not its words: they go to the run's failure."""
    async with there.db.write(SYSTEM) as tx:
        await runs.note_state_refusal(tx, caller.run_id, caller.fence, refusal)


async def refuse_delete(request: Request) -> Response:
    """`DELETE`: states are kept for ever; an empty one is written instead."""
    raise NotAllowed("A managed state is not deleted; destroy the stack's resources instead.")


async def lock(request: Request) -> Response:
    """`LOCK`: 423 with the holder's own words when somebody has it."""
    there, stack_id = house(request), request.path_params["stack"]
    caller = _caller(request, there, stack_id)
    info = await _lock_info(request)
    try:
        async with there.db.read(SYSTEM) as tx:
            # Most who ask in vain are told so before they make the holder wait for the stack.
            run = (await runs.by_ids(tx, [caller.run_id])).get(caller.run_id)
            _require(caller, run, READING, changes=True)
            await states.require_free(tx, stack_id, info, run_id=caller.run_id)
        async with there.db.write(SYSTEM) as tx:
            await _still(tx, caller=caller, phases=READING)
            await states.lock(tx, stack_id, info, run_id=caller.run_id)
    except states.StateLocked as held:
        return JSONResponse(held.info, status_code=423)
    return Response(status_code=200)


async def unlock(request: Request) -> Response:
    """`UNLOCK`: only with the lock's own id."""
    there, stack_id = house(request), request.path_params["stack"]
    caller = _caller(request, there, stack_id)
    info = await _lock_info(request)
    async with there.db.write(SYSTEM) as tx:
        await _still(tx, caller=caller, phases=READING)
        await states.unlock(tx, stack_id, str(info.get("ID") or ""), run_id=caller.run_id)
    return Response(status_code=200)


def _caller(request: Request, there: House, stack_id: str) -> Caller:
    """Whose credential came with the request. Raises InvalidToken."""
    username, password = _basic(request)
    signed = there.vault.verify(password, audience=there.base_url, purpose=STATE_PURPOSE)
    if not hmac.compare_digest(signed.subject.encode(), f"{stack_id}/{username}".encode()):
        raise InvalidToken("the credential is for another stack or run")
    return Caller(username, stack_id, int(signed.claims.get("fence") or 0))


def _require(caller: Caller, run: Run | None, phases: tuple[State, ...], *, changes: bool) -> Run:
    """The run, if its newest lease and its phase let it do that. Raises InvalidToken, NotAllowed.

    `changes`: whether the state, or who holds it, would be another one afterwards.
    """
    if run is None or run.fence != caller.fence or run.state not in phases:
        raise InvalidToken("the run may not touch the state now")
    if run.stack_id != caller.stack_id:
        # The id is another stack's by now: the run's own was deleted.
        raise InvalidToken("the run's stack is not there any more")
    if changes and run.kind is Kind.PROPOSED:
        raise NotAllowed("unauthorized: a preview only reads the state")
    return run


async def _still(tx: Tx, *, caller: Caller, phases: tuple[State, ...]) -> None:
    """The run still holds its lease, and is in one of the phases. Holds stack and run to the end.

    Asked inside the transaction that acts: a request may have been on its way for long.
    """
    try:
        _, run = await runs.lock(tx, caller.run_id)
    except NotFound:
        raise InvalidToken("there is no such run") from None
    _require(caller, run, phases, changes=True)


def _basic(request: Request) -> tuple[str, str]:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        raise InvalidToken("a run's credential is needed")
    try:
        username, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (ValueError, binascii.Error):
        raise InvalidToken("the credential is malformed") from None
    return username, password


async def _check_digest(request: Request, body: bytearray) -> None:
    said = request.headers.get("content-md5")
    if said is not None and said != await asyncio.to_thread(_digest, body):
        raise UserError("The state was damaged on its way: its digest does not fit.")


def _digest(body: bytearray) -> str:
    """As the header Content-MD5 has it."""
    return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()


async def _lock_info(request: Request) -> dict[str, Any]:
    return object_of(await body_of(request, MAX_LOCK_INFO) or b"{}")


def routes() -> list[Route]:
    """The doors of Terraform's backend."""
    path = "/state/{stack}"
    calls = {
        "GET": read,
        "HEAD": read,  # comes with GET; the server leaves the body out
        "POST": write,
        "DELETE": refuse_delete,
        "LOCK": lock,
        "UNLOCK": unlock,
    }

    async def dispatch(request: Request) -> Response:
        return await calls[request.method](request)

    return [door(path, dispatch, access=Access.RUN, methods=list(calls))]
