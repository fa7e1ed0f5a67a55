"""Running one phase's tool with its hooks, and reading how it ended."""

from __future__ import annotations

import asyncio
import contextlib
import shlex
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from gantry_protocol.words import Phase

from gantry_worker import environment, returned, script
from gantry_worker.runtimes.base import Command, CouldNotStart, Exit, Output, TooMuchOutput
from gantry_worker.session import Session, StepFailed, StepStopped

GOOD = {Phase.PLAN: (0, 2)}
"""Exit codes with which a phase has gone well: 2 is a plan that changes something."""

LAST_THINGS = timedelta(minutes=5)
"""What a run may still do when its time is over: save a state, run its after_run hooks."""


async def phase_command(session: Session, phase: Phase, argv: list[str]) -> int:
    """Run the tool between the phase's hooks; the tool's exit code.

    Raises StepFailed when a hook failed or a limit was reached, StepStopped.
    """
    hooks = session.manifest.hooks
    before, after = hooks.get(f"before_{phase.value}", []), hooks.get(f"after_{phase.value}", [])
    workspace, runtime = session.workspace, session.running()
    good = GOOD.get(phase, (0,))
    with beginning(phase):
        await asyncio.to_thread(workspace.clear_back)
        script.make_room(workspace.back)
        written = script.write(workspace.scripts, phase.value, before, after, good=good)
    await session.journal.say(f"$ {shlex.join(argv)}")
    if not before and not after:
        return _code(session, await run(session, phase, argv))
    wrapped = ["sh", runtime.inside(written), runtime.inside(workspace.back), *argv]
    ended = await run(session, phase, wrapped)
    await _carry(session, phase)
    code = _code(session, ended)
    tool = await asyncio.to_thread(script.tool_exit, workspace.back)
    if tool is None:
        raise StepFailed(f"A before_{phase.value} hook failed with exit code {code}.")
    if code != 0 and tool in good:
        raise StepFailed(f"An after_{phase.value} hook failed with exit code {code}.")
    return tool


@contextlib.contextmanager
def beginning(phase: Phase) -> Iterator[None]:
    """What the worker writes before it starts anything. Raises StepFailed when it cannot."""
    try:
        yield
    except OSError as error:
        raise StepFailed(f"Nothing was begun ({phase.value}): {error.strerror}.") from None


async def _carry(session: Session, phase: Phase) -> None:
    given = session.variables(phase)
    try:
        exported = await asyncio.to_thread(
            script.exported, session.workspace.back, given, session.carried
        )
    except returned.Unfit as error:
        await session.journal.say(f"What the hooks exported is not carried on: {error}.")
        return
    if exported is not None:
        session.carried = exported


async def hooks_only(session: Session, phase: Phase, name: str, commands: list[str]) -> int:
    """Run hooks without a tool; the exit code of the first that failed, else 0.

    They run to their end even if the run is asked to stop, or was already, and have some minutes
    even if its time is over.
    """
    runtime, workspace = session.running(), session.workspace
    await asyncio.to_thread(workspace.clear_back)
    written = script.write(workspace.scripts, name, commands, [])
    argv = ["sh", runtime.inside(written), runtime.inside(workspace.back), "true"]
    ended = await run(session, phase, argv, stop=asyncio.Event(), at_least=LAST_THINGS)
    return _code(session, ended)


async def read_output(session: Session, phase: Phase, argv: list[str], limit: int) -> bytes:
    """What a command prints on standard output, at most `limit` bytes. Raises StepFailed."""
    command = _command(session, phase, argv, for_machine=True)
    try:
        ended, output, said = await session.running().capture(
            command, stop=session.stop, timeout=session.left, limit=limit
        )
    except CouldNotStart as error:
        raise StepFailed(f"{argv[0]} could not be started: {error}") from None
    except TooMuchOutput as error:
        raise StepFailed(
            f"What {Path(argv[0]).name} {argv[1]} prints cannot be read: {error}."
        ) from None
    if _code(session, ended) != 0:
        words = session.journal.masked(said.decode("utf-8", "replace").strip())
        await session.journal.write(said)
        raise StepFailed(f"{Path(argv[0]).name} {argv[1]} failed: {words[-500:]}")
    return output


async def run(
    session: Session,
    phase: Phase,
    argv: list[str],
    *,
    stop: asyncio.Event | None = None,
    at_least: timedelta = timedelta(0),
    within: timedelta | None = None,
    output: Output | None = None,
) -> Exit:
    """Run a command with its output in the log. `stop` and `output` take the place of the run's.

    It may take what is left of the run's time, but `at_least` so much; or exactly `within`.
    Raises StepFailed when it could not be started.
    """
    try:
        return await session.running().run(
            _command(session, phase, argv),
            output=output or session.journal.write,
            stop=stop or session.stop,
            timeout=within or max(session.left, at_least),
            silence=session.settings.logs_timeout,
        )
    except CouldNotStart as error:
        raise StepFailed(f"{argv[0]} could not be started: {error}") from None


def _command(
    session: Session, phase: Phase, argv: list[str], *, for_machine: bool = False
) -> Command:
    variables = session.variables(phase)
    if for_machine:
        # What people set for their own eyes must not change what we parse.
        variables = {
            k: v for k, v in variables.items() if not k.startswith(("TF_CLI_ARGS", "TF_LOG"))
        }
    writes = phase in environment.WRITING
    return Command(tuple(argv), session.project, variables, writes=writes)


def _code(session: Session, ended: Exit) -> int:
    if ended.reason == "stopped":
        raise StepStopped
    if ended.reason == "timed_out":
        minutes = session.settings.run_timeout.total_seconds() / 60
        raise StepFailed(f"The run took longer than {minutes:g} minutes and was ended.")
    if ended.reason == "silent":
        minutes = session.settings.logs_timeout.total_seconds() / 60
        raise StepFailed(f"The command printed nothing for {minutes:g} minutes and was ended.")
    if ended.shortage is not None and ended.code != 0:
        raise StepFailed(ended.shortage)
    if ended.code is not None:
        return ended.code
    return 128 + (ended.signal or 0)
