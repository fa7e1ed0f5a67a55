"""The runtime configuration a client sends with one run."""

from __future__ import annotations

from typing import Any

import yaml

from gantry.api.graphql.runs.plain import RuntimeConfigInput
from gantry.domains.stacks.service import HOOKS
from gantry.kernel.errors import UserError

_PLAIN = ("project_root", "runner_image", "terraform_version", "opentofu_version")
MAX_YAML = 256 * 1024


class BadRuntimeConfig(UserError):
    """A configuration that no run can be given."""

    code = "BAD_RUNTIME_CONFIG"


class NotYet(UserError):
    """The API names it, and this release does not do it."""

    code = "NOT_OFFERED"


def runtime_config(given: RuntimeConfigInput | None) -> dict[str, Any]:
    """What the run keeps of it: the members of a configuration block. Raises BadRuntimeConfig."""
    if given is None:
        return {}
    found = _from_yaml(given.yaml) if given.yaml else {}
    for name in ("project_root", "runner_image"):
        if value := getattr(given, name):
            found[name] = value
    if given.environment:
        found["environment"] = {v.key: v.value for v in given.environment}
    hooks = {name: list(value) for name in HOOKS if (value := getattr(given, name)) is not None}
    if hooks:
        found["hooks"] = {**found.get("hooks", {}), **hooks}
    return found


def _from_yaml(text: str) -> dict[str, Any]:
    if len(text.encode()) > MAX_YAML:
        raise BadRuntimeConfig(f"The configuration is larger than {MAX_YAML} bytes.")
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        where = f" in line {place.line + 1}" if place is not None else ""
        raise BadRuntimeConfig(f"The configuration is not YAML{where}.") from None
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise BadRuntimeConfig("The configuration is not a YAML mapping.")
    found: dict[str, Any] = {}
    for name, value in document.items():
        if name in _PLAIN:
            if not isinstance(value, str):
                raise BadRuntimeConfig(f"`{name}` must be a text; quote it.")
            found[name] = value
        elif name == "environment":
            found[name] = _environment(value)
        elif name in HOOKS:
            found.setdefault("hooks", {})[name] = _commands(name, value)
        else:
            raise BadRuntimeConfig(f"This release does not read `{name}` from a configuration.")
    return found


def _environment(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise BadRuntimeConfig("`environment` must be a mapping of names to values.")
    return {str(name): "" if item is None else str(item) for name, item in value.items()}


def _commands(name: str, value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise BadRuntimeConfig(f"`{name}` must be a list of commands.")
    return list(value)
