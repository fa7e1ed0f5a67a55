"""One phase as one shell session: before hooks, the tool, after hooks, and what they export.

Hooks are a person's shell text and go into a script file as they are; everything else reaches
the script as arguments. Each hook stands in braces and all are joined with `&&` (run
configuration contract §2.3), so a failed before hook keeps the tool from running, and a failed
tool keeps the after hooks from running.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ENVIRONMENT = "environment.sh"
STATUS = "status"


@dataclass(frozen=True, slots=True)
class Script:
    """A script to be run as `sh <path> <own> <tool arguments…>`."""

    path: Path
    status: Path


def needed(before: Sequence[str], after: Sequence[str], own: Path) -> bool:
    """Whether the phase has hooks, or an earlier one may have exported something."""
    return bool(before or after or (own / ENVIRONMENT).exists())


def write(own: Path, name: str, before: Sequence[str], after: Sequence[str]) -> Script:
    """Write the script of a phase into `own`; the tool's exit code will be in `status`.

    Exit codes 0 and 2 of the tool let the after hooks run: 2 is a plan with changes.
    """
    status = own / STATUS
    status.unlink(missing_ok=True)
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


def _braced(hook: str) -> str:
    return "{\n" + hook + "\n}"


_HEAD = """\
gantry_own=$1
shift
[ ! -f "$gantry_own/environment.sh" ] || . "$gantry_own/environment.sh"
"""

_TAIL = """\
gantry_end=$?
export -p > "$gantry_own/environment.sh"
exit "$gantry_end"
"""
