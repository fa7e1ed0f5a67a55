"""Pure decisions about configuration elements."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re

from gantry.domains.contexts.kinds import ElementType
from gantry.kernel.errors import UserError

MAX_FILE_BYTES = 2 * 1024 * 1024
"""A mounted file's size (run configuration contract §2.2)."""
MAX_VALUE_BYTES = 64 * 1024
"""A variable's size: Linux refuses a process whose single variable exceeds 128 KiB."""
MAX_ID = 512

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]*")


class BadElement(UserError):
    """A variable or file that no run could be given."""

    code = "BAD_CONFIG_ELEMENT"


def check(element_type: ElementType, element_id: str, value: str) -> None:
    """Raises BadElement with what is wrong with the name or the value."""
    if not element_id or len(element_id) > MAX_ID:
        raise BadElement(f"The name of a variable or file has 1 to {MAX_ID} characters.")
    if element_type is ElementType.ENVIRONMENT_VARIABLE:
        _check_variable(element_id, value)
    else:
        _check_file(element_id, value)


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
