"""A worker's part in tests of control groups: run as a file, in a group of its own.

Arguments: the group to join, a workspace, bounds as JSON, and a script for a sandbox's shell. Says
as JSON how the command ended and what became of its group.
"""

import asyncio
import json
import os
import sys
from datetime import timedelta
from pathlib import Path

from gantry_worker.runtimes import cgroups, sandbox
from gantry_worker.runtimes.base import Command
from gantry_worker.runtimes.bounds import Bounds
from gantry_worker.runtimes.confinement import Confinement

LONG = timedelta(seconds=60)


async def main(group: Path, workspace: Path, bounds: Bounds, script: str) -> None:
    (group / "cgroup.procs").write_text(str(os.getpid()))
    try:
        subtree = cgroups.claim(bounds)
    except cgroups.Unavailable as error:
        print(json.dumps({"unavailable": str(error)}))
        return
    files, said = {}, bytearray()

    async def output(data: bytes) -> None:
        said.extend(data)
        for at in subtree.path.glob("command-*/*.max"):
            files[at.name] = at.read_text().strip()

    ended = await sandbox.for_run(workspace, confinement=Confinement(bounds, subtree)).run(
        Command(("sh", "-c", script), workspace, {"PATH": "/usr/bin:/bin"}),
        output=output,
        stop=asyncio.Event(),
        timeout=LONG,
        silence=LONG,
    )
    print(
        json.dumps(
            {
                "code": ended.code,
                "signal": ended.signal,
                "shortage": ended.shortage,
                "said": said.decode(errors="replace"),
                "files": files,
                "left": [at.name for at in subtree.path.glob("command-*")],
                "missing": subtree.missing(bounds),
            }
        )
    )


if __name__ == "__main__":
    asyncio.run(
        main(Path(sys.argv[1]), Path(sys.argv[2]), Bounds(**json.loads(sys.argv[3])), sys.argv[4])
    )
