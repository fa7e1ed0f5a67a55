"""Encryption of what must not be read at rest, and the signing of our own tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from gantry.kernel.errors import UserError


class Unreadable(UserError):
    """A sealed value whose key, identity or bytes are not what they were."""

    code = "UNREADABLE_SECRET"
    status = 409


class InvalidToken(UserError):
    """A token that is forged, expired, or meant for something else."""

    code = "INVALID_TOKEN"
    status = 401

    def __init__(self, reason: str = "the token is not valid") -> None:
        super().__init__(f"unauthorized: {reason}")


class KeyServiceDown(UserError):
    """The service that keeps the keys does not answer, or refuses."""

    code = "KEY_SERVICE_UNAVAILABLE"
    status = 503

    def __init__(
        self, detail: str, *, message: str = "The key service cannot be reached; try again."
    ) -> None:
        super().__init__(message, detail=detail)


@dataclass(frozen=True, slots=True)
class SignedToken:
    """A verified token: who it speaks for and everything it claims."""

    subject: str
    claims: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class KeptKey:
    """A key that tokens are checked with. `jwk` (JSON) is secret, unless it is a public key. Tokens
    that we take ourselves are signed with it if it is our `own`; all others are for others only.

    `last_used_at` is when it last signed something, as far as is known: processes note it every
    few minutes.
    """

    kid: str
    algorithm: str
    own: bool
    jwk: bytes = field(repr=False)
    last_used_at: datetime


class Sealing(Protocol):
    """Something that is being sealed. Its pieces together are what `seal` answers."""

    def take(self, plain: bytes | memoryview) -> bytes:
        """The next piece, sealed."""
        ...

    def finish(self) -> bytes:
        """What goes after the last piece."""
        ...


class Opening(Protocol):
    """Something that is being opened."""

    def take(self, sealed: bytes) -> bytes:
        """Plain text, not to be used before `finish` has said that it is whole.

        Raises Unreadable.
        """
        ...

    def finish(self) -> None:
        """Everything was taken. Raises Unreadable unless it is what was sealed."""
        ...


class Vault(Protocol):
    """Seals bytes for one row, and signs JWTs."""

    def seal(self, plain: bytes, *, identity: str) -> bytes:
        """Encrypt so that only a row of the same `identity` can be read back.

        The answer carries the version of the key, so that keys can be rotated.
        """
        ...

    def open(self, sealed: bytes, *, identity: str) -> bytes:
        """What `seal` was given. Raises Unreadable."""
        ...

    def sealing(self, *, identity: str) -> Sealing:
        """As `seal`, for what comes in pieces."""
        ...

    def opening(self, *, identity: str) -> Opening:
        """As `open`, for what comes in pieces, however it was sealed."""
        ...

    def sign(self, claims: Mapping[str, Any]) -> str:
        """A JWT of our own, for `verify`; `exp`, `aud` and `purpose` are the caller's to set."""
        ...

    async def vouch(self, claims: Mapping[str, Any]) -> str:
        """A JWT for other systems (RS256, with `kid`), which `jwks` is for; `exp` and `aud` are
        the caller's to set, and `purpose` is not set. Raises KeyServiceDown.
        """
        ...

    def verify(self, token: str, *, audience: str, purpose: str, ever: bool = False) -> SignedToken:
        """The content of a token of ours that is for this audience and purpose, by a key that is
        in use or was until lately. With `ever`, by any key that was in use at the token's `iat`.

        Raises InvalidToken.
        """
        ...

    def sign_url(self, text: str) -> str:
        """A keyed digest (hex) of `text`, for URLs that this installation serves itself."""
        ...

    def check_url(self, text: str, signature: str) -> bool:
        """Whether `sign_url` made this signature of `text`, with this or an earlier data key."""
        ...

    def jwks(self) -> Mapping[str, Any]:
        """The public keys as a JSON Web Key Set, those included that were in use until lately."""
        ...

    @property
    def seals_with(self) -> int:
        """The version of the data key that is used for new values."""
        ...

    def opens(self, version: int) -> bool:
        """Whether values of this version of the data key can be opened here."""
        ...

    def signers(self) -> Sequence[KeptKey]:
        """The keys that this vault signs with, for others to check by."""
        ...


class Keyring(Protocol):
    """Wraps data keys. Several keys may be known: one is the present one, the others were."""

    async def wrap(self, data_key: bytes) -> bytes:
        """As it may be stored, by the present key. Raises KeyServiceDown, which says what to do."""
        ...

    async def unwrap(self, wrapped: bytes) -> bytes:
        """What any of the keys was given. Raises Unreadable, and KeyServiceDown as `wrap` does."""
        ...

    def is_present(self, wrapped: bytes) -> bool:
        """Whether it was wrapped by a key of the present one's type."""
        ...
