"""The server as a worker sees it: gantry_protocol.calls over HTTPS, patient with outages."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import httpx2
import structlog
from gantry_protocol.calls import (
    Ask,
    Asked,
    Beat,
    Beaten,
    Held,
    Kept,
    LogAnswer,
    LogTail,
    Register,
    Registered,
    Report,
    Reported,
    Sealed,
    StepTaken,
    Ticket,
    TicketWanted,
    Verdict,
)
from gantry_protocol.proxies import Proxies
from gantry_protocol.uploads import UPLOAD_HEADERS
from pydantic import BaseModel, ValidationError

from gantry_worker.trust import Trust

log = structlog.get_logger()

A = TypeVar("A", bound=BaseModel)

FIRST_PAUSE = 0.25
LONGEST_PAUSE = 10.0
"""Seconds between tries: a restarted server is found within one, an absent one is not flooded."""
TIMEOUT = httpx2.Timeout(30.0, connect=5.0)
TRANSFER_TIMEOUT = httpx2.Timeout(300.0, connect=10.0)
CHUNK = 1024 * 1024
FAILING_LIMIT = 600.0
"""Seconds for which a server may fail on one report: longer than a deployment's hiccup, and what
fails on the same words for so long does so for ever."""


class Refused(Exception):
    """The server answered, and the answer is no."""

    def __init__(self, code: str, message: str, status: int) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


class ServerAway(ConnectionError):
    """The server did not answer, or said that it cannot now, or somebody else answered for it."""


class ServerFailing(ServerAway):
    """The server itself answered that it met an error of its own."""


class StillFailing(Exception):
    """The server fails on one message again and again, though it is there."""


class ControlPlane:
    """One worker's connection. Calls raise Refused, and ServerAway unless they say otherwise."""

    def __init__(
        self,
        base_url: str,
        pool_id: str,
        proof: Callable[[], str],
        *,
        trust: Trust | None = None,
        proxies: Proxies | None = None,
    ) -> None:
        self._base = f"{base_url}/worker/v1"
        self._pool_id = pool_id
        self._proof = proof
        # httpx heeds the proxies of the environment by itself; this one is for messages.
        at = urlsplit(base_url)
        self._proxy = (proxies or Proxies()).to(at.hostname or "", encrypted=at.scheme == "https")
        self._http = httpx2.AsyncClient(timeout=TIMEOUT, verify=(trust or Trust()).context())

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

    async def report(
        self,
        lease: Held,
        told: Report,
        tail: LogTail | None = None,
        steps: Callable[[], list[StepTaken]] = list,
    ) -> Verdict:
        """Say what happened; tried until the server answers. `steps` is asked at each try.

        Raises StillFailing when it answers with an error of its own for FAILING_LIMIT.
        """

        def said() -> Reported:
            return Reported(fence=lease.fence, report=told, tail=tail, steps=steps())

        path = f"runs/{lease.run_id}/report"
        return await self._patiently(path, said, Verdict, failing_limit=FAILING_LIMIT)

    async def logs(self, lease: Held, state_version: int, offset: int, data: bytes) -> LogAnswer:
        """Send bytes of a log."""
        path = f"runs/{lease.run_id}/logs/{state_version}"
        query = f"?fence={lease.fence}&offset={offset}"
        return _understood(LogAnswer, await self._send(path + query, data))

    async def ticket(self, lease: Held) -> Ticket:
        """Where to put the workspace; tried until the server answers."""
        wanted = TicketWanted(fence=lease.fence)
        return await self._patiently(f"runs/{lease.run_id}/ticket", wanted, Ticket)

    async def keep_state(self, lease: Held, packed: bytes) -> Kept:
        """Give the server a gzipped state that no backend took."""
        path = f"runs/{lease.run_id}/unsaved-state?fence={lease.fence}"
        return _understood(Kept, await self._send(path, packed))

    async def download(self, url: str, target: Path, *, limit: int) -> None:
        """Fetch a presigned URL to a file, trying four times.

        Raises Refused, also for more than `limit` bytes, and ServerAway.
        """
        for attempt in range(4):
            try:
                async with self._http.stream("GET", url, timeout=TRANSFER_TIMEOUT) as response:
                    if response.status_code >= 500:
                        raise ServerAway(f"object storage answered {response.status_code}")
                    if response.status_code != 200:
                        raise Refused("DOWNLOAD", "the stored object is not there any more", 404)
                    await _keep(response, target, limit)
                return
            except (httpx2.TransportError, ServerAway) as cause:
                if attempt == 3:
                    raise ServerAway("the object storage does not answer") from cause
                await _pause(attempt)

    async def upload(self, url: str, headers: dict[str, str], source: Path) -> None:
        """Put a file to a presigned URL, trying four times. Raises Refused, ServerAway."""
        size = {"content-length": str((await asyncio.to_thread(source.stat)).st_size)}
        await self._put(url, {**headers, **size}, lambda: _pieces(source))

    async def store(self, url: str, data: bytes) -> None:
        """Put some bytes to a presigned URL, trying four times. Raises Refused, ServerAway."""
        await self._put(url, {}, lambda: data)

    async def _put(
        self,
        url: str,
        headers: dict[str, str],
        content: Callable[[], bytes | AsyncIterator[bytes]],
    ) -> None:
        for attempt in range(4):
            try:
                response = await self._http.put(
                    url,
                    content=content(),
                    headers={**UPLOAD_HEADERS, **headers},
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

    async def _patiently(
        self,
        path: str,
        said: BaseModel | Callable[[], BaseModel],
        kind: type[A],
        *,
        failing_limit: float | None = None,
    ) -> A:
        attempt, failing_since = 0, None
        while True:
            try:
                message = said if isinstance(said, BaseModel) else said()
                return await self._once(path, message, kind)
            except ServerAway as cause:
                now = time.monotonic()
                if not isinstance(cause, ServerFailing):
                    failing_since = None
                elif failing_since is None:
                    failing_since = now
                elif failing_limit is not None and now - failing_since > failing_limit:
                    raise StillFailing(str(cause)) from cause
                log.warning("server away, trying again", path=path, reason=str(cause))
                await _pause(attempt)
                attempt = min(attempt + 1, 10)

    async def _once(self, path: str, said: BaseModel, kind: type[A]) -> A:
        answer = await self._send(path, said.model_dump_json(by_alias=True).encode())
        return _understood(kind, answer)

    async def _send(self, path: str, body: bytes) -> bytes:
        headers = {
            "authorization": f"Bearer {self._proof()}",
            "gantry-pool": self._pool_id,
            "content-type": "application/json",
        }
        try:
            response = await self._http.post(f"{self._base}/{path}", content=body, headers=headers)
        except httpx2.TransportError as cause:
            raise ServerAway(self._why(cause)) from cause
        if response.status_code == 500:
            raise ServerFailing("the server answered 500")
        # 502 to 504 are an ingress's words for a server that is not there.
        if response.status_code >= 500 or response.status_code == 429:
            raise ServerAway(f"the server answered {response.status_code}")
        if response.status_code >= 300:
            raise _refusal(response)
        return response.content

    def _why(self, cause: httpx2.TransportError) -> str:
        said = f"{type(cause).__name__}: {cause}".removesuffix(": ")
        if self._proxy is None:
            return said
        if isinstance(cause, httpx2.ProxyError):
            return f"the proxy {self._proxy.shown} does not let us through: {cause}"
        return f"{said} (through the proxy {self._proxy.shown})"


def _refusal(response: httpx2.Response) -> Refused | ServerAway:
    """Only the server's own words count: an ingress may say 403 or 404 while it is elsewhere."""
    try:
        said = response.json()
        code, message = said["code"], said["message"]
    except (ValueError, KeyError, TypeError, RecursionError):
        code = message = None
    if response.status_code < 400 or not isinstance(code, str) or not isinstance(message, str):
        return ServerAway(f"something else than the server answered {response.status_code}")
    return Refused(code, message, response.status_code)


def _understood(kind: type[A], answer: bytes) -> A:
    try:
        return kind.model_validate_json(answer)
    except ValidationError:
        # A page of an ingress, or an answer cut short: not what was asked for.
        raise ServerAway("the answer is not the server's, or not whole") from None


async def _keep(response: httpx2.Response, target: Path, limit: int) -> None:
    size = 0
    with target.open("wb") as file:
        async for chunk in response.aiter_bytes(CHUNK):
            size += len(chunk)
            if size > limit:
                raise Refused("DOWNLOAD", f"the stored object has more than {limit} bytes", 413)
            await asyncio.to_thread(file.write, chunk)


async def _pieces(source: Path) -> AsyncIterator[bytes]:
    with source.open("rb") as file:
        while chunk := await asyncio.to_thread(file.read, CHUNK):
            yield chunk


async def _pause(attempt: int) -> None:
    # Between half and all of it, so that workers do not come back all at once.
    wait = min(FIRST_PAUSE * 2**attempt, LONGEST_PAUSE)
    await asyncio.sleep(wait * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
