"""What a database keeps of a text: no NUL character, and no half of a surrogate pair."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

UNKEPT = "A text holds a NUL character or half of a surrogate pair, which no database keeps."
"""What whoever sent such a text is told."""


def can_be_kept(text: str) -> bool:
    """Whether a database takes the text as it is."""
    if "\0" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def keepable(text: str) -> str:
    """The text as a database takes it: what it does not is shown as a replacement character."""
    if can_be_kept(text):
        return text
    return (
        text.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    )


def all_can_be_kept(document: Any) -> bool:
    """The same for every text in a JSON value, names included; however deep, without recursion."""
    waiting: list[Any] = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            if not can_be_kept(value):
                return False
        elif isinstance(value, dict):
            waiting += [*value, *value.values()]
        elif isinstance(value, Collection):
            waiting += value
        elif isinstance(value, float) and not math.isfinite(value):
            return False  # Python reads NaN and Infinity, and no database calls them JSON
    return True
