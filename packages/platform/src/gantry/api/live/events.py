"""Server-sent events: `/events?topic=…` for signals, `/logs/<run>/<state_version>` for log bytes.

Signals say *look again*; the API says what is there. Both streams resume: signals by
`Last-Event-ID`, logs by byte offset, which is also their event id.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import time
from collections.abc import AsyncIterator, Sequence

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from gantry.api.doors import Access, House, actor_of, door, house
from gantry.domains.people import access
from gantry.domains.people.actions import Action
from gantry.domains.pools import repo as pools
from gantry.domains.runs import logbook
from gantry.domains.runs import repo as runs
from gantry.domains.stacks import callbacks
from gantry.domains.stacks import repo as stacks
from gantry.kernel.errors import NotAllowed, NotFound, Unavailable, UserError
from gantry.kernel.tx import Actor, Tx
from gantry.ports.live import Live, News

MAX_TOPICS = 100
"""Topics of one stream: a page of a list, each row of which is followed, and what is around it."""
SESSION_TOPIC = "session"
"""Whoever has signed in may follow it. Nothing happens on it: it keeps a stream open that has
nothing else to follow, so that its reader learns that the server is away, or the session over."""
ACTIVITY = "activity"
"""Something moved somewhere; what it was is not said."""
NOTIFICATIONS = "notifications"
"""Something in the inbox of administrators changed; whose it was is not said."""
ACCOUNT = "account"
"""Something that the account shares has changed: people, keys, roles, spaces, contexts, settings.
What it was is not said, so that whoever has signed in may follow it, and learn that they may see
more than before."""
AUDIT = "audit"
"""The audit trail has grown, or its chain."""
SESSIONS = "sessions"
"""Somebody has signed in, or sessions are over."""
MINE = "mine"
"""A run that the reader started has ended, or waits for a decision; or a session of theirs began,
or is over."""
KEEP_ALIVE_SECONDS = 15.0
"""A comment line this often keeps proxies from cutting a silent stream (common limit: 60 s)."""
LOOK_AGAIN_SECONDS = 15.0
"""How long a stream goes on, at most and a keep-alive, after its reader's right to it ended."""
LOG_PIECE = 64 * 1024


async def events(request: Request) -> Response:
    """Signals on those of the topics that the reader may follow; at least one must be allowed.

    A reader that follows several is told of those that it may not, as `gone`: one thing that was
    deleted must not cut off the news of all others.
    """
    there, actor = house(request), request.state.actor
    topics = request.query_params.getlist("topic")
    if not topics or len(topics) > MAX_TOPICS:
        raise UserError(f"Name 1 to {MAX_TOPICS} topics to follow.")
    allowed = await _followable(there, actor, topics)
    if not allowed:
        raise NotFound("There is nothing of this that you may follow.")
    after = request.headers.get("last-event-id") or request.query_params.get("after")
    last = int(after) if after and _is_number(after) else None
    gate = _Gate(request, allowed)
    gone = [topic for topic in topics if topic not in allowed]
    # A reader that hears nothing yet also has to know where it was when it comes again.
    here = await _live(there).newest() if last is None else last
    return _stream(_signals(there, f"person:{actor.name}", gone, last, here, gate))


class _Wait:
    """Waits for what comes next, and notices that the server ends."""

    def __init__(self, news: AsyncIterator[News], ends: asyncio.Event) -> None:
        self._news = news
        self._ends = asyncio.ensure_future(ends.wait())
        self._next = asyncio.ensure_future(anext(news))

    @property
    def over(self) -> bool:
        """The reader is to go on at another server, from where it is."""
        return self._ends.done()

    async def item(self) -> News | None:
        """The next one; None when it is time to say that the stream is alive, or to end it."""
        await asyncio.wait(
            {self._next, self._ends},
            timeout=KEEP_ALIVE_SECONDS,
            return_when=asyncio.FIRST_COMPLETED,
        )
        if self.over or not self._next.done():
            return None
        item = self._next.result()
        self._next = asyncio.ensure_future(anext(self._news))
        return item

    def close(self) -> None:
        """Wait no more."""
        self._next.cancel()
        self._ends.cancel()


class _Gate:
    """What a stream still gives: who opened it may have signed out, or lost a right, since."""

    def __init__(self, request: Request, topics: Sequence[str]) -> None:
        self._request, self.topics = request, list(topics)
        self._looked = time.monotonic()

    @property
    def closed(self) -> bool:
        """Nothing is left that may be followed."""
        return not self.topics

    async def lost(self) -> list[str]:
        """The topics that may not be followed any more. Looks now and then, not each time."""
        if time.monotonic() - self._looked < LOOK_AGAIN_SECONDS:
            return []
        before = self.topics
        try:
            actor = await actor_of(self._request)
            signed_in = actor.kind != "anonymous"
            there = house(self._request)
            self.topics = await _followable(there, actor, before) if signed_in else []
        except UserError:
            self.topics = []
        self._looked = time.monotonic()
        return [topic for topic in before if topic not in self.topics]


CLOSED = b"event: closed\ndata: {}\n\n"
"""The last word of a stream that its reader may not follow any more."""


def _gone(topic: str) -> bytes:
    return f"event: gone\ndata: {json.dumps({'topic': topic})}\n\n".encode()


async def _followable(there: House, actor: Actor, topics: Sequence[str]) -> list[str]:
    """Those of the topics that the actor may know. Raises UserError for what is no topic."""
    found = []
    async with there.db.read(actor) as tx:
        for topic in topics:
            with contextlib.suppress(NotFound):
                await _require(tx, topic)
                found.append(topic)
    return found


def _is_number(text: str) -> bool:
    # Digits of other scripts are digits to Python as well, and no numbers to `int`.
    return text.isascii() and text.isdigit() and len(text) < 19  # what a bigint holds


async def _signals(
    there: House, mine: str, gone: list[str], after: int | None, here: int, gate: _Gate
) -> AsyncIterator[bytes]:
    """`mine` is the topic that signals have of what the reader calls so."""
    wanted = [mine if topic == MINE else topic for topic in gate.topics]
    wait = _Wait(aiter(_live(there).listen(wanted, after)), there.departure.begun)
    # One turn of the loop subscribes. Only then a byte goes out: whoever has it and then looks
    # at how things are misses nothing that happens afterwards.
    await asyncio.sleep(0)
    try:
        yield f"retry: 1000\nid: {here}\n\n".encode()
        for topic in gone:
            yield _gone(topic)
        while not wait.over:
            item = await wait.item()
            lost = await gate.lost()
            if gate.closed:
                yield CLOSED
                return
            for topic in lost:
                yield _gone(topic)
            if item is None:
                yield b": still here\n\n"
                continue
            topic = MINE if item.topic == mine else item.topic
            if item.id is not None and topic not in gate.topics:
                continue
            body = json.dumps({"topic": topic, **item.payload})
            number = f"id: {item.id}\n" if item.id is not None else ""
            yield f"{number}data: {body}\n\n".encode()
    finally:
        wait.close()


async def log(request: Request) -> Response:
    """A log from `offset` on, live until the state is over: events hold base64 of its bytes."""
    there, actor = house(request), request.state.actor
    run_id, version = request.path_params["run"], request.path_params["version"]
    if not _is_number(version):
        raise NotFound("log not found")
    async with there.db.read(actor) as tx:
        run = await runs.find(tx, run_id)
    start = request.headers.get("last-event-id") or request.query_params.get("offset") or "0"
    if not _is_number(start):
        raise UserError("The offset of a log is a number of bytes.")
    first = await logbook.read(there.db, there.objects, run.id, int(version), int(start), most=1)
    if first is None:
        raise NotFound("log not found: no worker writes a log in that state")
    gate = _Gate(request, [f"run:{run.id}"])
    return _stream(_bytes(there, run.id, int(version), int(start), gate))


async def _bytes(
    there: House, run_id: str, version: int, offset: int, gate: _Gate
) -> AsyncIterator[bytes]:
    yield b"retry: 1000\n\n"
    topic, moved = f"log:{run_id}/{version}", f"run:{run_id}"
    news = aiter(_live(there).listen([topic, moved], None))
    wait = _Wait(news, there.departure.begun)
    try:
        while not wait.over:
            await gate.lost()
            if gate.closed:
                yield CLOSED
                return
            piece = await logbook.read(
                there.db, there.objects, run_id, version, offset, most=LOG_PIECE
            )
            if piece is None or piece.expired:
                yield b"event: expired\ndata: {}\n\n"
                return
            if piece.data:
                offset = piece.end
                yield f"id: {offset}\ndata: {json.dumps(_body(piece))}\n\n".encode()
                continue
            if piece.over and offset >= piece.size:
                yield f"id: {offset}\nevent: end\ndata: {{}}\n\n".encode()
                return
            if piece.over:
                continue  # it was archived between two looks: look again
            if await wait.item() is None:
                yield b": still here\n\n"
    finally:
        wait.close()


def _body(piece: logbook.Piece) -> dict[str, object]:
    """The bytes in base64, when the first arrived (Unix seconds), and when which others did; how
    many there are by now, so that a reader can tell how far it is.
    """
    return {
        "b": base64.b64encode(piece.data).decode(),
        "t": piece.time_at(piece.offset),
        "at": piece.arrivals(),
        "size": piece.size,
    }


async def _require(tx: Tx, topic: str) -> None:
    kind, _, name = topic.partition(":")
    if kind == "stack":
        await stacks.find(tx, name)
    elif kind == "run":
        await runs.find(tx, name)
    elif kind == "queue":
        await _require_pool(tx, tx.actor, name)
    elif kind == "webhook":
        try:
            await callbacks.administered(tx, name)
        except NotAllowed:
            raise NotFound("webhook not found") from None
    elif topic == ACTIVITY:
        if access.readable_spaces(tx.actor) == []:
            raise NotFound("there is nothing here that you may see")
    elif topic == NOTIFICATIONS:
        if not access.may_anywhere(tx.actor, Action.SPACE_ADMIN):
            raise NotFound("there are no notifications that you may see")
    elif topic in (AUDIT, SESSIONS):
        if not access.may(tx.actor, Action.SPACE_ADMIN, "root"):
            raise NotFound("only root admins may follow this")
    elif topic not in (ACCOUNT, MINE, SESSION_TOPIC):
        raise UserError(
            f'There is no topic "{topic}"; there are stack:, run:, queue:, webhook:, activity,'
            " notifications, account, audit, sessions, mine and session."
        )


async def _require_pool(tx: Tx, actor: Actor, pool_id: str) -> None:
    public = await pools.public(tx)
    if public is not None and public.id == pool_id and access.readable_spaces(actor) is None:
        return
    if pool_id not in await pools.by_ids(tx, [pool_id]):
        raise NotFound("worker pool not found")


def _live(there: House) -> Live:
    if there.live is None:
        raise Unavailable("This server gives no live updates.")
    return there.live


def _stream(body: AsyncIterator[bytes]) -> StreamingResponse:
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(body, media_type="text/event-stream", headers=headers)


def routes() -> list[Route]:
    """The doors of live updates."""
    return [
        door("/events", events, access=Access.SESSION, methods=["GET"]),
        door("/logs/{run}/{version}", log, access=Access.SESSION, methods=["GET"]),
    ]
