"""The kinds of configuration elements and of their owners."""

from __future__ import annotations

import enum


class OwnerKind(enum.StrEnum):
    """What an element belongs to."""

    STACK = "STACK"
    CONTEXT = "CONTEXT"


class ElementType(enum.StrEnum):
    """The API's ConfigType."""

    ENVIRONMENT_VARIABLE = "ENVIRONMENT_VARIABLE"
    FILE_MOUNT = "FILE_MOUNT"
