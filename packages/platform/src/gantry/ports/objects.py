"""Large things: logs, states, workspaces. Browsers and workers reach them by URL only."""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Protocol

from gantry.kernel.errors import UserError


class Bucket(enum.StrEnum):
    """The ten buckets of the deployment contract; each has its own variable and retention."""

    DELIVERIES = "deliveries"
    LARGE_QUEUE_MESSAGES = "large-queue-messages"
    METADATA = "metadata"
    MODULES = "modules"
    POLICY_INPUTS = "policy-inputs"
    RUN_LOGS = "run-logs"
    STATES = "states"
    UPLOADS = "uploads"
    USER_UPLOADED_WORKSPACES = "user-uploaded-workspaces"
    WORKSPACE = "workspace"


class ObjectMissing(UserError):
    """No such object: never written, or its retention is over."""

    code = "OBJECT_MISSING"
    status = 404

    def __init__(self, bucket: Bucket, key: str) -> None:
        super().__init__(
            "The stored object is not there any more.", detail=f"bucket={bucket} key={key}"
        )


class StorageDown(UserError):
    """The object storage does not answer, or refuses."""

    code = "STORAGE_UNAVAILABLE"
    status = 503

    def __init__(self, detail: str) -> None:
        super().__init__("The object storage cannot be reached; try again.", detail=detail)


class Objects(Protocol):
    """Object storage. Keys are ours (ULIDs and digests), never a user's text."""

    async def put(self, bucket: Bucket, key: str, data: bytes) -> None:
        """Store the object whole or not at all. Raises StorageDown."""
        ...

    async def put_pieces(self, bucket: Bucket, key: str, pieces: AsyncIterator[bytes]) -> None:
        """Store the object whole or not at all, out of pieces, holding few of them at a time.

        Raises StorageDown, and whatever `pieces` raises, or something that it caused.
        """
        ...

    async def get(self, bucket: Bucket, key: str) -> bytes:
        """The object's bytes. Raises ObjectMissing, StorageDown."""
        ...

    async def get_range(self, bucket: Bucket, key: str, start: int, end: int) -> bytes:
        """Bytes `start` up to but without `end`. Raises ObjectMissing, StorageDown."""
        ...

    async def size(self, bucket: Bucket, key: str) -> int | None:
        """The object's size in bytes; None when it does not exist. Raises StorageDown."""
        ...

    async def delete(self, bucket: Bucket, key: str) -> None:
        """Make the object not exist; it need not have. Raises StorageDown."""
        ...

    async def download_url(self, bucket: Bucket, key: str, *, lasts: timedelta) -> str:
        """A URL that gives the object to whoever has it, until it expires."""
        ...

    async def upload_url(self, bucket: Bucket, key: str, *, lasts: timedelta) -> str:
        """A URL to which whoever has it may PUT the object, with `upload_headers`, until it
        expires.
        """
        ...

    @property
    def upload_headers(self) -> Mapping[str, str]:
        """What has to be sent along with an upload to a URL."""
        ...


class LocalFiles(Protocol):
    """Storage on this machine, whose signed URLs this installation serves itself."""

    def check_url(
        self, *, method: str, bucket: str, key: str, expires: str, signature: str
    ) -> None:
        """Raises a UserError unless the request is one that a URL of ours allowed, and in time."""
        ...

    async def write_stream(
        self, bucket: Bucket, key: str, chunks: AsyncIterator[bytes], *, limit: int
    ) -> int:
        """Store from a stream, whole or not at all. Raises TooLarge, StorageDown."""
        ...

    def open_stream(self, bucket: Bucket, key: str, start: int = 0) -> AsyncIterator[bytes]:
        """The object's bytes from `start` on. Raises ObjectMissing, StorageDown."""
        ...
