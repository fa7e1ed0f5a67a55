"""Performing one run: step after step, as far as the server says, leaving nothing behind."""

from __future__ import annotations

import asyncio
import json
import tarfile
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import structlog
from gantry_protocol.calls import (
    Applied,
    Failed,
    LogTail,
    PhaseDone,
    Planned,
    Report,
    Stopped,
    Verdict,
)
from gantry_protocol.words import Phase, Step, Then

from gantry_worker.archive import pack
from gantry_worker.control_plane import Refused, ServerAway, StillFailing
from gantry_worker.journal import LogRefused
from gantry_worker.logs import LogBroken
from gantry_worker.session import EXECUTING, Session, StateUnsaved, StepFailed, StepStopped
from gantry_worker.steps import execute, plan, prepare
from gantry_worker.steps.shell import hooks_only
from gantry_worker.workspace import BadWorkspace

log = structlog.get_logger()

Performer = Callable[[Session], Awaitable[Report]]

PERFORMERS: Mapping[Phase, Performer] = {
    Phase.PREPARE: prepare.prepare,
    Phase.INIT: plan.init,
    Phase.PLAN: plan.plan,
    Phase.APPLY: execute.apply,
    Phase.DESTROY: execute.destroy,
    Phase.PERFORM: execute.perform,
}


MAX_REASON = 4000
"""Characters of a failure's reason: the protocol's limit, a screen of text."""


async def perform(session: Session, state_version: int) -> None:
    """Take the run as far as the server says.

    What happens to the run is reported, not raised. Cancelling gives the run up at once: its
    commands are killed and its workspace removed.
    """
    await session.journal.turn_to(state_version)
    phase: Phase | None = Phase.PREPARE
    begun: asyncio.Task[Report] | None = None
    try:
        while phase is not None:
            told = await begun if begun is not None else await _take(session, phase)
            ahead = _harmless(session, told)
            if ahead is None:
                verdict, begun = await _settle(session, told, phase), None
            else:
                verdict, begun = await _settle_meanwhile(session, told, phase, ahead)
            session.state = verdict.state
            phase = _next(verdict)
            if phase is not None:
                await session.journal.turn_to(verdict.state_version)
    except LogBroken as broken:
        # A bug, here or there. Without this the run would hang until its lease ends.
        log.exception("log broken", run_id=session.lease.run_id)
        if phase is not None:
            told = failed(phase, f"Its log could not be kept: {broken}")
            await _report(session, told, None, phase)
    except (LogRefused, Refused) as refused:
        # The server has given the run to somebody else, or ended it.
        log.warning("run given up", run_id=session.lease.run_id, reason=str(refused))
    finally:
        await _give_up(begun)
        await session.journal.abandon()
        await asyncio.to_thread(_remove, session)


def _next(verdict: Verdict) -> Phase | None:
    return verdict.phase if verdict.accepted and verdict.then is Then.CONTINUE else None


AHEAD = {Phase.PREPARE: (Phase.INIT, "INITIALIZING"), Phase.INIT: (Phase.PLAN, "PLANNING")}
"""Phases that may begin while the one before is being reported, and the state they belong to."""


OUTAGE = 30.0
"""Seconds of waiting for an answer after which the server was away: a phase that has ended by then
may have failed for want of it, and is done again."""


def _harmless(session: Session, told: Report) -> Phase | None:
    """The phase to begin before the server has said so: one in which a person's hooks have no
    part and nothing is changed. If the server decides otherwise it is as if it had never begun.
    """
    if not isinstance(told, PhaseDone) or told.phase not in AHEAD:
        return None
    ahead, _ = AHEAD[told.phase]
    hooks = session.manifest.hooks
    around = (f"before_{ahead.value}", f"after_{ahead.value}", "after_run")
    if any(hooks.get(name) for name in around):
        return None
    # A backend of the code's own may be left locked by a command that is killed.
    managed = session.manifest.backend is not None
    return ahead if managed and ahead in session.manifest.phases else None


async def _settle_meanwhile(
    session: Session, told: Report, phase: Phase, ahead: Phase
) -> tuple[Verdict, asyncio.Task[Report] | None]:
    """Report, with the phase ahead under way; the verdict, and that phase if it may go on."""
    session.journal.hold()
    reported_at = time.monotonic()
    _, session.state = AHEAD[phase]
    begun = asyncio.create_task(_take(session, ahead))
    try:
        verdict = await _settle(session, told, phase)
    except BaseException:
        await _give_up(begun)
        raise
    away = time.monotonic() - reported_at > OUTAGE
    if _next(verdict) is ahead and not (away and begun.done()):
        return verdict, begun
    await _give_up(begun)
    session.timings.forget(ahead)
    session.journal.drop_held()
    return verdict, None


async def _give_up(begun: asyncio.Task[Report] | None) -> None:
    """End a phase that is under way; its commands are killed."""
    if begun is not None:
        begun.cancel()
        await asyncio.gather(begun, return_exceptions=True)


def _remove(session: Session) -> None:
    try:
        session.workspace.remove()
    except OSError:
        log.exception("workspace not removed completely", run_id=session.lease.run_id)


def failed(phase: Phase, reason: str, *, state_unsaved: bool = False) -> Failed:
    """A failure whose reason fits the protocol, whatever a tool has put into it."""
    words = reason.replace("\0", "\ufffd")
    if len(words) > MAX_REASON:
        words = words[: MAX_REASON - 1] + "…"
    return Failed(phase=phase, reason=words, state_unsaved=state_unsaved)


async def _take(session: Session, phase: Phase) -> Report:
    try:
        if session.stop.is_set():
            raise StepStopped
        if phase in EXECUTING:
            await _certain(session)
        session.executing = phase in EXECUTING
        return await PERFORMERS[phase](session)
    except StepStopped:
        await _last_words(session, "Stopped, as asked.")
        return Stopped(phase=phase)
    except (StepFailed, BadWorkspace) as error:
        reason = session.journal.masked(str(error)) + _disk(session)
        await _last_words(session, f"\x1b[31m{reason}\x1b[0m")
        return failed(phase, reason, state_unsaved=isinstance(error, StateUnsaved))
    except (LogRefused, Refused):
        raise
    except Exception as bug:
        log.exception("step failed unexpectedly", run_id=session.lease.run_id, phase=phase.value)
        # Whatever it was, nobody has seen to the state of something that was being changed.
        reason = unexpected(phase, bug) + _disk(session)
        return failed(phase, reason, state_unsaved=phase in EXECUTING)
    finally:
        session.executing = False


def _disk(session: Session) -> str:
    """What is behind most of what fails when it is so."""
    return " The worker's disk is full." if session.workspace.crammed else ""


async def _last_words(session: Session, words: str) -> None:
    # Somebody else writes the run's log by now, if anybody.
    if not session.lost:
        await session.journal.say(words)


async def _certain(session: Session) -> None:
    if not await session.still_ours():
        raise LogRefused("the lease ran out before anything was changed")


def unexpected(phase: Phase, bug: Exception) -> str:
    """What a person is told of an error of ours; its words may hold anything."""
    return f"The worker met an unexpected error while doing {phase.value}: {type(bug).__name__}."


async def _settle(session: Session, told: Report, phase: Phase) -> Verdict:
    """Report until the server moves the run, doing what it wants done first."""
    if session.lost:
        raise LogRefused("the lease was lost")
    after_run = session.manifest.hooks.get("after_run", []) if session.started else []
    if isinstance(told, Failed | Stopped):
        final = "FAILED" if isinstance(told, Failed) else "STOPPED"
        await _after_run(session, phase, after_run, final)
    elif not after_run:
        told = _wrapped_up(told)  # there is nothing to wrap up: no need to be asked
    tail = await session.journal.pause()
    while True:
        verdict = await _report(session, told, tail, phase)
        if not verdict.accepted:
            log.warning("report refused", run_id=session.lease.run_id, reason=verdict.reason)
            return verdict
        if verdict.then is Then.ARCHIVE and isinstance(told, Planned):
            try:
                with session.timings.step(phase, Step.STORE_WORKSPACE):
                    told = told.model_copy(update={"workspace_key": await _archive(session)})
            except (ServerAway, Refused, OSError, tarfile.TarError, BadWorkspace) as error:
                reason = f"The workspace could not be stored: {error}"
                told = failed(phase, session.journal.masked(reason))
                await _after_run(session, phase, after_run, "FAILED")
        elif verdict.then is Then.WRAP_UP:
            await _after_run(session, phase, after_run, verdict.state)
            told = _wrapped_up(told)
        else:
            return verdict
        tail = await session.journal.pause()


async def _report(session: Session, told: Report, tail: LogTail | None, phase: Phase) -> Verdict:
    """Report, and when the server cannot take these words at all, say so in a few.

    Otherwise the run would hang until its lease ends, and nobody would learn why.
    """
    try:
        steps = partial(session.timings.of, phase)
        return await session.server.report(session.lease, told, tail, steps)
    except Refused as refused:
        reason = f"The server did not take the report of {phase.value}: {refused.message}"
    except StillFailing:
        reason = f"The server failed again and again on the report of {phase.value}."
    if isinstance(told, Applied):
        reason += " What was planned has been applied."
    log.error("report not taken", run_id=session.lease.run_id, reason=reason)
    unsaved = isinstance(told, Failed) and told.state_unsaved
    short = failed(phase, session.journal.masked(reason), state_unsaved=unsaved)
    while True:
        try:
            return await session.server.report(session.lease, short)
        except StillFailing:
            log.error("short report not taken either", run_id=session.lease.run_id)


def _wrapped_up(told: Report) -> Report:
    if isinstance(told, PhaseDone | Planned | Applied):
        return told.model_copy(update={"wrapped_up": True})
    return told


async def _after_run(session: Session, phase: Phase, hooks: list[str], final: str) -> None:
    if not hooks:
        return
    await session.journal.say("Running after_run hooks")
    session.final_state = final
    try:
        with session.timings.step(phase, Step.AFTER_RUN):
            code = await hooks_only(session, phase, "after_run", hooks)
    except (StepFailed, StepStopped) as error:
        await session.journal.say(f"after_run hooks failed: {error}")
    else:
        if code != 0:
            await session.journal.say(f"after_run hooks failed with exit code {code}")


async def _archive(session: Session) -> str:
    """Store the workspace, encrypted, and answer its key."""
    await session.journal.say("Storing the workspace until the run is confirmed")
    sealed = session.workspace.incoming / "workspace.sealed"
    asked = json.dumps(session.journal.asked_words())
    try:
        await asyncio.to_thread(session.workspace.masks.write_text, asked)
        await asyncio.to_thread(
            pack, session.workspace, session.key, session.manifest.run_id, sealed
        )
        ticket = await session.server.ticket(session.lease)
        if not ticket.accepted:
            raise LogRefused(ticket.reason)
        await session.server.upload(ticket.url, ticket.headers, sealed)
        return ticket.key
    finally:
        sealed.unlink(missing_ok=True)
