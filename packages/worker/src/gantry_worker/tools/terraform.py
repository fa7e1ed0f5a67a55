"""What to say to `terraform` and `tofu`, and what their answers mean.

Every function gives the arguments that follow the binary. Colours are left alone: both tools
colour their output even when nobody is at a terminal, and the log keeps it.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Literal

Outcome = Literal["no_changes", "changes", "failed"]

MAX_ADDRESS = 1024
"""Characters in a resource address: deep modules with long keys fit; a pasted file does not."""

MAX_WORKSPACE = 90
"""Characters in a workspace name: the shortest limit among the backends that keep them."""

_ADDRESS = re.compile(r"[A-Za-z_]")
_WORKSPACE = re.compile(r"[A-Za-z0-9_.~+=:@&$][A-Za-z0-9_.~+=:@&$-]*")
_VERSION_LINE = re.compile(r"^(?:Terraform|OpenTofu) v(\S+)", re.MULTILINE)
_READERS = ("show", "output", "version")


class BadArgument(ValueError):
    """A word that is not handed to the tool; the message quotes it and says why."""


class BadTarget(BadArgument):
    """A target that cannot be a resource address."""


class BadWorkspace(BadArgument):
    """A name that no workspace can have."""


def init_args(*, upgrade: bool = False) -> list[str]:
    """Get modules and providers, and take up the backend as the files now say.

    Never migrates a state: `-reconfigure` forgets whichever backend was recorded before, which
    is also what lets the override file take over from a backend block in the repository.
    """
    return ["init", "-input=false", "-reconfigure", *(["-upgrade"] if upgrade else [])]


def workspace_select_args(name: str) -> list[str]:
    """Switch to a workspace; exits with 1 when there is none. Raises BadWorkspace.

    The http backend knows no workspaces: neither of these two commands works with it.
    """
    return ["workspace", "select", checked_workspace(name)]


def workspace_new_args(name: str) -> list[str]:
    """Make a workspace and switch to it: what to try when selecting failed. Raises BadWorkspace."""
    return ["workspace", "new", checked_workspace(name)]


def plan_args(
    plan_file: str,
    *,
    destroy: bool = False,
    refresh: bool = True,
    lock: bool = True,
    targets: Sequence[str] = (),
) -> list[str]:
    """Write a plan to `plan_file`; `plan_outcome` reads the exit code.

    Raises BadTarget, BadArgument.
    """
    return [
        "plan",
        "-input=false",
        "-detailed-exitcode",
        f"-out={_checked_file(plan_file)}",
        *(["-destroy"] if destroy else []),
        *([] if refresh else ["-refresh=false"]),
        *([] if lock else ["-lock=false"]),
        *(f"-target={checked_target(target)}" for target in targets),
    ]


def show_plan_args(plan_file: str) -> list[str]:
    """Print a saved plan as JSON. Asks no backend. Raises BadArgument."""
    return ["show", "-json", _checked_file(plan_file)]


def show_state_args() -> list[str]:
    """Print the present state as JSON."""
    return ["show", "-json"]


def apply_args(plan_file: str) -> list[str]:
    """Do exactly what a saved plan says; it needs no approval of its own. Raises BadArgument."""
    return ["apply", "-input=false", _checked_file(plan_file)]


def state_push_args(state_file: str, *, lock: bool = True) -> list[str]:
    """Give a state file to the backend; refused when it is older than what is there.

    Raises BadArgument.
    """
    return ["state", "push", *([] if lock else ["-lock=false"]), _checked_file(state_file)]


def output_args() -> list[str]:
    """Print the root module's outputs as JSON, secret ones included."""
    return ["output", "-json"]


def version_args() -> list[str]:
    """Print the tool's own version as JSON; `version_in` reads it."""
    return ["version", "-json"]


def plan_outcome(exit_code: int) -> Outcome:
    """What `plan -detailed-exitcode` says. A plan that only moves or only changes outputs is 2."""
    if exit_code == 0:
        return "no_changes"
    return "changes" if exit_code == 2 else "failed"


def version_in(answer: bytes) -> str | None:
    """The version in the answer to `version_args`; None when it is not such an answer.

    OpenTofu uses Terraform's key. Tools before 0.13 ignore `-json` and print a line instead.
    """
    text = answer.decode("utf-8", "replace")
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        line = _VERSION_LINE.search(text)
        return line[1] if line else None
    version = said.get("terraform_version") if isinstance(said, dict) else None
    return version if isinstance(version, str) else None


def automation_env() -> dict[str, str]:
    """Variables for every command: never ask, never advise a next command, never call home."""
    return {"TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "CHECKPOINT_DISABLE": "1"}


def reading_env(env: Mapping[str, str]) -> dict[str, str]:
    """`env` for commands whose output we read ourselves: without anybody's extra arguments.

    A stack's TF_CLI_ARGS are meant for its own plans; in `show -json` they would break ours.
    """
    ours = {"TF_CLI_ARGS", *(f"TF_CLI_ARGS_{command}" for command in _READERS)}
    return {name: value for name, value in env.items() if name not in ours}


def checked_target(address: str) -> str:
    """`address` as it stands, when it may be a resource address. Raises BadTarget.

    The tool parses it and has the last word; here only what could mislead is kept out.
    """
    why = _unfit(address, MAX_ADDRESS)
    if why is None and not _ADDRESS.match(address):
        why = "it does not begin with a letter or an underscore"
    if why is not None:
        raise BadTarget(f"{_quoted(address)} is not a resource address: {why}.")
    return address


def checked_workspace(name: str) -> str:
    """`name` as it stands, when a workspace can be called that. Raises BadWorkspace.

    Source: the tools take names that stay the same when escaped as part of a URL's path.
    """
    why = _unfit(name, MAX_WORKSPACE)
    if why is None and not _WORKSPACE.fullmatch(name):
        why = "only letters, digits and _.~+=:@&$- are allowed, and no dash at its start"
    if why is not None:
        raise BadWorkspace(f"{_quoted(name)} is not the name of a workspace: {why}.")
    return name


def _checked_file(plan_file: str) -> str:
    why = _unfit(plan_file, 4096)  # PATH_MAX on Linux
    if why is not None:
        raise BadArgument(f"{_quoted(plan_file)} is not the name of a plan file: {why}.")
    return plan_file


def _unfit(text: str, limit: int) -> str | None:
    if not text:
        return "it is empty"
    if len(text) > limit:
        return f"it is longer than {limit} characters"
    if text.startswith("-"):
        return "it begins with a dash and would be taken for an option"
    # Control characters, half surrogates (which no process can be given), and line separators.
    if any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in text):
        return "it contains a control character"
    return None


def _quoted(text: str) -> str:
    return ascii(text if len(text) <= 80 else f"{text[:80]}…")  # 80: one line of a log
