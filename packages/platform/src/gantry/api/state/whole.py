"""A state as an answer: handed to the connection a piece at a time, as the reader takes it.

Given in one, a large state would lie in the connection's buffer once more.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from starlette.responses import Response, StreamingResponse

PIECE = 1024 * 1024
"""Bytes at a time: what a connection takes in some milliseconds."""


def whole(body: bytearray, headers: Mapping[str, str] | None = None) -> Response:
    """The state, as JSON."""
    size = {"content-length": str(len(body))}
    return StreamingResponse(
        _pieces(body), media_type="application/json", headers={**(headers or {}), **size}
    )


async def _pieces(body: bytearray) -> AsyncIterator[bytes]:
    for start in range(0, len(body), PIECE):
        yield bytes(memoryview(body)[start : start + PIECE])
