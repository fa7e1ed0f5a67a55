"""Variables and mounted files, as the API shows and takes them."""

from __future__ import annotations

import strawberry

from gantry.domains.contexts.kinds import ElementType

strawberry.enum(ElementType, name="ConfigType")


@strawberry.type
class ConfigElement:
    """See the API reference."""

    id: strawberry.ID
    type: ElementType
    value: str | None
    checksum: str
    write_only: bool
    runtime: bool
    created_at: int | None
    description: str | None
    file_mode: str | None


@strawberry.input
class ConfigInput:
    """See the API reference."""

    id: strawberry.ID
    type: ElementType
    value: str
    write_only: bool
    description: str | None = None
