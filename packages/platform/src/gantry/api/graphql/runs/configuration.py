"""What a run was made with, as the API shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import strawberry

from gantry.domains.contexts.kinds import ElementType
from gantry.domains.contexts.rules import HOOKS
from gantry.domains.runs.configuration import Source, with_computed

strawberry.enum(
    Source,
    name="RunConfigurationSource",
    description="Where something that a run takes comes from, the most important first.",
)


@strawberry.type(description="Where something comes from.")
class RunConfigurationPlace:
    """A place; a context by id and name."""

    source: Source
    context_id: strawberry.ID | None
    context_name: str | None


@strawberry.type(description="A setting that a run takes, in the words of the configuration file.")
class RunConfigurationSetting:
    """A setting."""

    name: str
    value: str
    source: Source


@strawberry.type(description="Commands that a run takes, around one phase and from one place.")
class RunConfigurationHooks:
    """Commands."""

    phase: str
    commands: list[str]
    place: RunConfigurationPlace


@strawberry.type(description="A variable or file that a run takes, without its value.")
class RunConfigurationElement:
    """A variable or a file, and the places whose element of that name it takes the place of."""

    id: str
    type: ElementType
    write_only: bool
    place: RunConfigurationPlace
    overrides: list[RunConfigurationPlace]


@strawberry.type(description="What a run was made with, settled when it started.")
class RunConfiguration:
    """Settings, commands and names of variables, each with where it comes from."""

    file: str | None = strawberry.field(
        description="The path of the configuration file in the repository; none when it has none."
    )
    file_version: int | None
    settings: list[RunConfigurationSetting]
    hooks: list[RunConfigurationHooks] = strawberry.field(description="In the order they run in.")
    elements: list[RunConfigurationElement]
    notes: list[str] = strawberry.field(description="What of the file was left alone, and why.")


def configuration_view(taken: Mapping[str, Any]) -> RunConfiguration:
    """What was settled, as the API shows it."""
    return RunConfiguration(
        file=taken["file"],
        file_version=taken["version"],
        settings=[
            RunConfigurationSetting(name=name, value=one["value"], source=Source(one["source"]))
            for name, one in taken["settings"].items()
        ],
        hooks=[
            RunConfigurationHooks(phase=phase, commands=one["commands"], place=_place(one))
            for phase in HOOKS
            for one in taken["hooks"].get(phase, ())
        ],
        elements=[
            RunConfigurationElement(
                id=one["name"],
                type=ElementType(one["type"]),
                write_only=one["secret"],
                place=_place(one),
                overrides=[_place(other) for other in one["instead_of"]],
            )
            for one in with_computed(taken["elements"])
        ],
        notes=taken["notes"],
    )


def _place(one: Mapping[str, Any]) -> RunConfigurationPlace:
    return RunConfigurationPlace(
        source=Source(one["source"]),
        context_id=one["context"],
        context_name=one["context_name"],
    )
