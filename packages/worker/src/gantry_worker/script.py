"""One phase as one shell session: before hooks, the tool, after hooks, and what they export.

Hooks are a person's shell text and go into a script file as they are; everything else reaches
the script as arguments. Each hook stands in braces and all are joined with `&&` (run
configuration contract §2.3), so a failed before hook keeps the tool from running, and a failed
tool keeps the after hooks from running.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

CARRIED = "carried.json"
EXPORTED = "exported"
STATUS = "status"

_OF_THE_SHELL = ("PWD", "OLDPWD", "SHLVL", "_")
_STATE = "TF_HTTP_"


@dataclass(frozen=True, slots=True)
class Script:
    """A script to be run as `sh <path> <own> <tool arguments…>`."""

    path: Path
    status: Path


def write(own: Path, name: str, before: Sequence[str], after: Sequence[str]) -> Script:
    """Write the script of a phase into `own`; the tool's exit code will be in `status`.

    Exit codes 0 and 2 of the tool let the after hooks run: 2 is a plan with changes.
    """
    status = own / STATUS
    status.unlink(missing_ok=True)
    (own / EXPORTED).unlink(missing_ok=True)
    steps = [_braced(hook) for hook in before]
    steps.append(
        '{ "$@"; gantry_code=$?; echo "$gantry_code" > "$gantry_own/status";'
        ' [ "$gantry_code" -eq 0 ] || [ "$gantry_code" -eq 2 ]; }'
    )
    steps += [_braced(hook) for hook in after]
    path = own / f"{name}.sh"
    path.write_text(_HEAD + " && ".join(steps) + "\n" + _TAIL)
    path.chmod(0o600)
    return Script(path, status)


def tool_exit(script: Script) -> int | None:
    """How the tool itself ended; None when a before hook kept it from running."""
    try:
        return int(script.status.read_text())
    except (FileNotFoundError, ValueError):
        return None


def carried(own: Path) -> dict[str, str]:
    """What the hooks of earlier phases exported, by name."""
    try:
        found = json.loads((own / CARRIED).read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return {str(name): str(value) for name, value in found.items()} if found else {}


def carry(own: Path, given: Mapping[str, str]) -> None:
    """Keep for later phases what the last script's hooks exported.

    That is what differs from the environment the script was `given`. The rest is given anew to
    each phase: credentials end with their lease, and some variables are for some phases only.
    Where the state is kept is nobody's to change.
    """
    try:
        words = (own / EXPORTED).read_bytes().split(b"\0")
    except FileNotFoundError:
        return  # a hook ended the shell, or the command was stopped
    ended = dict(os.fsdecode(word).partition("=")[::2] for word in words if b"=" in word)
    kept = {name: value for name, value in carried(own).items() if name in ended}
    for name, value in ended.items():
        if given.get(name) != value and name not in _OF_THE_SHELL and not name.startswith(_STATE):
            kept[name] = value
    path = own / CARRIED
    path.write_text(json.dumps(kept))
    path.chmod(0o600)


def _braced(hook: str) -> str:
    return "{\n" + hook + "\n}"


_HEAD = """\
gantry_own=$1
shift
"""

# By its whole path, because hooks may set PATH to anything.
_TAIL = """\
gantry_end=$?
/usr/bin/env -0 > "$gantry_own/exported"
exit "$gantry_end"
"""
