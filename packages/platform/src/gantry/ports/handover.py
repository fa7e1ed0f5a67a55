"""Giving a token to a program on somebody's own computer, through their browser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from gantry.kernel.errors import UserError
from gantry.kernel.secret import Secret


class BadKey(UserError):
    """A public key that nothing is given to."""

    code = "BAD_CLI_KEY"


@dataclass(frozen=True, slots=True)
class Parcel:
    """A token that only the holder of a private key can read, in base64url without padding."""

    token: str
    key: str


class Handover(Protocol):
    """Encrypts as the command line tool decrypts."""

    def pack(self, public_key: str, token: Secret) -> Parcel:
        """The token for the holder of this key (contract notes, "JWT and session exchange").

        Raises BadKey.
        """
        ...
