"""State versions and the addresses to move states by."""

from __future__ import annotations

import strawberry


@strawberry.type
class StateUploadUrl:
    """See the API reference."""

    object_id: str
    url: str


@strawberry.input
class StateDownloadUrlInput:
    """See the API reference."""

    stack_id: strawberry.ID


@strawberry.type
class StateDownloadUrl:
    """See the API reference."""

    url: str


@strawberry.type
class ManagedStateVersion:
    """See the API reference."""

    id: strawberry.ID
    last_modified: int
    rollback: bool
    rollback_username: str | None
    size: int
    imported: bool
