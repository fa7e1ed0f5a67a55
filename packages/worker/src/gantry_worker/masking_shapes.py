"""Secrets that can be told by their looks: tokens with a maker's prefix, and private keys.

The prefixes are those that the makers publish so that leaks can be found.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gantry_worker.masking_words import Span

LONGEST_TOKEN = 4096  # bytes; the largest are JWTs with many claims
LONGEST_KEY = 16 * 1024  # bytes; an RSA key of 16384 bits has 13 kB in PEM


@dataclass(frozen=True, slots=True)
class _Token:
    """Begins with `prefix`, goes on in an alphabet (`run`) for at most `longest` bytes in all,
    and is one if `form` matches that.
    """

    prefix: bytes
    run: re.Pattern[bytes]
    form: re.Pattern[bytes]
    longest: int = LONGEST_TOKEN

    def end(self, text: bytes, at: int, complete: bool) -> tuple[int | None, bool]:
        """Where the token at `at` ends, and whether more text could change that."""
        run = self.run.match(text, at, at + self.longest)
        reached = run.end() if run else at
        matched = self.form.match(text, at, reached)
        undecided = reached == len(text) < at + self.longest and not complete
        return matched.end() if matched else None, undecided


@dataclass(frozen=True, slots=True)
class _Key:
    """Everything from `prefix` to `suffix`; what never ends is cut at LONGEST_KEY."""

    prefix: bytes
    suffix: bytes

    def end(self, text: bytes, at: int, complete: bool) -> tuple[int | None, bool]:
        """Where the key at `at` ends, and whether more text could change that."""
        limit = at + LONGEST_KEY
        found = text.find(self.suffix, at, limit)
        if found >= 0:
            return found + len(self.suffix), False
        return min(len(text), limit), len(text) < limit and not complete


def _token(prefix: str, alphabet: str, least: int, most: int | None = None) -> _Token:
    start = re.escape(prefix)
    return _Token(
        prefix.encode(),
        re.compile(f"{start}[{alphabet}]*".encode()),
        re.compile(f"{start}[{alphabet}]{{{least},}}".encode()),
        LONGEST_TOKEN if most is None else len(prefix) + most,
    )


_SHAPES: tuple[_Token | _Key, ...] = (
    *(_token(prefix, "A-Z0-9", 16, 16) for prefix in ("AKIA", "ASIA")),  # AWS
    *(_token(f"gh{kind}_", "A-Za-z0-9", 36, 255) for kind in "pousr"),  # GitHub
    _token("github_pat_", "A-Za-z0-9_", 22, 255),
    *(_token(f"gl{kind}-", "A-Za-z0-9_.-", 20, 255) for kind in ("pat", "dt", "rt", "ptt")),
    *(_token(f"xox{kind}-", "A-Za-z0-9-", 10, 255) for kind in "abeprs"),  # Slack
    _token("xapp-", "A-Za-z0-9-", 10, 255),
    _token("AIza", "A-Za-z0-9_-", 35, 35),  # Google
    _token("ya29.", "A-Za-z0-9_.-", 20),
    *(_token(f"{name}=", "A-Za-z0-9+/=", 20, 255) for name in ("AccountKey", "SharedAccessKey")),
    *(_token(f"{kind}_live_", "A-Za-z0-9", 16, 255) for kind in ("sk", "rk")),  # Stripe
    _token("npm_", "A-Za-z0-9", 36, 36),
    _token("pypi-", "A-Za-z0-9_-", 50),
    _token("dop_v1_", "a-f0-9", 64, 64),  # DigitalOcean
    *(_token(f"hv{kind}.", "A-Za-z0-9_-", 24) for kind in "sb"),  # Vault
    _Token(  # JWT: two JSON objects and a signature
        b"eyJ",
        re.compile(rb"eyJ[A-Za-z0-9_.-]*"),
        re.compile(rb"eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
    ),
    *(
        _Key(
            f"-----BEGIN {kind}PRIVATE KEY-----".encode(),
            f"-----END {kind}PRIVATE KEY-----".encode(),
        )
        for kind in ("", "RSA ", "EC ", "DSA ", "OPENSSH ", "ENCRYPTED ")
    ),
)


_BEGINNINGS = frozenset(
    shape.prefix[:length] for shape in _SHAPES for length in range(1, len(shape.prefix))
)
_LONGEST_BEGINNING = max(map(len, _BEGINNINGS))


def find(text: bytes, *, complete: bool) -> tuple[list[Span], int]:
    """Where such secrets stand, and where the first begins that more text could change.

    `complete` says that there will be no more text.
    """
    found, unfinished = [], len(text) if complete else _cut_off(text)
    for shape in _SHAPES:
        at = text.find(shape.prefix)
        while at >= 0:
            end, undecided = shape.end(text, at, complete)
            if end is not None:
                found.append((at, end))
            if undecided:
                unfinished = min(unfinished, at)
            at = text.find(shape.prefix, at + 1)
    return found, unfinished


def _cut_off(text: bytes) -> int:
    """Where a prefix begins in the middle of which the text ends; else the text's length."""
    for length in range(min(_LONGEST_BEGINNING, len(text)), 0, -1):
        if text[-length:] in _BEGINNINGS:
            return len(text) - length
    return len(text)
