"""What a run is made with: each setting, command and variable, and where it comes from.

The order is the run configuration contract's, §1.2 and §2.1. Nothing here knows storage.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gantry.domains.contexts import layers
from gantry.domains.contexts.blocks import SPARSE
from gantry.domains.contexts.documents import BadRuntimeConfig
from gantry.domains.contexts.kinds import ElementType, Named
from gantry.domains.contexts.rules import sparse_faults
from gantry.domains.runs import computed
from gantry.domains.stacks.model import Stack, Vendor
from gantry.domains.stacks.vendors import constraint_of

IGNORE_FILE = "feature:ignore_runtime_config"
"""A stack's label with which the repository's file says nothing to it."""


class Source(enum.StrEnum):
    """Where something comes from, the most important first."""

    RUN = "RUN"
    FILE = "FILE"
    """The stack's own block in the file of its repository."""
    FILE_DEFAULTS = "FILE_DEFAULTS"
    """The block for all stacks there."""
    STACK = "STACK"
    CONTEXT = "CONTEXT"
    ACCOUNT = "ACCOUNT"
    COMPUTED = "COMPUTED"
    """Made for each run, whatever anybody has set."""


@dataclass(frozen=True, slots=True)
class Shared:
    """A context of the stack, as far as it has a part in this."""

    id: str
    name: str
    by_label: bool
    hooks: Mapping[str, Sequence[str]]
    elements: Sequence[Named] = ()


@dataclass(frozen=True, slots=True)
class World:
    """All that has a say in a run. `contexts` in order, the one that wins first; `file` as
    contexts.config_file reads it, empty where there is none; `given` is the run's own block.
    """

    stack: Stack
    contexts: Sequence[Shared]
    file: Mapping[str, Any]
    given: Mapping[str, Any]
    image: str | None = None
    """The account's default for such a stack."""
    elements: Sequence[Named] = field(default_factory=tuple)


def resolve(world: World) -> dict[str, Any]:
    """What the run takes, in a form to be kept. Raises BadRuntimeConfig when the file, or what it
    says to this stack, cannot be used.
    """
    file = {} if IGNORE_FILE in world.stack.labels else world.file
    blocks = _blocks(file, world.stack.id)
    order = _order(world, blocks, file.get("version", 1))
    environment = _environment(order)
    notes = [f"{name} is not read by this release" for name in _unread(file, blocks)]
    if "note" in file:
        notes.append(file["note"])
    if "path" in world.file and not file:
        notes.append(f"{world.file['path']} is left alone, as the label {IGNORE_FILE} asks")
    return {
        "stack": world.stack.id,
        "file": file.get("path"),
        "version": file.get("version"),
        "settings": _settings(order, world.image),
        "hooks": _hooks(order, world.contexts),
        "environment": environment[0] if environment else None,
        "below": bool(environment and environment[1]),
        "elements": _elements(world, environment),
        "notes": notes,
    }


def variables(resolved: Mapping[str, Any], file: Mapping[str, Any]) -> dict[str, str]:
    """The variables that the file gives to a run for which that was resolved."""
    if resolved["environment"] == Source.FILE:
        block = file.get("stacks", {}).get(resolved["stack"], {})
    else:
        block = file.get("defaults", {})
    return dict(block.get("values", {}).get("environment", {}))


def environment_of_file(
    stack: Stack, file: Mapping[str, Any]
) -> tuple[Source, bool, dict[str, str]] | None:
    """Which block of the file gives the stack's next run variables, whether those of the stack and
    its contexts win over them, and the variables. None when there are none, or the file cannot be
    used: then the next run fails and says why.
    """
    try:
        taken = resolve(World(stack, (), file, {}))
    except BadRuntimeConfig:
        return None
    if taken["environment"] is None:
        return None
    return Source(taken["environment"]), taken["below"], variables(taken, file)


def with_computed(elements: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The elements of what was resolved, and what is computed for every run as the weakest of
    all. That is not kept with each run: it is the same for all.
    """
    place = _place(Source.COMPUTED)
    rest = {(one.id, one.type): one for one in computed.ELEMENTS}
    found = []
    for element in elements:
        replaced = rest.pop((element["name"], ElementType(element["type"])), None)
        more = [place] if replaced is not None else []
        found.append({**element, "instead_of": [*element["instead_of"], *more]})
    return found + [
        {"name": one.id, "type": one.type, "secret": one.write_only, **place, "instead_of": []}
        for one in rest.values()
    ]


Order = list[tuple[Source, Mapping[str, Any]]]


def _blocks(file: Mapping[str, Any], stack_id: str) -> dict[Source, Mapping[str, Any]]:
    path = file.get("path")
    if "fault" in file:
        raise BadRuntimeConfig(f"{path} cannot be used. {file['fault']}")
    found = {}
    for source, name, block in (
        (Source.FILE, f"stacks.{stack_id}", file.get("stacks", {}).get(stack_id)),
        (Source.FILE_DEFAULTS, "stack_defaults", file.get("defaults")),
    ):
        if block and "fault" in block:
            raise BadRuntimeConfig(f"{path} cannot be used, for {name}. {block['fault']}")
        if block:
            found[source] = block
    return found


def _unread(file: Mapping[str, Any], blocks: Mapping[Source, Mapping[str, Any]]) -> list[str]:
    return [
        *file.get("unread", ()),
        *(name for block in blocks.values() for name in block["unread"]),
    ]


def _order(world: World, blocks: Mapping[Source, Mapping[str, Any]], version: int) -> Order:
    of_file = {source: block["values"] for source, block in blocks.items()}
    own = (Source.STACK, _own(world.stack))
    defaults = (Source.FILE_DEFAULTS, of_file.get(Source.FILE_DEFAULTS, {}))
    rest = [own, defaults] if version == 1 else [defaults, own]
    return [(Source.RUN, world.given), (Source.FILE, of_file.get(Source.FILE, {})), *rest]


def _own(stack: Stack) -> dict[str, Any]:
    """A stack's settings, in the names of a block; only those that somebody has set."""
    tofu, paths = stack.vendor is Vendor.OPENTOFU, stack.sparse_checkout_paths
    values = {
        "project_root": stack.project_root,
        "runner_image": stack.runner_image,
        "opentofu_version" if tofu else "terraform_version": constraint_of(stack.vendor_config),
        "terraform_workflow_tool": "OPEN_TOFU" if tofu else "TERRAFORM_FOSS",
        # What an earlier release took unseen and could not be unpacked says nothing.
        SPARSE: "" if sparse_faults(paths) else "\n".join(paths),
        "hooks": {name: commands for name, commands in stack.hooks.items() if commands},
    }
    return {name: value for name, value in values.items() if value}


def _settings(order: Order, image: str | None) -> dict[str, dict[str, Any]]:
    order = [*order, (Source.ACCOUNT, {"runner_image": image} if image else {})]
    found = {}
    for name in ("project_root", "runner_image", "terraform_workflow_tool", SPARSE):
        if taken := _first(order, name):
            found[name] = taken
    # The version of one tool says nothing about the other.
    tofu = found["terraform_workflow_tool"]["value"] == "OPEN_TOFU"
    name = "opentofu_version" if tofu else "terraform_version"
    if taken := _first(order, name):
        found[name] = taken
    return found


def _first(order: Order, name: str) -> dict[str, Any] | None:
    for source, values in order:
        if name in values:
            return {"value": values[name], "source": source}
    return None


def _hooks(order: Order, contexts: Sequence[Shared]) -> dict[str, list[dict[str, Any]]]:
    """The commands around each phase. Whoever sets a phase's says it instead of the stack;
    commands of contexts stay whoever that is.
    """
    own: dict[str, list[str]] = {}
    source_of: dict[str, Source] = {}
    for source, values in order:
        for phase, commands in values.get("hooks", {}).items():
            if phase not in own:
                own[phase], source_of[phase] = list(commands), source
    names = {context.id: context.name for context in contexts}
    joined = layers.hooks(
        own,
        [(context.id, context.hooks) for context in contexts if not context.by_label],
        [(context.id, context.hooks) for context in contexts if context.by_label],
    )
    return {
        phase: [
            {
                "source": source_of[phase] if context is None else Source.CONTEXT,
                "context": context,
                "context_name": names.get(context or ""),
                "commands": commands,
            }
            for context, commands in groups
        ]
        for phase, groups in joined.items()
    }


def commands(resolved: Mapping[str, Any]) -> dict[str, list[str]]:
    """The hooks of what was resolved, phase by phase."""
    return {
        phase: [command for group in groups for command in group["commands"]]
        for phase, groups in resolved["hooks"].items()
    }


def value(resolved: Mapping[str, Any], name: str) -> str | None:
    """A setting of what was resolved; None when nobody has set it."""
    found = resolved["settings"].get(name)
    return None if found is None else str(found["value"])


def _environment(order: Order) -> tuple[Source, bool, list[str]] | None:
    """Which block of the file gives variables, whether those of the stack and its contexts win
    over them, and their names. A block that is higher takes the place of the lower one's as a
    whole, and so do the run's own.
    """
    below = False
    for source, values in order:
        if source is Source.RUN and "environment_names" in values:
            return None
        if source is Source.STACK:
            below = True
        elif source is not Source.RUN and "environment" in values:
            return source, below, sorted(values["environment"])
    return None


def _elements(
    world: World, environment: tuple[Source, bool, list[str]] | None
) -> list[dict[str, Any]]:
    """Every variable and file by name, with its source and those whose it takes the place of."""
    own = {*world.given.get("environment_names", ()), *world.given.get("override_names", ())}
    sources = [
        (_place(Source.STACK), world.elements),
        *((_place(Source.CONTEXT, context), context.elements) for context in world.contexts),
    ]
    if environment is not None:
        of_file = (_place(environment[0]), _variables(environment[2]))
        sources.insert(len(sources) if environment[1] else 0, of_file)
    sources.insert(0, (_place(Source.RUN), _variables(sorted(own))))
    found: dict[tuple[str, ElementType], list[tuple[dict[str, Any], Named]]] = {}
    for place, elements in sources:
        for element in elements:
            found.setdefault((element.id, element.type), []).append((place, element))
    return [
        {
            "name": name,
            "type": kind,
            "secret": those[0][1].write_only,
            **those[0][0],
            "instead_of": [place for place, _ in those[1:]],
        }
        for (name, kind), those in sorted(found.items())
    ]


def _place(source: Source, context: Shared | None = None) -> dict[str, Any]:
    if context is None:
        return {"source": source, "context": None, "context_name": None}
    return {"source": source, "context": context.id, "context_name": context.name}


def _variables(names: Iterable[str]) -> list[Named]:
    return [Named(name, ElementType.ENVIRONMENT_VARIABLE, write_only=False) for name in names]
