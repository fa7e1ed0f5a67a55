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


WORKER = """
import asyncio, sys
from datetime import timedelta
from pathlib import Path
from gantry_worker.runtimes import docker, process, sandbox
from gantry_worker.runtimes.base import Command
from gantry_worker.runtimes.containers import Containers

async def show(data):
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()

async def quietly(words):
    pass

async def maker(kind, engine):
    if kind != "docker":
        return {"process": process, "sandbox": sandbox}[kind].for_run
    socket, own, image = engine.split("|")
    options = Containers(Path(socket), Path(own), image, pull="never", network="none")
    return await (await docker.connect(options)).for_image(None, quietly)

async def main(kind, engine, workspace, *argv):
    runtime = (await maker(kind, engine))(Path(workspace))
    hour = timedelta(hours=1)
    command = Command(argv, Path(workspace), {"PATH": "/usr/bin:/bin"})
    await runtime.run(command, output=show, stop=asyncio.Event(), timeout=hour, silence=hour)

asyncio.run(main(*sys.argv[1:]))
"""
