"""The runtime configuration a client sends with one run.

Its YAML comes from whoever may trigger runs. Anchors, aliases and merge keys work as in a
repository's file, and what they expand to is bounded before anything is built from it.
"""

from __future__ import annotations

from typing import Any

import yaml

from gantry.api.graphql.runs.plain import RuntimeConfigInput
from gantry.domains.contexts.kinds import ElementType
from gantry.domains.contexts.rules import HOOKS, BadElement, check
from gantry.kernel.errors import UserError

_PLAIN = ("project_root", "runner_image", "terraform_version", "opentofu_version")
MAX_YAML = 256 * 1024
"""Bytes of the text, and of all environment values together."""
MAX_VALUE = 32 * 1024
"""Bytes of one environment value: larger ones belong into a mounted file."""
MAX_ALIASES = 100
"""Uses of anchors."""
MAX_NODES = 10_000
"""Values, with every alias counted as what it stands for."""
MAX_DEPTH = 20
"""Nesting: the block itself needs 3."""


class BadRuntimeConfig(UserError):
    """A configuration that no run can be given."""

    code = "BAD_RUNTIME_CONFIG"


class NotYet(UserError):
    """The API names it, and this release does not do it."""

    code = "NOT_OFFERED"


def says_something(given: RuntimeConfigInput | None) -> bool:
    """Whether the client sent any configuration."""
    return given is not None and any(vars(given).values())


def runtime_config(given: RuntimeConfigInput | None) -> dict[str, Any]:
    """What the run keeps of it: the members of a configuration block. Raises BadRuntimeConfig.

    Takes up to a second for the largest text: call it in a thread, and only for somebody who
    may send a configuration.
    """
    if given is None:
        return {}
    found = _from_yaml(given.yaml) if given.yaml else {}
    for name in ("project_root", "runner_image"):
        if value := getattr(given, name):
            found[name] = value
    if given.environment:
        found["environment"] = _environment({v.key: v.value for v in given.environment})
    hooks = {name: list(value) for name in HOOKS if (value := getattr(given, name)) is not None}
    if hooks:
        found["hooks"] = {**found.get("hooks", {}), **hooks}
    return found


def _from_yaml(text: str) -> dict[str, Any]:
    if len(text) > MAX_YAML or len(text.encode(errors="replace")) > MAX_YAML:
        raise BadRuntimeConfig(f"The configuration is larger than {MAX_YAML} bytes.")
    document = _document(text)
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise BadRuntimeConfig("The configuration is not a YAML mapping.")
    found: dict[str, Any] = {}
    for name, value in document.items():
        if name in _PLAIN:
            if not isinstance(value, str) or isinstance(value, _Written):
                raise BadRuntimeConfig(f"`{name}` must be a text; quote it.")
            found[name] = value
        elif name == "environment":
            found[name] = _environment(value)
        elif name in HOOKS:
            found.setdefault("hooks", {})[name] = _commands(name, value)
        else:
            raise BadRuntimeConfig(
                f"This release does not read `{str(name)[:100]}` from a configuration."
            )
    return found


class _Written(str):
    """A number, truth value or date as it was written: `1.10` stays `1.10`."""

    __slots__ = ()


class _Loader(yaml.CSafeLoader):
    """Leaves numbers and dates as they are written.

    A variable gets them as text anyway, and there are numbers of a few thousand characters that
    take minutes to read.
    """


def _as_written(loader: _Loader, node: yaml.ScalarNode) -> _Written:
    return _Written(node.value)


for _kind in ("bool", "int", "float", "timestamp"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_kind}", _as_written)


def _document(text: str) -> Any:
    try:
        _require_modest(text)
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader with fewer types
    except (yaml.YAMLError, ValueError) as error:
        # ValueError: an explicit tag on a text that is nothing of the kind, half a surrogate.
        place = getattr(error, "problem_mark", None)
        where = f" in line {place.line + 1}" if place is not None else ""
        raise BadRuntimeConfig(f"The configuration is not YAML{where}.") from None
    except RecursionError:
        raise BadRuntimeConfig("The configuration is nested too deeply.") from None


def _require_modest(text: str) -> None:
    """Raises BadRuntimeConfig for what grows beyond the limits when aliases are expanded.

    Reads events only: nothing is built, so that nothing can grow, and nothing recurses.
    """
    sizes: dict[str, int] = {}
    opened: list[tuple[str | None, int]] = []  # anchor, and nodes before the collection
    nodes = aliases = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent):
            aliases += 1
            name = event.anchor or ""
            if any(anchor == name for anchor, _ in opened):
                raise BadRuntimeConfig(f"The anchor `{name[:100]}` contains itself.")
            nodes += sizes.get(name, 0)  # an anchor that is not there is refused by the loader
        elif isinstance(event, yaml.ScalarEvent):
            nodes += 1
            if event.anchor:
                sizes[event.anchor] = 1
        elif isinstance(event, yaml.CollectionStartEvent):
            opened.append((event.anchor, nodes))
            nodes += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = opened.pop()
            if anchor:
                sizes[anchor] = nodes - before
        if len(opened) > MAX_DEPTH:
            raise BadRuntimeConfig(f"The configuration is nested deeper than {MAX_DEPTH} levels.")
        if aliases > MAX_ALIASES:
            raise BadRuntimeConfig(f"The configuration has more than {MAX_ALIASES} aliases.")
        if nodes > MAX_NODES:
            raise BadRuntimeConfig(f"The configuration holds more than {MAX_NODES} values.")


def _environment(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise BadRuntimeConfig("`environment` must be a mapping of names to values.")
    found = {}
    for name, item in value.items():
        if not isinstance(name, str) or not isinstance(item, str | None):
            raise BadRuntimeConfig(
                f"The variable `{str(name)[:100]}` must have a single value, as every variable."
            )
        found[str(name)] = _checked(str(name), str(item or ""))
    if sum(len(text.encode()) for text in found.values()) > MAX_YAML:
        raise BadRuntimeConfig(f"The variables together are larger than {MAX_YAML} bytes.")
    return found


def _checked(name: str, value: str) -> str:
    try:
        check(ElementType.ENVIRONMENT_VARIABLE, name, value)
    except BadElement as error:
        raise BadRuntimeConfig(error.message) from None
    except UnicodeEncodeError:
        raise BadRuntimeConfig(f"The value of {name} is not text.") from None
    if len(value.encode()) > MAX_VALUE:
        raise BadRuntimeConfig(f"The value of {name} is larger than {MAX_VALUE} bytes.")
    return value


def _commands(name: str, value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise BadRuntimeConfig(f"`{name}` must be a list of commands.")
    return [str(item) for item in value]
