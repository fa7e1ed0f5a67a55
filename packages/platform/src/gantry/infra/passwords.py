"""Argon2id behind the passwords port."""

from __future__ import annotations

import asyncio
import secrets
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from gantry.kernel.secret import Secret


class Argon2Passwords:
    """The library's own parameters, which follow RFC 9106's second recommendation."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()

    async def hash(self, secret: Secret) -> str:
        """A text to store, from which the secret cannot be had back."""
        return await asyncio.to_thread(self._hasher.hash, secret.reveal())

    async def fits(self, stored: str | None, candidate: str) -> bool:
        """Whether `candidate` is what was hashed. None costs the same time and never fits."""
        fits = await asyncio.to_thread(self._check, stored or self._nobody, candidate)
        return fits and stored is not None

    def _check(self, stored: str, candidate: str) -> bool:
        try:
            return self._hasher.verify(stored, candidate)
        except (VerifyMismatchError, InvalidHashError):
            return False

    @cached_property
    def _nobody(self) -> str:
        return self._hasher.hash(secrets.token_hex(32))
