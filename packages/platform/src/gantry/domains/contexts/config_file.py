"""The configuration file of a repository: one block for each stack, and one for all of them.

Source: run configuration contract, §1. What it says of modules is left for those who test them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gantry.domains.contexts.blocks import block_of
from gantry.domains.contexts.documents import MAX_YAML, BadRuntimeConfig, Entries, read, shown

PATHS = (".gantry/config.yml", ".spacelift/config.yml")
"""Where it may lie, below the repository's root. The first that is there counts, and no other."""
MAX_FILE = MAX_YAML
"""Bytes of it: some thousand stacks."""
MAX_FILE_ALIASES = 10_000
"""Uses of anchors in it: several for each stack. What they expand to is bounded as well."""

_OF_MODULES = ("module_version", "test_defaults", "tests")
_STACK_ID = re.compile(r"[A-Za-z0-9_.~-]{1,255}")


def look(files: Mapping[str, bytes | None]) -> dict[str, Any]:
    """What the commit's file says, to be kept as JSON. `files` are those of PATHS that are there;
    None stands for one that is larger than MAX_FILE, or no plain file.

    `path` names the file that was read; nothing at all means that there is none. Then either
    `fault` says why it cannot be read, or `version`, `defaults`, `stacks` by id and `unread` say
    what it holds. A block that is wrong has a `fault` of its own: the other stacks go on. `note`
    is a sentence for whoever reads the run.

    Takes up to a second: call it in a thread.
    """
    path = next((path for path in PATHS if path in files), None)
    if path is None:
        return {}
    try:
        found = _parsed(files[path])
    except BadRuntimeConfig as error:
        return {"path": path, "fault": _storable(error.message)}
    if other := next((other for other in PATHS if other in files and other != path), None):
        found["note"] = f"{other} is left alone, as there is {path}"
    return {"path": path, **found}


def _parsed(content: bytes | None) -> dict[str, Any]:
    if content is None:
        raise BadRuntimeConfig(f"The file is no plain file, or larger than {MAX_FILE} bytes.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadRuntimeConfig("The file is not UTF-8.") from None
    document = read(text, aliases=MAX_FILE_ALIASES)
    if document is None:
        document = Entries()
    if not isinstance(document, Entries):
        raise BadRuntimeConfig("The file is not a YAML mapping.")
    unread = [
        f"`{shown(name)}`{document.where(name)}"
        for name in document
        if name not in ("version", "stack_defaults", "stacks", *_OF_MODULES)
    ]
    return {
        "version": _version(document),
        "defaults": _block(document, "stack_defaults"),
        "stacks": _stacks(document, unread),
        "unread": unread,
    }


def _version(document: Entries) -> int:
    version = document.get("version")
    if version is None:
        return 1
    if version not in ("1", "2"):
        raise BadRuntimeConfig(f'`version` must be "1" or "2"{document.where("version")}.')
    return int(version)


def _stacks(document: Entries, unread: list[str]) -> dict[str, Any]:
    given = document.get("stacks")
    if given is None:
        return {}
    if not isinstance(given, Entries):
        raise BadRuntimeConfig(
            f"`stacks` must be a mapping of stacks' ids to blocks{document.where('stacks')}."
        )
    for name in given:
        if not _STACK_ID.fullmatch(name):
            unread.append(f"`{shown(name)}`{given.where(name)}")
    return {name: _block(given, name) for name in given if _STACK_ID.fullmatch(name)}


def _block(entries: Entries, name: str) -> dict[str, Any]:
    given = entries.get(name)
    if given is None:
        return {"values": {}, "unread": []}
    if not isinstance(given, Entries):
        return {"fault": f"`{name}` must be a mapping{entries.where(name)}."}
    try:
        block = block_of(given)
    except BadRuntimeConfig as error:
        return {"fault": _storable(error.message)}
    return {"values": block.values, "unread": block.unread}


def _storable(message: str) -> str:
    """Words of ours with a stranger's in them: a database takes no NUL and no half characters."""
    return "".join(char if char.isprintable() else "\ufffd" for char in message)
