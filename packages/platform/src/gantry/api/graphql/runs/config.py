"""The runtime configuration a client sends with one run."""

from __future__ import annotations

from typing import Any

from gantry.api.graphql.runs.plain import RuntimeConfigInput
from gantry.domains.contexts.blocks import check_hooks, environment_of, from_yaml, setting
from gantry.domains.contexts.rules import HOOKS
from gantry.kernel.errors import UserError


class NotYet(UserError):
    """The API names it, and this release does not do it."""

    code = "NOT_OFFERED"


def says_something(given: RuntimeConfigInput | None) -> bool:
    """Whether the client sent any configuration."""
    return given is not None and any(vars(given).values())


def runtime_config(given: RuntimeConfigInput | None) -> dict[str, Any]:
    """What the run keeps of it: the members of a configuration block. The structured members win
    over the text. Raises BadRuntimeConfig.

    Takes up to a second for the largest text: call it in a thread, and only for somebody who
    may send a configuration.
    """
    if given is None:
        return {}
    found = from_yaml(given.yaml) if given.yaml else {}
    for name in ("project_root", "runner_image"):
        if value := getattr(given, name):
            found[name] = setting(name, value)
    if given.environment:
        found["environment"] = environment_of({v.key: v.value for v in given.environment})
    hooks = {name: list(value) for name in HOOKS if (value := getattr(given, name)) is not None}
    if hooks:
        found["hooks"] = {**found.get("hooks", {}), **hooks}
        check_hooks(found["hooks"])
    return found
