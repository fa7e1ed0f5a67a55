"""Configuration elements as the API shows them."""

from __future__ import annotations

import strawberry

from gantry.api.graphql.context import Info
from gantry.api.graphql.contexts.types import ConfigElement
from gantry.api.graphql.shared.convert import seconds
from gantry.domains.contexts import service as elements
from gantry.domains.contexts.kinds import ElementType, Named
from gantry.domains.contexts.model import ConfigElement as ElementModel
from gantry.domains.contexts.rules import checksum


def element_view(info: Info, element: ElementModel) -> ConfigElement:
    """An element; the value of a write-only one is never shown, its checksum is."""
    vault = info.context.house.vault
    return ConfigElement(
        id=strawberry.ID(element.id),
        type=element.type,
        value=None if element.write_only else elements.reveal(vault, element),
        checksum=element.checksum,
        write_only=element.write_only,
        runtime=False,
        created_at=seconds(element.created_at),
        description=element.description,
        file_mode="0644" if element.type is ElementType.FILE_MOUNT else None,
    )


def computed_view(one: Named) -> ConfigElement:
    """What is computed for each run: its name, and no value."""
    return ConfigElement(
        id=strawberry.ID(one.id),
        type=one.type,
        value=None,
        checksum="",
        write_only=False,
        runtime=True,
        created_at=None,
        description=None,
        file_mode="0644" if one.type is ElementType.FILE_MOUNT else None,
    )


def file_variable_view(name: str, value: str) -> ConfigElement:
    """A variable as the configuration file of a repository gives it."""
    return ConfigElement(
        id=strawberry.ID(name),
        type=ElementType.ENVIRONMENT_VARIABLE,
        value=value,
        checksum=checksum(value),
        write_only=False,
        runtime=False,
        created_at=None,
        description=None,
        file_mode=None,
    )
