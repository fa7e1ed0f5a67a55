"""A state that terraform could not save: what was made would be forgotten with the workspace."""

from __future__ import annotations

import asyncio

from gantry_protocol.words import Phase

from gantry_worker import returned
from gantry_worker.session import Session, StepFailed
from gantry_worker.steps.shell import LAST_THINGS, run
from gantry_worker.tools import terraform

ERRORED = "errored.tfstate"
"""Where terraform leaves a state that its backend did not take."""

WAITS = (0.0, 10.0, 20.0, 30.0, 30.0, 30.0)
"""Seconds before each attempt, two minutes in all, after terraform has tried for five itself."""


async def save_state(session: Session, phase: Phase) -> str:
    """Give a left-over state to the backend; a sentence for the failure's reason, or nothing."""
    root = session.workspace.root.resolve()
    name = str(session.project.relative_to(root) / ERRORED)
    if not await asyncio.to_thread(returned.exists, root, name):
        return ""
    await session.journal.say(f"Terraform could not save the state and left {ERRORED}.")
    for number, wait in enumerate(WAITS):
        if session.lost:
            return ""
        await asyncio.sleep(wait)
        # Every other time without the lock, which the failed apply may have left behind. The
        # server has the last word: it takes no state from somebody who does not hold its lock.
        if await _push(session, phase, lock=number % 2 == 0):
            await session.journal.say(f"The state in {ERRORED} has been saved.")
            return " The state was saved in a further attempt."
    await session.journal.say("The state could not be saved: what this run changed is not in it.")
    return " The state could not be saved: what this run changed is not in it."


async def _push(session: Session, phase: Phase, *, lock: bool) -> bool:
    argv = [*session.tool_argv(), *terraform.state_push_args(ERRORED, lock=lock)]
    try:
        # Also for a run that was asked to stop: that is no reason to forget what it made.
        ended = await run(session, phase, argv, stop=asyncio.Event(), at_least=LAST_THINGS)
    except StepFailed as error:
        await session.journal.say(str(error))
        return False
    return ended.code == 0
