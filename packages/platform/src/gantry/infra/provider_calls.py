"""What identity providers are asked for over HTTP, in JSON or as a document.

Providers in private networks are usual where a platform runs in one. The host that an admin named
may therefore have any address; every other host that it leads to has to be public, or allowed by
the operator.
"""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from gantry.kernel.errors import UserError
from gantry.ports.outward import Answer, Outward
from gantry.ports.sign_on import ProviderUnusable

Towards = Callable[[str], Outward]
"""A client that may also reach this host, whatever its address."""

MAX_ANSWER = 1024 * 1024
"""Bytes of an answer. Metadata of large federations have more, those of one provider a tenth."""
PATIENCE = timedelta(seconds=10)
"""For an answer: somebody sits at a browser and waits."""
REMEMBERED = 300.0
"""Seconds for which documents are not asked for again."""
FRESH = 30.0
"""The same where a document does not have the key that something was signed with. Providers may
have changed it; but anybody can send such things, and must not have us ask each time."""
NOW = 0.0
"""The same for what an admin has just set."""
FAILED = 5.0
"""Seconds for which a document that could not be had is not asked for again: else everybody who
signs in would wait for a provider that does not answer, one after another."""
KNOWN_AT_ONCE = 16
"""Documents remembered: one provider has two or three, and a new one takes their place."""


class BadStatus(ProviderUnusable):
    """The identity provider answered, with a status that says no."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class _Known:
    """A document. Whoever asks for it holds the lock."""

    found: Any = None
    found_at: float = -math.inf
    failure: ProviderUnusable | None = None
    failed_at: float = -math.inf
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Calls:
    """Asks, and remembers documents for a while."""

    def __init__(
        self, towards: Towards, *, plain: bool, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`plain`: whether http will do, as it does where browsers come without TLS as well."""
        self._towards, self._plain, self._clock = towards, plain, clock
        self._known: dict[tuple[str, str], _Known] = {}

    def checked(self, url: object, what: str) -> str:
        """The address, if it is one that may be used. Raises ProviderUnusable."""
        schemes = ("https", "http") if self._plain else ("https",)
        if isinstance(url, str) and url.isprintable():
            try:
                parts = urlsplit(url)
                if parts.scheme in schemes and parts.hostname and not parts.username:
                    return url
            except ValueError:
                pass
        raise ProviderUnusable(f"The provider's {what} is not an https:// address.")

    async def json(
        self, home: str, url: str, *, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """A JSON object. `home` is an address of the host that was named by an admin."""
        return _object(await self._get(home, url, headers or {}), url)

    async def items(self, home: str, url: str, *, headers: Mapping[str, str]) -> list[Any]:
        """A JSON list. Raises ProviderUnusable."""
        found = _read(await self._get(home, url, headers), url)
        if not isinstance(found, list):
            raise ProviderUnusable(f"{_host(url)} answered with something else than a list.")
        return found

    async def known_json(
        self, home: str, url: str, *, at_most: float = REMEMBERED
    ) -> dict[str, Any]:
        """As `json`, from memory if it is at most so many seconds old."""
        return dict(await self._once(home, url, at_most, lambda: self.json(home, url)))

    async def known_text(self, home: str, url: str, *, at_most: float = REMEMBERED) -> str:
        """A document, from memory if it is at most so many seconds old."""
        return str(await self._once(home, url, at_most, lambda: self._text(home, url)))

    async def form(
        self, home: str, url: str, fields: Mapping[str, str], headers: Mapping[str, str]
    ) -> tuple[int, dict[str, Any]]:
        """The status and the JSON object that answer a form. Raises ProviderUnusable.

        Forms carry secrets: no redirect takes them to another origin.
        """
        kind = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        self.checked(url, "address")
        try:
            answer = await self._towards(_host(home)).post(
                url,
                headers=kind,
                private=headers,
                body=urlencode(fields).encode(),
                stay=True,
                limit=MAX_ANSWER,
                timeout=PATIENCE,
            )
        except UserError as error:
            raise _unusable(error) from None
        read = _read(answer, url, failed=True)
        return answer.status, read if isinstance(read, dict) else {}

    async def _text(self, home: str, url: str) -> str:
        answer = await self._get(home, url, {})
        if not answer.succeeded:
            raise _bad_status(answer, url)
        return answer.body.decode(errors="replace")

    async def _get(self, home: str, url: str, headers: Mapping[str, str]) -> Answer:
        self.checked(url, "address")
        try:
            answer = await self._towards(_host(home)).get(
                url, headers={}, private=headers, limit=MAX_ANSWER, timeout=PATIENCE
            )
        except UserError as error:
            raise _unusable(error) from None
        if answer.cut:
            raise ProviderUnusable(f"{_host(url)} answered with more than {MAX_ANSWER} bytes.")
        return answer

    async def _once(
        self, home: str, url: str, at_most: float, ask: Callable[[], Awaitable[Any]]
    ) -> Any:
        """What is known, or what `ask` answers; of many at once, one asks."""
        known = self._known.get((home, url))
        if known is None:
            while len(self._known) >= KNOWN_AT_ONCE:
                self._known.pop(next(iter(self._known)))
            known = self._known[home, url] = _Known()
        if self._clock() - known.found_at < at_most:
            return known.found
        async with known.lock:
            # Whoever had the lock may have asked meanwhile.
            if self._clock() - known.found_at < at_most:
                return known.found
            if known.failure is not None:
                if self._clock() - known.failed_at < min(at_most, FAILED):
                    raise ProviderUnusable(known.failure.message, detail=known.failure.detail)
                known.failure = None
            try:
                known.found = await ask()
            except ProviderUnusable as error:
                known.failure = ProviderUnusable(error.message, detail=error.detail)
                known.failed_at = self._clock()
                raise
            known.found_at = self._clock()
            return known.found


def _unusable(error: UserError) -> ProviderUnusable:
    return ProviderUnusable(error.message, detail=error.detail)


def _object(answer: Answer, url: str) -> dict[str, Any]:
    found = _read(answer, url)
    if not isinstance(found, dict):
        raise ProviderUnusable(f"{_host(url)} answered with something else than an object.")
    return found


def _read(answer: Answer, url: str, *, failed: bool = False) -> Any:
    if not answer.succeeded and not failed:
        raise _bad_status(answer, url)
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        raise ProviderUnusable(f"{_host(url)} answered with something else than JSON.") from None


def _bad_status(answer: Answer, url: str) -> BadStatus:
    return BadStatus(f"{_host(url)} answered with the status {answer.status}.", answer.status)


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""
