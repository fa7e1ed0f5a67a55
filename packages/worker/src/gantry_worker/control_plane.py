"""The server as a worker sees it: gantry_protocol.calls over HTTPS, patient with outages."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

import httpx2
import structlog
from gantry_protocol.calls import (
    Ask,
    Asked,
    Beat,
    Beaten,
    Held,
    LogAnswer,
    LogTail,
    Register,
    Registered,
    Report,
    Reported,
    Sealed,
    Ticket,
    TicketWanted,
    Verdict,
)
from pydantic import BaseModel

log = structlog.get_logger()

A = TypeVar("A", bound=BaseModel)

FIRST_PAUSE = 0.25
LONGEST_PAUSE = 10.0
"""Seconds between tries: a restarted server is found within one, an absent one is not flooded."""
TIMEOUT = httpx2.Timeout(30.0, connect=5.0)
TRANSFER_TIMEOUT = httpx2.Timeout(300.0, connect=10.0)
CHUNK = 1024 * 1024


class Refused(Exception):
    """The server answered, and the answer is no."""

    def __init__(self, code: str, message: str, status: int) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


class ServerAway(ConnectionError):
    """The server did not answer, or said that it cannot now."""


class ControlPlane:
    """One worker's connection. Calls raise Refused, and ServerAway unless they say otherwise."""

    def __init__(
        self,
        base_url: str,
        pool_id: str,
        proof: Callable[[], str],
        *,
        ca_bundle: Path | None = None,
    ) -> None:
        self._base = f"{base_url}/worker/v1"
        self._pool_id = pool_id
        self._proof = proof
        verify: bool | str = str(ca_bundle) if ca_bundle else True
        self._http = httpx2.AsyncClient(timeout=TIMEOUT, verify=verify)

    async def close(self) -> None:
        """Give the connections back."""
        await self._http.aclose()

    async def register(self, said: Register) -> Registered:
        """Be known; tried until the server answers."""
        return await self._patiently("register", said, Registered)

    async def ask(self, held: list[Held]) -> Asked:
        """Ask for one run."""
        return await self._once("next", Ask(held=held), Asked)

    async def beat(self, held: list[Held]) -> Beaten:
        """Renew leases."""
        return await self._once("heartbeat", Beat(held=held), Beaten)

    async def goodbye(self) -> None:
        """Say that this worker ends. Raises ServerAway."""
        await self._send("goodbye", b"{}")

    async def manifest(self, lease: Held) -> Sealed:
        """The run's manifest; tried until the server answers."""
        return await self._patiently(f"runs/{lease.run_id}/manifest", lease, Sealed)

    async def report(self, lease: Held, told: Report, tail: LogTail | None = None) -> Verdict:
        """Say what happened; tried until the server answers."""
        said = Reported(fence=lease.fence, report=told, tail=tail)
        return await self._patiently(f"runs/{lease.run_id}/report", said, Verdict)

    async def logs(self, lease: Held, state_version: int, offset: int, data: bytes) -> LogAnswer:
        """Send bytes of a log."""
        path = f"runs/{lease.run_id}/logs/{state_version}"
        query = f"?fence={lease.fence}&offset={offset}"
        return LogAnswer.model_validate_json(await self._send(path + query, data))

    async def ticket(self, lease: Held) -> Ticket:
        """Where to put the workspace; tried until the server answers."""
        wanted = TicketWanted(fence=lease.fence)
        return await self._patiently(f"runs/{lease.run_id}/ticket", wanted, Ticket)

    async def download(self, url: str, target: Path) -> None:
        """Fetch a presigned URL to a file, trying four times. Raises Refused, ServerAway."""
        for attempt in range(4):
            try:
                async with self._http.stream("GET", url, timeout=TRANSFER_TIMEOUT) as response:
                    if response.status_code >= 500:
                        raise ServerAway(f"object storage answered {response.status_code}")
                    if response.status_code != 200:
                        raise Refused("DOWNLOAD", "the stored object is not there any more", 404)
                    with target.open("wb") as file:
                        async for chunk in response.aiter_bytes(CHUNK):
                            file.write(chunk)
                return
            except (httpx2.TransportError, ServerAway) as cause:
                if attempt == 3:
                    raise ServerAway("the object storage does not answer") from cause
                await _pause(attempt)

    async def upload(self, url: str, headers: dict[str, str], source: Path) -> None:
        """Put a file to a presigned URL, trying four times. Raises Refused, ServerAway."""
        size = {"content-length": str((await asyncio.to_thread(source.stat)).st_size)}
        for attempt in range(4):
            try:
                response = await self._http.put(
                    url,
                    content=_pieces(source),
                    headers={**headers, **size},
                    timeout=TRANSFER_TIMEOUT,
                )
                if response.status_code >= 500:
                    raise ServerAway(f"object storage answered {response.status_code}")
                if response.status_code not in (200, 201, 204):
                    raise Refused(
                        "UPLOAD", "the object storage refused the upload", response.status_code
                    )
                return
            except (httpx2.TransportError, ServerAway) as cause:
                if attempt == 3:
                    raise ServerAway("the object storage does not answer") from cause
                await _pause(attempt)

    async def _patiently(self, path: str, said: BaseModel, kind: type[A]) -> A:
        attempt = 0
        while True:
            try:
                return await self._once(path, said, kind)
            except ServerAway as cause:
                log.warning("server away, trying again", path=path, reason=str(cause))
                await _pause(attempt)
                attempt = min(attempt + 1, 10)

    async def _once(self, path: str, said: BaseModel, kind: type[A]) -> A:
        answer = await self._send(path, said.model_dump_json(by_alias=True).encode())
        return kind.model_validate_json(answer)

    async def _send(self, path: str, body: bytes) -> bytes:
        headers = {
            "authorization": f"Bearer {self._proof()}",
            "gantry-pool": self._pool_id,
            "content-type": "application/json",
        }
        try:
            response = await self._http.post(f"{self._base}/{path}", content=body, headers=headers)
        except httpx2.TransportError as cause:
            raise ServerAway(type(cause).__name__) from cause
        if response.status_code >= 500 or response.status_code == 429:
            raise ServerAway(f"the server answered {response.status_code}")
        if response.status_code >= 400:
            raise _refusal(response)
        return response.content


def _refusal(response: httpx2.Response) -> Refused:
    try:
        said = response.json()
        return Refused(str(said["code"]), str(said["message"]), response.status_code)
    except (ValueError, KeyError, TypeError):
        words = f"the server answered {response.status_code}"
        return Refused("UNKNOWN", words, response.status_code)


async def _pieces(source: Path) -> AsyncIterator[bytes]:
    with source.open("rb") as file:
        while chunk := await asyncio.to_thread(file.read, CHUNK):
            yield chunk


async def _pause(attempt: int) -> None:
    # Between half and all of it, so that workers do not come back all at once.
    wait = min(FIRST_PAUSE * 2**attempt, LONGEST_PAUSE)
    await asyncio.sleep(wait * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
