"""A container engine on this machine, spoken to over its Unix socket: Docker's, or Podman's in
Docker's words (Docker Engine API).
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpcore2
import httpx2

SPOKEN = (1, 41)
"""The version of the API that is asked for, unless the engine begins later: Docker 20.10 of 2020
and Podman 4 have it, and nothing newer is needed."""
TIMEOUT = httpx2.Timeout(120.0, connect=5.0)
"""Seconds: starting a container takes a fraction of one, but a busy disk may hold it up."""
READ = 64 * 1024  # bytes; as much as a pipe of Linux holds
BROKEN = (httpcore2.NetworkError, httpx2.TransportError, OSError)
"""What a connection that was handed over raises: its errors are those of the layer below."""
HEADER = 8  # bytes before each piece of an attached container's output
STDERR = 2


class EngineError(Exception):
    """The engine refused; the message is its own."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class EngineAway(Exception):
    """The engine does not answer."""


class Attached:
    """The three standard streams of a container. Closing them closes its standard input."""

    def __init__(self, response: httpx2.Response) -> None:
        self._response = response
        self._stream = response.extensions["network_stream"]

    async def write(self, data: bytes) -> None:
        """Give the container something to read. Raises EngineAway."""
        try:
            await self._stream.write(data)
        except BROKEN as cause:
            raise EngineAway(_words(cause)) from None

    async def pieces(self) -> AsyncIterator[tuple[bool, bytes]]:
        """What the container writes, and whether it is on standard error, until its end.

        Nothing is read ahead of whoever iterates. Raises EngineAway.
        """
        held, wanted, on_stderr = bytearray(), 0, False
        while data := await self._read():
            held += data
            while held:
                if not wanted:
                    if len(held) < HEADER:
                        break
                    on_stderr = held[0] == STDERR
                    wanted = int.from_bytes(held[4:HEADER], "big")
                    del held[:HEADER]
                    continue
                piece = bytes(held[:wanted])
                del held[: len(piece)]
                wanted -= len(piece)
                yield on_stderr, piece

    async def _read(self) -> bytes:
        try:
            data: bytes = await self._stream.read(READ)
        except BROKEN as cause:
            raise EngineAway(_words(cause)) from None
        return data

    async def close(self) -> None:
        """Let go of the streams; may be called again."""
        with suppress(*BROKEN):
            await self._response.aclose()


class Engine:
    """One engine. Calls raise EngineError and EngineAway."""

    def __init__(self, socket: Path) -> None:
        self.socket = socket
        self._version = ""
        self._client = httpx2.AsyncClient(
            # As many connections as there are commands: one that waits for a free connection
            # would wait for the end of another run's command.
            transport=httpx2.AsyncHTTPTransport(
                uds=str(socket), limits=httpx2.Limits(max_connections=None)
            ),
            base_url="http://engine",
            timeout=TIMEOUT,
            trust_env=False,
        )

    async def greet(self) -> dict[str, Any]:
        """Agree on a version of the API, and answer what the engine says of itself."""
        said = await self.call("GET", "/version")
        least = _version(said.get("MinAPIVersion", ""))
        self._version = "/v{}.{}".format(*max(SPOKEN, least))
        found: dict[str, Any] = await self.call("GET", "/info")
        return found

    async def call(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Any:
        """One question, and its answer as JSON, or None."""
        try:
            answer = await self._client.request(
                method, f"{self._version}{path}", json=body, params=query
            )
        except httpx2.TransportError as cause:
            raise EngineAway(_words(cause)) from None
        if answer.is_error:
            raise EngineError(answer.status_code, _message(answer.content))
        return answer.json() if answer.content else None

    async def lines(
        self, method: str, path: str, *, query: Mapping[str, str], headers: Mapping[str, str]
    ) -> AsyncIterator[dict[str, Any]]:
        """The answer to something that takes long, object by object as it comes."""
        try:
            async with self._client.stream(
                method, f"{self._version}{path}", params=query, headers=headers
            ) as answer:
                if answer.is_error:
                    raise EngineError(answer.status_code, _message(await answer.aread()))
                async for line in answer.aiter_lines():
                    if line.strip():
                        yield json.loads(line)
        except httpx2.TransportError as cause:
            raise EngineAway(_words(cause)) from None

    async def attach(self, container: str) -> Attached:
        """Take hold of a container's streams, best before it starts."""
        request = self._client.build_request(
            "POST",
            f"{self._version}/containers/{container}/attach",
            params={"stream": "1", "stdin": "1", "stdout": "1", "stderr": "1"},
            headers={"Connection": "Upgrade", "Upgrade": "tcp"},
            # A command may be silent for as long as the run's own limits let it.
            timeout=httpx2.Timeout(None),
        )
        try:
            answer = await self._client.send(request, stream=True)
            if answer.status_code != httpx2.codes.SWITCHING_PROTOCOLS:
                raise EngineError(answer.status_code, _message(await answer.aread()))
        except httpx2.TransportError as cause:
            raise EngineAway(_words(cause)) from None
        return Attached(answer)

    async def close(self) -> None:
        """Close what connections there are."""
        await self._client.aclose()


def _version(text: str) -> tuple[int, int]:
    major, _, minor = text.partition(".")
    return (int(major), int(minor)) if major.isdigit() and minor.isdigit() else (0, 0)


def _message(content: bytes) -> str:
    """An engine's complaint: JSON with a `message`, or plain words."""
    with suppress(ValueError):
        said = json.loads(content)
        if isinstance(said, dict):
            return str(said.get("message") or said.get("cause") or said).strip()
    return content.decode("utf-8", "replace").strip()


def _words(cause: Exception) -> str:
    return str(cause) or type(cause).__name__
