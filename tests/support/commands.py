"""Runs commands in a runtime, and finds the processes that they left on this machine."""

import asyncio
from datetime import timedelta
from pathlib import Path

from gantry_worker.runtimes.base import Command

SOON = timedelta(seconds=0.3)
LONG = timedelta(seconds=60)  # longer than any of these commands takes
PATH = "/usr/local/bin:/usr/bin:/bin"


def processes_with(token):
    return [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if entry.name.isdecimal() and token.encode() in command_line(entry.name)
    ]


def command_line(pid):
    """The arguments of a process; nothing when it is gone, or dead and not yet reaped."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


async def until(condition):
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


class Told:
    """Collects output, and knows when a word has come."""

    def __init__(self):
        self.data = b""

    async def __call__(self, data):
        self.data += data

    async def wait_for(self, word):
        await until(lambda: word in self.data)


def shell(workspace, script, *args, env=None, stdin=None):
    env = {"PATH": PATH, **(env or {})}
    return Command(("sh", "-c", script, "sh", *args), workspace, env, stdin)


async def run(runtime, command, told=None, *, stop=None, timeout=LONG, silence=LONG):
    told = told or Told()
    ended = await runtime.run(
        command, output=told, stop=stop or asyncio.Event(), timeout=timeout, silence=silence
    )
    return ended, getattr(told, "data", None)


async def say(runtime, workspace, script, *args, **options):
    """What a script prints, in words."""
    _, data = await run(runtime, shell(workspace, script, *args, **options))
    return data.decode()
