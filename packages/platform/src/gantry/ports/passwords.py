"""Hashing of what people and machines sign in with."""

from __future__ import annotations

from typing import Protocol

from gantry.kernel.secret import Secret


class Passwords(Protocol):
    """One-way storage of secrets; slow on purpose, so it never runs on the event loop."""

    async def hash(self, secret: Secret) -> str:
        """A text to store, from which the secret cannot be had back."""
        ...

    async def fits(self, stored: str | None, candidate: str) -> bool:
        """Whether `candidate` is what was hashed. None costs the same time and never fits."""
        ...
