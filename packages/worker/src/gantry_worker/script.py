"""One phase as one shell session: before hooks, the tool, after hooks, and what they export.

Hooks are a person's shell text and go into a script file as they are; everything else reaches
the script as arguments. Each hook stands in braces and all are joined with `&&` (run
configuration contract §2.3), so a failed before hook keeps the tool from running, and a failed
tool keeps the after hooks from running.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from gantry_worker import returned

EXPORTED = "exported"
STATUS = "status"
MAX_EXPORTED = 4 * 1024 * 1024
"""Bytes of an exported environment: the kernel gives no command more than this."""
MAX_STATUS = 64
"""Bytes of an exit code and its line end, generously."""

_OF_THE_SHELL = ("PWD", "OLDPWD", "SHLVL", "_")
_NOT_CARRIED = ("PATH", "HOME", "TF_CLI_CONFIG_FILE", "TF_DATA_DIR", "TF_PLUGIN_CACHE_DIR")
"""Which programs, plug-ins and credentials the worker's own commands use is not for hooks."""
_NOT_CARRIED_PREFIXES = ("TF_HTTP_", "LD_")
"""Nor where the state is kept, nor what is loaded into every program."""


def write(
    directory: Path,
    name: str,
    before: Sequence[str],
    after: Sequence[str],
    *,
    good: Sequence[int] = (0,),
) -> Path:
    """Write the script of a phase, to be run as `sh <path> <back> <tool arguments…>`.

    `back` is a directory in which the script leaves the tool's exit code and the environment.
    The after hooks run when the tool ends with one of the exit codes that are `good`.
    """
    steps = [_braced(hook) for hook in before]
    fine = " || ".join(f'[ "$gantry_code" -eq {code} ]' for code in good)
    steps.append(
        '{ "$@"; gantry_code=$?; echo "$gantry_code" 1<> "$gantry_back/status"; ' + fine + "; }"
    )
    steps += [_braced(hook) for hook in after]
    path = directory / f"{name}.sh"
    path.write_text(_HEAD + " && ".join(steps) + "\n" + _TAIL)
    path.chmod(0o600)
    return path


def make_room(back: Path) -> None:
    """Take the place of the exit code now: the disk may be full when it is known. Blocking."""
    (back / STATUS).write_text(" " * 8 + "\n")


def tool_exit(back: Path) -> int | None:
    """How the tool itself ended; None when a before hook kept it from running. Blocking."""
    try:
        return int(returned.read(back, STATUS, MAX_STATUS))
    except (FileNotFoundError, returned.Unfit, ValueError):
        return None


def exported(
    back: Path, given: Mapping[str, str], before: Mapping[str, str]
) -> dict[str, str] | None:
    """What later phases get from the hooks of this and, as `before`, of earlier ones. Blocking.

    That is what differs from the environment the script was `given`. The rest is given anew to
    each phase: credentials end with their lease, and some variables are for some phases only.
    None when a hook ended the shell, the command was stopped, or there was no room for all of it.
    Raises returned.Unfit.
    """
    try:
        words = returned.read(back, EXPORTED, MAX_EXPORTED).split(b"\0")
    except FileNotFoundError:
        return None
    ended = dict(os.fsdecode(word).partition("=")[::2] for word in words if b"=" in word)
    kept = {name: value for name, value in before.items() if name in ended}
    kept |= {name: value for name, value in ended.items() if given.get(name) != value}
    return {name: value for name, value in kept.items() if _may_be_carried(name)}


def _may_be_carried(name: str) -> bool:
    if name in _OF_THE_SHELL or name in _NOT_CARRIED:
        return False
    return bool(name) and not name.startswith(_NOT_CARRIED_PREFIXES)


def _braced(hook: str) -> str:
    return "{\n" + hook + "\n}"


_HEAD = """\
gantry_back=$1
shift
"""

# By its whole path, because hooks may set PATH to anything.
_TAIL = """\
gantry_end=$?
/usr/bin/env -0 > "$gantry_back/exported" || rm -f "$gantry_back/exported"
exit "$gantry_end"
"""
