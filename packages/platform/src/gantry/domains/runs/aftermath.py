"""What is known of a run whose worker was lost while it changed things."""

from __future__ import annotations

import re

from gantry.domains.runs import logs_repo
from gantry.domains.runs.model import Run
from gantry.domains.stacks.model import Stack
from gantry.domains.tfstate import repo as tfstate
from gantry.kernel.tx import Tx

TAIL = 16 * 1024
"""Bytes of log in which its last line is looked for; a tool's lines are far shorter."""

SHOWN = 300
"""Characters of that line: it stands in a sentence."""

_CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x1f\x7f]")
"""Colours and everything else that moves a terminal's cursor."""


async def known(tx: Tx, stack: Stack, run: Run) -> str:
    """How far it had come as far as the server was told, in sentences.

    The log is masked on the worker, so that its last line may be shown. Only of a state that is
    kept here can be said which it is.
    """
    line = await _last_line(tx, run)
    said = f'Its log ends with "{line}".' if line else "Its log is empty."
    if not stack.manages_state:
        return said
    newest = await tfstate.current(tx, stack.id)
    if newest is None:
        return f"{said} The stack has no state."
    whose = "written by this run" if newest.run_id == run.id else "from before this run"
    return f"{said} The newest state has serial {newest.serial}, {whose}."


async def _last_line(tx: Tx, run: Run) -> str | None:
    stream = await logs_repo.stream(tx, run.id, run.state_version)
    if stream is None or stream.size == 0:
        return None
    start = max(stream.size - TAIL, 0)
    chunks = await logs_repo.chunks(tx, run.id, run.state_version, start, TAIL)
    text = b"".join(chunk.data for chunk in chunks)[-TAIL:].decode(errors="replace")
    lines = (_CONTROL.sub("", line).strip() for line in reversed(text.splitlines()))
    last = next((line for line in lines if line), None)
    return None if last is None else last[:SHOWN]
