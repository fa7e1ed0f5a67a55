"""The kinds of configuration elements and of their owners."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class OwnerKind(enum.StrEnum):
    """What an element belongs to."""

    STACK = "STACK"
    CONTEXT = "CONTEXT"


class ElementType(enum.StrEnum):
    """The API's ConfigType."""

    ENVIRONMENT_VARIABLE = "ENVIRONMENT_VARIABLE"
    FILE_MOUNT = "FILE_MOUNT"


@dataclass(frozen=True, slots=True)
class Named:
    """An element without its value."""

    id: str
    type: ElementType
    write_only: bool
