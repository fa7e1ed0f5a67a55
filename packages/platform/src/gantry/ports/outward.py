"""Calls to addresses that people configured: webhooks, identity providers, integrations.

Whoever names an address must not get at what only this machine can reach. So every call goes
through here: no other part of the product opens connections to such addresses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from gantry.kernel.errors import UserError


class BadAddress(UserError):
    """An address that is not one of http or https, or that carries a password."""

    code = "BAD_ADDRESS"


class AddressRefused(UserError):
    """An address that leads where this installation does not go for others."""

    code = "ADDRESS_REFUSED"
    status = 422

    def __init__(self, *, detail: str = "") -> None:
        super().__init__(
            "The address leads to a private network or to this machine, which this installation"
            " does not allow.",
            detail=detail,
        )


class Unreached(UserError):
    """Nobody answered, or not in the way or the time that was asked for."""

    code = "ADDRESS_NOT_REACHED"
    status = 422


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whatever its status."""

    status: int
    headers: Sequence[tuple[str, str]]
    """Names in lower case, in the order in which they came; a name may come twice."""
    body: bytes
    cut: bool = False
    """Whether there was more than the limit; the rest was not read."""

    @property
    def succeeded(self) -> bool:
        """Whether the status is one of 200 to 299."""
        return 200 <= self.status <= 299

    def header(self, name: str) -> str | None:
        """The first value of a header, by its name in any case."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key == wanted), None)


class Outward(Protocol):
    """An HTTP client for addresses that somebody configured.

    A name is looked up once per connection; if one of its addresses is private, loopback,
    link-local, shared, multicast or reserved, nothing is connected to, and otherwise the
    connection goes to an address that was looked at. TLS still proves the name. At most three
    redirects are followed, each looked at in the same way, and none from https to http.
    """

    def check(self, url: str) -> None:
        """What can be said of an address without asking anybody. Raises BadAddress,
        AddressRefused.
        """
        ...

    async def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str],
        private: Mapping[str, str] | None = None,
        limit: int,
        timeout: timedelta,
    ) -> Answer:
        """The answer to a GET; at most `limit` bytes of its body are read.

        `private` are headers that a redirect to another origin does not get. `timeout` is for the
        whole exchange. Raises BadAddress, AddressRefused, Unreached.
        """
        ...

    async def post(
        self,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes,
        private: Mapping[str, str] | None = None,
        limit: int,
        timeout: timedelta,
        stay: bool = False,
    ) -> Answer:
        """The same for a POST. Redirects that would make a GET of it (301, 302, 303) are not
        followed: they are the answer. With `stay` so are those to another origin, which would get
        the body.
        """
        ...
