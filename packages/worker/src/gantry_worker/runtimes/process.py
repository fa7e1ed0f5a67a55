"""The last resort: commands as ordinary processes of the worker's user.

Nothing is hidden from them: they read what the worker reads, files with its key and other runs
included. The key is not in their environment, and the worker's own memory and environment are
closed to them (see __main__), unless they are root.
Only their end is as certain as elsewhere: a guardian (guardian.py) sees to it. Its limits: a
command that kills its guardian with SIGKILL dies too, but not what it had started; and what it
asks another service to start (systemd, cron, a container engine) is not its child and stays.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from gantry_worker.runtimes import guardian
from gantry_worker.runtimes.base import GRACE, Command, CouldNotStart
from gantry_worker.runtimes.supervised import Supervised, make_home
from gantry_worker.runtimes.supervision import Streams, in_memory

REPORT = 4096  # bytes; a guardian's report is one short line


def for_run(
    workspace: Path,
    read_only: Sequence[Path] = (),
    writable: Sequence[Path] = (),
    *,
    grace: timedelta = GRACE,
) -> Supervised:
    """A runtime for the run whose workspace this is; the other paths are in sight anyway."""
    return Supervised(
        name="process",
        isolates=False,
        home=str(make_home(workspace)),
        grace=grace,
        inside=str,
        start=_start,
    )


@dataclass(slots=True)
class _Guarded:
    """A command whose guardian we talk to. Closing `control` tells the guardian to kill."""

    guardian: asyncio.subprocess.Process
    report: int
    control: int | None

    async def gone(self) -> tuple[int | None, int | None]:
        returned = await self.guardian.wait()
        self.kill()
        told = os.read(self.report, REPORT)  # complete, or empty: its writer is dead
        os.close(self.report)
        if not told:
            return (returned, None) if returned >= 0 else (None, -returned)
        end = json.loads(told)
        if "failure" in end:
            raise CouldNotStart(end["failure"])
        return end.get("code"), end.get("signal")

    async def signal(self, number: int) -> None:
        if self.control is not None:
            with suppress(BrokenPipeError):  # the guardian has just ended
                os.write(self.control, bytes([number]))

    def kill(self) -> None:
        if self.control is not None:
            os.close(self.control)
            self.control = None


async def _start(command: Command, streams: Streams) -> _Guarded:
    job = {
        "argv": command.argv,
        "cwd": str(command.cwd),
        "env": {**command.env, "PWD": str(command.cwd)},
    }
    with ExitStack() as theirs, ExitStack() as ours:
        job_file = in_memory("job", json.dumps(job).encode())
        theirs.callback(os.close, job_file)
        control, order = os.pipe2(os.O_CLOEXEC)
        theirs.callback(os.close, control)
        ours.callback(os.close, order)
        listen, report = os.pipe2(os.O_CLOEXEC)
        theirs.callback(os.close, report)
        ours.callback(os.close, listen)
        given = (job_file, control, report)
        process = await asyncio.create_subprocess_exec(
            # Isolated, without site packages, in UTF-8: nothing but the standard library.
            *(sys.executable, "-I", "-S", "-X", "utf8", guardian.__file__, *map(str, given)),
            stdin=streams.stdin,
            stdout=streams.stdout,
            stderr=streams.stderr,
            pass_fds=given,
            env={},  # the command's must not reach the guardian: LD_PRELOAD would change it
            start_new_session=True,  # Ctrl-C in the worker's terminal is the worker's business
        )
        ours.pop_all()
    return _Guarded(process, listen, order)
