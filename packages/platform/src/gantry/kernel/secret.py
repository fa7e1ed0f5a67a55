"""A secret that cannot be printed, logged or serialised by accident."""

from __future__ import annotations

import hmac
from typing import NoReturn


class Secret:
    """Holds a secret text. Only `reveal()` gives it up; everything else shows asterisks."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself. Every call is a place to look at in review."""
        return self._value

    def matches(self, candidate: str) -> bool:
        """Whether `candidate` is the secret, in time that does not depend on where they differ."""
        # JSON may bring lone surrogates: no secret has them, but asking must not fail.
        given = candidate.encode(errors="surrogatepass")
        return hmac.compare_digest(self._value.encode(errors="surrogatepass"), given)

    def __repr__(self) -> str:
        return "Secret('********')"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "********"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.matches(other._value)

    def __hash__(self) -> NoReturn:
        raise TypeError("a secret is not a key")

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled")

    def __bool__(self) -> bool:
        return bool(self._value)
