"""What a saved filter may be called, and how much it may say."""

from __future__ import annotations

import json

from gantry.kernel.errors import Conflict, UserError

NAME_MAX = 255
TYPE_MAX = 64
MAX_DATA = 16 * 1024
"""Bytes: a view is a few words and values; the longest addresses of our own lists have 2 KiB."""
MAX_OF_ONE = 200
"""Saved filters of one person or key: all of them are shown in one menu."""


class BadFilter(UserError):
    """A name, a type or a content that no saved filter can have."""

    code = "BAD_FILTER"


def checked_name(name: str) -> str:
    """The name without spaces around it. Raises BadFilter."""
    name = name.strip()
    if not name or len(name) > NAME_MAX:
        raise BadFilter(f"A saved filter's name has 1 to {NAME_MAX} characters.")
    return name


def checked_type(kind: str) -> str:
    """The type: any word, because clients have lists of their own. Raises BadFilter."""
    kind = kind.strip()
    if not kind or len(kind) > TYPE_MAX:
        raise BadFilter(f"A saved filter's type has 1 to {TYPE_MAX} characters.")
    return kind


def checked_data(data: str) -> str:
    """The content as it came: a text of JSON, whatever it says. Raises BadFilter."""
    if len(data.encode()) > MAX_DATA:
        raise BadFilter(f"A saved filter's data has at most {MAX_DATA} bytes.")
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        raise BadFilter("A saved filter's data is a text of JSON.") from None
    return data


class TooManyFilters(Conflict):
    """Somebody has as many saved filters as one may have."""

    code = "TOO_MANY_FILTERS"

    def __init__(self) -> None:
        super().__init__(f"You have {MAX_OF_ONE} saved filters; delete one of them first.")
