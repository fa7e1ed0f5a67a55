"""Stands between the worker and a command so that nothing the command starts outlives either.

Run as a file by runtimes/process.py, with three descriptors: the job to read (JSON: argv, cwd,
env), the control pipe (each byte is a signal for the command; its end means "kill"), and the
pipe on which to say how the command ended (JSON: code, signal or failure). It knows nothing of
the worker, so that it starts fast and its own environment can stay empty.

Orphans of the command come to the guardian, because it is their subreaper (prctl(2)), whatever
sessions and groups they made: it ends only when it has no children left. When the worker dies,
the kernel closes the control pipe.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

PR_SET_PDEATHSIG = 1  # the three numbers are from linux/prctl.h
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
BETWEEN_SWEEPS = 0.005  # seconds; a killed process needs less than that to become reapable


def main(job: int, control: int, report: int) -> None:
    """Run the job and report its end, once everything it started is dead."""
    for fd in (job, control, report):
        os.set_inheritable(fd, False)
    _set(PR_SET_CHILD_SUBREAPER, 1)
    # Without setuid programs, everything the command starts stays ours to kill.
    _set(PR_SET_NO_NEW_PRIVS, 1)
    woken, wake = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    # A handler, unlike SIG_IGN, is not inherited by the command. The guardian must not die first.
    for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, lambda *_: None)

    with open(job, "rb") as file:
        wanted = json.load(file)
    try:
        # Single-threaded, so preexec_fn cannot meet a lock that another thread holds.
        process = subprocess.Popen(
            wanted["argv"],
            cwd=wanted["cwd"],
            env=wanted["env"],
            start_new_session=True,
            preexec_fn=_die_with_guardian,
        )
    except OSError as cause:
        _say(report, {"failure": f"{cause.strerror}: {cause.filename}"})
        return

    # Reaped here and not through `process`, which must not vanish: it would reap on its way out.
    status = _attend(process.pid, control, woken)
    swept = _sweep(process.pid)
    code = os.waitstatus_to_exitcode(swept if status is None else status)
    _say(report, {"code": code} if code >= 0 else {"signal": -code})


def _set(option: int, value: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option}")


def _die_with_guardian() -> None:
    _set(PR_SET_PDEATHSIG, signal.SIGKILL)


def _attend(child: int, control: int, woken: int) -> int | None:
    """Pass on signals until the command ends (its wait status) or is to be killed (None)."""
    while True:
        ready, _, _ = select.select([control, woken], [], [])
        if woken in ready:
            os.read(woken, select.PIPE_BUF)
            status = _reap(child)
            if status is not None:
                return status
        if control in ready:
            order = os.read(control, 1)
            if not order:
                return None
            # The command is not reaped yet, so its group cannot be anybody else's.
            os.killpg(child, order[0])


def _reap(child: int) -> int | None:
    """Collect the dead; the wait status of `child` if it is among them."""
    found = None
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            if pid == child:
                found = status
    return found


def _sweep(child: int) -> int:
    """Kill children until there are none; the wait status of `child` if it was among them.

    Only children are killed: until we reap them, their numbers cannot become someone else's.
    Their own children come to us as orphans and have their turn.
    """
    found = 0
    while True:
        for pid in _children():
            os.kill(pid, signal.SIGKILL)
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if pid == child:
            found = status
        if pid == 0:
            time.sleep(BETWEEN_SWEEPS)


def _children() -> list[int]:
    """The processes whose parent we are, the dead but unreaped among them."""
    mine, me = [], os.getpid()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        with contextlib.suppress(OSError):  # gone since the listing
            # proc(5): the name, in parentheses, may contain anything; the parent is next but one.
            after_name = (entry / "stat").read_bytes().rpartition(b")")[2].split()
            if int(after_name[1]) == me:
                mine.append(int(entry.name))
    return mine


def _say(report: int, end: dict[str, int | str]) -> None:
    # The worker may be dead; then nobody needs to know.
    with contextlib.suppress(BrokenPipeError):
        os.write(report, json.dumps(end).encode())


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:4]))
