"""One block of configuration: of a stack in its repository's file, or given with a single run.

The names are those of the run configuration contract, §1.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gantry_protocol.versions import BadConstraint, best

from gantry.domains.contexts.documents import (
    MAX_YAML,
    BadRuntimeConfig,
    Entries,
    Written,
    read,
    shown,
)
from gantry.domains.contexts.kinds import ElementType
from gantry.domains.contexts.rules import HOOKS, BadElement, check, hook_faults, sparse_faults

MAX_VALUE = 32 * 1024
"""Bytes of one environment value: larger ones belong into a mounted file."""
MAX_SETTING = 1024
"""Characters of an image, a path or a version: longer ones are a slip."""

VERSIONS = ("terraform_version", "opentofu_version")
TOOLS = ("TERRAFORM_FOSS", "OPEN_TOFU")
_PLAIN = ("project_root", "runner_image", *VERSIONS, "terraform_workflow_tool")
SPARSE = "git_sparse_checkout_paths"
NOT_YET = ("terragrunt",)
"""What the contract names and workers of this release have no use for."""


@dataclass(frozen=True, slots=True)
class Block:
    """`values` has the settings by name, `environment` and `hooks` as mappings of their own; only
    what was set is there. `unread` are names, with their lines, that nothing reads.
    """

    values: dict[str, Any]
    unread: list[str]


def from_yaml(text: str) -> dict[str, Any]:
    """The values of a block that comes with one run. Raises BadRuntimeConfig, also for names that
    nothing reads: whoever wrote them is there to be told.
    """
    document = read(text)
    if document is None:
        return {}
    if not isinstance(document, Entries):
        raise BadRuntimeConfig("The configuration is not a YAML mapping.")
    block = block_of(document)
    if block.unread:
        raise BadRuntimeConfig(
            f"This release does not read {', '.join(block.unread)} from a configuration."
        )
    return block.values


def block_of(given: Entries) -> Block:
    """What a mapping sets. Raises BadRuntimeConfig, with the line."""
    values: dict[str, Any] = {}
    unread: list[str] = []
    for name, value in given.items():
        where = given.where(name)
        if name in _PLAIN:
            text = setting(name, value, where)
            # The root of the repository can be said by nothing; no image or version can.
            if text or name == "project_root":
                values[name] = text
        elif name == "environment":
            values[name] = environment_of(value, where)
        elif name == SPARSE:
            # An empty list says nothing (run configuration contract, §1.1).
            if paths := _paths(value, where):
                values[name] = paths
        elif name in HOOKS:
            values.setdefault("hooks", {})[name] = _commands(name, value, where)
        else:
            unread.append(f"`{shown(name)}`{where}")
    check_hooks(values.get("hooks", {}))
    return Block(values, unread)


def check_hooks(hooks: Mapping[str, list[str]]) -> None:
    """Raises BadRuntimeConfig for commands that no run could be given."""
    if faults := hook_faults(hooks):
        raise BadRuntimeConfig(f"The configuration has faults: {'; '.join(faults)}.")


def environment_of(given: Any, where: str = "") -> dict[str, str]:
    """Variables by name. Raises BadRuntimeConfig."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise BadRuntimeConfig(f"`environment` must be a mapping of names to values{where}.")
    found = {}
    for name, item in given.items():
        at = given.where(name) if isinstance(given, Entries) else where
        if not isinstance(item, str | None):
            raise BadRuntimeConfig(
                f"The variable `{shown(name)}` must have a single value, as every variable{at}."
            )
        found[str(name)] = _checked(str(name), str(item or ""), at)
    if sum(len(text.encode()) for text in found.values()) > MAX_YAML:
        raise BadRuntimeConfig(f"The variables together are larger than {MAX_YAML} bytes{where}.")
    return found


def setting(name: str, value: Any, where: str = "") -> str:
    """The value of one of the settings that are a text. Raises BadRuntimeConfig."""
    if value is None:
        return ""
    if not isinstance(value, str) or isinstance(value, Written):
        raise BadRuntimeConfig(f"`{name}` must be a text; quote it{where}.")
    if len(value) > MAX_SETTING or not value.isprintable():
        raise BadRuntimeConfig(
            f"`{name}` must be a text of at most {MAX_SETTING} characters in one line{where}."
        )
    if name in VERSIONS and value:
        try:
            best([], value)
        except BadConstraint:
            raise BadRuntimeConfig(f"`{name}` is not a version or a range{where}.") from None
    if name == "terraform_workflow_tool" and value and value not in TOOLS:
        raise BadRuntimeConfig(f"`{name}` must be {' or '.join(TOOLS)} in this release{where}.")
    return value


def _checked(name: str, value: str, where: str) -> str:
    try:
        check(ElementType.ENVIRONMENT_VARIABLE, name, value)
    except BadElement as error:
        raise BadRuntimeConfig(error.message.removesuffix(".") + f"{where}.") from None
    except UnicodeEncodeError:
        raise BadRuntimeConfig(f"The value of {name} is not text{where}.") from None
    if len(value.encode()) > MAX_VALUE:
        raise BadRuntimeConfig(f"The value of {name} is larger than {MAX_VALUE} bytes{where}.")
    return value


def _paths(value: Any, where: str) -> str:
    """The paths, one in a line: settings are texts."""
    if value is None:
        return ""
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise BadRuntimeConfig(f"`{SPARSE}` must be a list of paths{where}.")
    if faults := sparse_faults(value):
        raise BadRuntimeConfig(f"`{SPARSE}`: {'; '.join(map(shown, faults))}{where}.")
    return "\n".join(value)


def _commands(name: str, value: Any, where: str) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise BadRuntimeConfig(f"`{name}` must be a list of commands{where}.")
    commands = [str(item) for item in value]
    try:
        "".join(commands).encode()
    except UnicodeEncodeError:
        raise BadRuntimeConfig(f"A command of `{name}` is not text{where}.") from None
    return commands
