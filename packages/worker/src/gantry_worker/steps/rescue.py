"""Commands that change things, and the state that they leave when their backend does not take it:
what was made would be forgotten with the workspace.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import structlog
from gantry_protocol.words import Phase

from gantry_worker import returned, unsaved
from gantry_worker.control_plane import Refused, ServerAway
from gantry_worker.journal import LogRefused
from gantry_worker.logs import LogBroken
from gantry_worker.session import Session, StateUnsaved, StepFailed, StepStopped
from gantry_worker.steps.shell import beginning, phase_command, run
from gantry_worker.tools import terraform

log = structlog.get_logger()

T = TypeVar("T")

ERRORED = "errored.tfstate"
"""Where terraform leaves a state that its backend did not take."""

WAITS = (0.0, 10.0, 20.0, 30.0, 30.0, 30.0)
"""Seconds before each attempt, two minutes in all, after terraform has tried for five itself."""

_ENDING = 64
"""Bytes: a state ends with a brace, and white space at most."""

ONE_PUSH = timedelta(minutes=1)
"""For one attempt: a large state over a slow line, but not all of terraform's own patience."""

LOST = "The state could not be saved: what this run changed is not in it."
NO_ROOM = (
    "If the state could not be saved, there was no room to leave it here: terraform prints it"
    " into the log then."
)
CUT_OFF = "terraform had no room for all of it, and printed it into the log"
SAVED = "The state was saved in a further attempt."


async def changing(session: Session, phase: Phase, argv: list[str], *, failed: str) -> None:
    """Run the tool between its hooks, and see to the state that it may leave, however it ends.

    Raises StepFailed, with `failed` and the exit code where that is why; StateUnsaved when what
    was changed is not in the state; StepStopped; and what `phase_command` raises besides.
    """
    name = str(session.project.relative_to(session.workspace.root.resolve()) / ERRORED)
    with beginning(phase):
        await asyncio.to_thread(_begin, session, name)
    code, problem = 0, None
    try:
        code = await phase_command(session, phase, argv)
    except BaseException as error:
        problem = error
    left, cancelled = await _surely(_secure(session, name))
    problem = cancelled or problem
    reason = _reason(problem, failed, code)
    if left is not None:
        await _see_to(session, phase, left, reason, problem)
    elif reason and session.workspace.crammed and _ordinary(problem):
        raise StateUnsaved(f"{reason} {NO_ROOM}")
    if problem is not None:
        raise problem
    if code != 0:
        raise StepFailed(reason)


@dataclass(frozen=True, slots=True)
class _Left:
    """A state that terraform left: sealed on the disk, or where that is full, in memory."""

    name: str
    sealed: Path | None = None
    packed: bytes | None = None
    problem: str = ""
    whole: bool = True


def _begin(session: Session, name: str) -> None:
    """What is called that already is not this run's, and note what would be. Blocking."""
    try:
        returned.remove(session.workspace.root, name)
    except returned.Unfit as error:
        raise StepFailed(f"A state would find no place here: {error}.") from None
    session.workspace.executing.write_text(name)


async def _secure(session: Session, name: str) -> _Left | None:
    """Keep what the command left before anything else is tried; None when it left nothing."""
    workspace, where = session.workspace, unsaved.pending(session.settings.work_dir)
    if not await asyncio.to_thread(returned.exists, workspace.root, name):
        return None
    if not await asyncio.to_thread(_whole, workspace.root, name):
        return _Left(name, problem=CUT_OFF, whole=False)
    try:
        sealed = await asyncio.to_thread(
            unsaved.seal, workspace, name, session.key, session.lease, where
        )
        return _Left(name, sealed)
    except Exception as error:
        # A full disk, as like as not. Nobody knows what was made without this file.
        log.exception("left-over state not sealed", run_id=session.lease.run_id)
        problem = str(error)
    try:
        packed = await asyncio.to_thread(unsaved.pack, workspace, name)
    except Exception as error:
        problem = f"{problem}; {error}"
        packed = None
    return _Left(name, packed=packed, problem=problem)


def _whole(root: Path, name: str) -> bool:
    """Whether the file ends as a state does. Blocking; what cannot be read is not judged here."""
    try:
        with returned.opened(root, name, None) as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _ENDING))
            return file.read(_ENDING).rstrip().endswith(b"}")
    except (returned.Unfit, OSError):
        return True


async def _see_to(
    session: Session, phase: Phase, left: _Left, reason: str, problem: BaseException | None
) -> None:
    """Save the state after all, or hand it over. Raises the failure that follows from it."""
    ordinary = _ordinary(problem)
    try:
        if ordinary and left.whole and await _saved(session, phase, left):
            if left.sealed is not None:
                await asyncio.to_thread(left.sealed.unlink, missing_ok=True)
            if reason and not isinstance(problem, StepStopped):
                raise StepFailed(f"{reason} {SAVED}")
            return
    except asyncio.CancelledError:
        _publish(session, left)
        raise
    sealed = _publish(session, left)
    if isinstance(problem, asyncio.CancelledError):
        return
    words = f"{LOST} {await _hand_over(session, left, sealed)}"
    if ordinary:
        await _say(session, words)
        raise StateUnsaved(f"{reason} {words}".strip())


async def _saved(session: Session, phase: Phase, left: _Left) -> bool:
    """Whether the backend took the state after all."""
    heard = await _say(session, f"Terraform could not save the state and left {ERRORED}.")
    for number, wait in enumerate(WAITS):
        if session.lost or not heard:
            return False
        await asyncio.sleep(wait)
        # Every other time without the lock, which the failed apply may have left behind. The
        # server has the last word: it takes no state from somebody who does not hold its lock.
        if await _push(session, phase, lock=number % 2 == 0):
            await _say(session, f"The state in {ERRORED} has been saved.")
            return True
    return False


async def _push(session: Session, phase: Phase, *, lock: bool) -> bool:
    argv = [*session.tool_argv(), *terraform.state_push_args(ERRORED, lock=lock)]

    async def shown(data: bytes) -> None:
        await _heard(session, session.journal.write, data)

    try:
        # Also for a run that was asked to stop: that is no reason to forget what it made.
        ended = await run(session, phase, argv, stop=asyncio.Event(), within=ONE_PUSH, output=shown)
    except Exception as error:
        # Whatever it is, the state is kept already.
        await _say(session, f"The state was not saved: {error}")
        return False
    return ended.code == 0


def _publish(session: Session, left: _Left) -> Path | None:
    """Synchronous, and one rename: nothing can come in between."""
    return unsaved.publish(left.sealed, session.settings.work_dir) if left.sealed else None


async def _hand_over(session: Session, left: _Left, sealed: Path | None) -> str:
    """Put the state where it outlasts the run; a sentence that says where that is."""
    kept = "It is kept, sealed: `gantry admin unsaved-states` has it."
    if sealed is not None:
        scratch = session.settings.work_dir / "runs"
        if await unsaved.hand_over(session.server, session.key, sealed, scratch):
            return kept
        return f"It is kept, sealed, in {sealed} on the worker, until the server takes it."
    if left.packed is not None:
        try:
            if (await session.server.keep_state(session.lease, left.packed)).accepted:
                return kept
        except (ServerAway, Refused) as error:
            log.error("left-over state not handed over", reason=str(error))
    return f"It could not be kept either: {left.problem}."


def _ordinary(problem: BaseException | None) -> bool:
    """Whether the command came to an end of its own, however bad."""
    return problem is None or isinstance(problem, StepFailed | StepStopped)


def _reason(problem: BaseException | None, failed: str, code: int) -> str:
    if isinstance(problem, StepStopped):
        return "Stopped, as asked."
    if problem is not None:
        return str(problem)
    return f"{failed} with exit code {code}." if code else ""


async def _say(session: Session, words: str) -> bool:
    """Into the log, if somebody takes it: whether so."""
    return await _heard(session, session.journal.say, words)


async def _heard(session: Session, write: Callable[[T], Awaitable[None]], what: T) -> bool:
    if session.lost:
        return False
    try:
        await write(what)
    except (LogRefused, LogBroken):
        return False
    return True


async def _surely(work: Coroutine[Any, Any, T]) -> tuple[T, asyncio.CancelledError | None]:
    """Do it to its end, also when cancelled meanwhile; what came of it, and the cancellation."""
    task, cancelled = asyncio.ensure_future(work), None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
    return task.result(), cancelled
