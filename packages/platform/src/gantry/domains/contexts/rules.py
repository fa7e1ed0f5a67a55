"""Pure decisions about configuration elements."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping, Sequence

from gantry.domains.contexts.kinds import ElementType
from gantry.kernel.errors import TooLarge, UserError

MAX_FILE_BYTES = 2 * 1024 * 1024
"""A mounted file's size (run configuration contract §2.2)."""
MAX_VALUE_BYTES = 64 * 1024
"""A variable's size: Linux refuses a process whose single variable exceeds 128 KiB."""
MAX_ID = 512
MAX_VARIABLES_TOTAL = 1024 * 1024
"""Bytes of all variables of one owner, names included: Linux refuses a process whose environment
and arguments exceed 2 MiB together, and a run brings some of its own."""
MAX_FILES_TOTAL = 32 * 1024 * 1024
"""Characters of base64 of all mounted files of one owner: sealed for a worker, they stay below what
it opens."""

NAME_MAX = 255
MAX_LABELS = 100
MAX_HOOKS = 256 * 1024
"""Bytes of all commands: what is longer is a script, and belongs into the repository."""
HOOKS = (
    *(
        f"{when}_{phase}"
        for phase in ("init", "plan", "apply", "perform", "destroy")
        for when in ("before", "after")
    ),
    "after_run",
)

MAX_SPARSE_PATHS = 100
"""Paths of a sparse checkout: with more of them a directory above is meant."""
MAX_SPARSE_PATH = 1024
"""Characters of one, as of a project root."""
_SPARSE = re.compile(r"(?!/|-|\./?$)[^\x00-\x1f\x7f-\x9f\u2028\u2029*?\[\\]+")
"""Plain and below the root: patterns are not taken, and no option of a command."""

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]*")


class BadElement(UserError):
    """A variable or file that no run could be given."""

    code = "BAD_CONFIG_ELEMENT"


class BadContext(UserError):
    """A name, labels or hooks that no context can have."""

    code = "BAD_CONTEXT"


def checked_name(name: str) -> str:
    """The name without spaces around it. Raises BadContext."""
    name = name.strip()
    if not name or len(name) > NAME_MAX:
        raise BadContext(f"A context's name has 1 to {NAME_MAX} characters.")
    return name


def checked_labels(labels: Sequence[str]) -> list[str]:
    """The labels once each, in order. Raises BadContext."""
    found = list(dict.fromkeys(label.strip() for label in labels if label.strip()))
    if len(found) > MAX_LABELS or any(len(label) > NAME_MAX for label in found):
        raise BadContext(
            f"A context has at most {MAX_LABELS} labels, each of at most {NAME_MAX} characters."
        )
    return found


def hook_faults(hooks: Mapping[str, Sequence[str]]) -> list[str]:
    """What is wrong with the hooks of a stack or a context, in words."""
    faults = [f"hooks: there is no {name}" for name in hooks if name not in HOOKS]
    commands = [command for those in hooks.values() for command in those]
    if any("\0" in command for command in commands):
        faults.append("hooks: a command cannot hold a NUL character")
    if sum(len(command.encode(errors="replace")) for command in commands) > MAX_HOOKS:
        faults.append(f"hooks: all commands together have at most {MAX_HOOKS} bytes")
    return faults


def check(element_type: ElementType, element_id: str, value: str) -> None:
    """Raises BadElement with what is wrong with the name or the value."""
    if not element_id or len(element_id) > MAX_ID:
        raise BadElement(f"The name of a variable or file has 1 to {MAX_ID} characters.")
    if element_type is ElementType.ENVIRONMENT_VARIABLE:
        _check_variable(element_id, value)
    else:
        _check_file(element_id, value)


def check_total(element_type: ElementType, before: int, element_id: str, value: str) -> None:
    """Raises TooLarge when an owner whose elements of the type have `before` bytes, without the
    one of this name, may not have this one besides.
    """
    total = before + len(element_id.encode()) + len(value.encode())
    if element_type is ElementType.ENVIRONMENT_VARIABLE and total > MAX_VARIABLES_TOTAL:
        raise TooLarge(
            f"With {element_id} the variables would be larger than {MAX_VARIABLES_TOTAL} bytes"
            " together, and no command could be started with them; mount a file."
        )
    if element_type is ElementType.FILE_MOUNT and total > MAX_FILES_TOTAL:
        raise TooLarge(
            f"With {element_id} the mounted files would be larger than {MAX_FILES_TOTAL} bytes of"
            " base64 together; keep what is large in the repository or in a bucket."
        )


def sparse_faults(paths: Sequence[str]) -> list[str]:
    """What is wrong with the paths of a sparse checkout, in words; nothing when nothing is."""
    if len(paths) > MAX_SPARSE_PATHS:
        return [f"there are at most {MAX_SPARSE_PATHS} paths"]
    return [
        f'"{path[:80]}" is not a plain path below the root of the repository'
        for path in paths
        if len(path) > MAX_SPARSE_PATH or not _SPARSE.fullmatch(path) or ".." in path.split("/")
    ]


def checksum(value: str) -> str:
    """Lower-case hex SHA-256 of the exact string that the client sent."""
    return hashlib.sha256(value.encode()).hexdigest()


def _check_variable(name: str, value: str) -> None:
    if not _VARIABLE.fullmatch(name):
        raise BadElement(f'"{name}" is not a name for an environment variable.')
    if "\0" in value:
        raise BadElement("The value of an environment variable cannot hold a NUL character.")
    if len(value.encode()) > MAX_VALUE_BYTES:
        raise BadElement(
            f"The value of {name} is larger than {MAX_VALUE_BYTES} bytes; mount a file."
        )


def _check_file(path: str, value: str) -> None:
    parts = path.split("/")
    if path.startswith("/") or "" in parts or "." in parts or ".." in parts or "\0" in path:
        raise BadElement(f'"{path}" is not a path below the workspace.')
    try:
        content = base64.b64decode(value, validate=True)
    except (ValueError, binascii.Error):
        raise BadElement("The content of a mounted file must be base64.") from None
    if len(content) > MAX_FILE_BYTES:
        raise BadElement(f"The file is larger than {MAX_FILE_BYTES} bytes.")
