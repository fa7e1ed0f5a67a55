"""Identifiers: ULIDs for what happens, slugs for what people name.

Slugs follow the rule that existing clients compute on their own side (contract notes,
"Identifiers and scalars"): an emoji becomes `-emoji-<name>-`, `&` and `@` become words, quotes go;
then transliterate to ASCII, lower-case, each run of other characters becomes one dash,
underscores stay but for those at the ends, at most 256 characters.
"""

from __future__ import annotations

import re
import secrets

import emoji
from text_unidecode import unidecode  # type: ignore[import-untyped]  # carries no types
from ulid import ULID

SLUG_MAX = 256
_SPELLED = str.maketrans(
    {"&": "and", "@": "at", '"': "", "'": "", "\N{RIGHT SINGLE QUOTATION MARK}": ""}
)
_OTHERS = re.compile(r"[^a-z0-9_]+")
_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")


def new_id() -> str:
    """A fresh ULID: sorts by creation, 26 characters of Crockford's alphabet."""
    return str(ULID())


def as_number(ulid: str) -> int:
    """The 128 bits of a ULID: as many as the id of a trace has. Raises ValueError."""
    return int(ULID.from_str(ulid))


def is_ulid(text: str) -> bool:
    """Whether `text` parses as a ULID; clients tell ids from slugs by this alone."""
    return bool(_ULID.fullmatch(text.upper()))


def slug(name: str) -> str:
    """The slug of a name: see the module's head for the rule. May be empty."""
    # Slug libraries also decode HTML and drop the commas in numbers: the clients' rule does not.
    spelled = emoji.demojize(name, delimiters=("-emoji-", "-")).translate(_SPELLED)
    text = _OTHERS.sub("-", unidecode(spelled).lower())
    return text.strip("-_")[:SLUG_MAX].strip("-_")


def unique_slug(name: str, taken: frozenset[str] | set[str]) -> str:
    """The slug of `name`, with a short random suffix when it is taken or looks like a ULID."""
    wanted = slug(name) or "unnamed"
    if wanted not in taken and not is_ulid(wanted):
        return wanted
    return f"{wanted[: SLUG_MAX - 6].rstrip('-')}-{secrets.token_hex(3)[:5]}"
