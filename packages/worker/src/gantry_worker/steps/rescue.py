"""A state that terraform could not save: what was made would be forgotten with the workspace."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from gantry_protocol.words import Phase

from gantry_worker import returned, unsaved
from gantry_worker.session import Session, StateUnsaved, StepFailed
from gantry_worker.steps.shell import LAST_THINGS, run
from gantry_worker.tools import terraform

ERRORED = "errored.tfstate"
"""Where terraform leaves a state that its backend did not take."""

WAITS = (0.0, 10.0, 20.0, 30.0, 30.0, 30.0)
"""Seconds before each attempt, two minutes in all, after terraform has tried for five itself."""


LOST = "The state could not be saved: what this run changed is not in it."


@dataclass(frozen=True, slots=True)
class Rescue:
    """What became of a state that terraform left: words for the failure's reason, or none."""

    words: str = ""
    unsaved: bool = False

    def failure(self, reason: str) -> StepFailed:
        """The phase's failure, with these words behind the reason."""
        kind = StateUnsaved if self.unsaved else StepFailed
        return kind(f"{reason} {self.words}".strip())


async def save_state(session: Session, phase: Phase) -> Rescue:
    """Give a left-over state to the backend, or else keep it sealed until somebody has looked."""
    root = session.workspace.root.resolve()
    name = str(session.project.relative_to(root) / ERRORED)
    if not await asyncio.to_thread(returned.exists, root, name):
        return Rescue()
    await session.journal.say(f"Terraform could not save the state and left {ERRORED}.")
    for number, wait in enumerate(WAITS):
        if session.lost:
            break
        await asyncio.sleep(wait)
        # Every other time without the lock, which the failed apply may have left behind. The
        # server has the last word: it takes no state from somebody who does not hold its lock.
        if await _push(session, phase, lock=number % 2 == 0):
            await session.journal.say(f"The state in {ERRORED} has been saved.")
            return Rescue("The state was saved in a further attempt.")
    words = f"{LOST} {await _keep(session, name)}"
    if not session.lost:
        await session.journal.say(words)
    return Rescue(words, unsaved=True)


async def _keep(session: Session, name: str) -> str:
    """Put the state where it outlasts the run; a sentence that says where that is."""
    where = unsaved.place(session.settings.work_dir)
    try:
        sealed = await asyncio.to_thread(
            unsaved.keep, session.workspace, name, session.key, session.lease, where
        )
    except (returned.Unfit, OSError) as error:
        return f"It could not be kept either: {error}."
    if await unsaved.hand_over(session.server, session.key, sealed):
        return "It is kept, sealed: `gantry admin unsaved-states` has it."
    return f"It is kept, sealed, in {sealed} on the worker, until the server takes it."


async def _push(session: Session, phase: Phase, *, lock: bool) -> bool:
    argv = [*session.tool_argv(), *terraform.state_push_args(ERRORED, lock=lock)]
    try:
        # Also for a run that was asked to stop: that is no reason to forget what it made.
        ended = await run(session, phase, argv, stop=asyncio.Event(), at_least=LAST_THINGS)
    except StepFailed as error:
        await session.journal.say(str(error))
        return False
    return ended.code == 0
