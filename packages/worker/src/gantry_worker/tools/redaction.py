"""Values out of Terraform's JSON, without what must not be seen.

Beside each value Terraform puts marks of the same shape: `true` stands for everything at and
below its place. Where a mark does not fit the value it is beside, the doubt goes to the secret.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any, NoReturn

SENSITIVE = "(sensitive value)"
UNKNOWN = "(known after apply)"

MAX_DEPTH = 200
"""Levels of nesting: no provider comes near, and everything that reads our answer can take it."""

MAX_BYTES = 256 * 1024 * 1024
"""Bytes of one JSON document: four times a whole report, for a plan says most things four times."""


class BadPlan(ValueError):
    """A plan, state or list of outputs that cannot be read; the message says what is wrong."""


def read_json(data: bytes, what: str) -> Any:
    """The document in `data`, called `what` in messages. Raises BadPlan."""
    if len(data) > MAX_BYTES:
        raise BadPlan(f"{what} has {len(data)} bytes; at most {MAX_BYTES} are read.")
    try:
        return json.loads(data, parse_float=_number, parse_constant=_no_number)
    except BadPlan:
        raise
    except RecursionError:
        raise _too_deep(what) from None
    except ValueError as cause:
        # The decoder's own words name a position, never the text found there.
        raise BadPlan(f"{what} is not JSON: {type(cause).__name__}.") from None


def redacted(value: Any, sensitive: Any, unknown: Any = False) -> Any:
    """A copy of `value` with words in the place of what is secret, or not known yet.

    `sensitive` and `unknown` are marks; None is a mark that marks nothing. What is both is
    called sensitive. Unknown attributes, which Terraform leaves out of the value, appear.
    Raises BadPlan when the value is nested deeper than MAX_DEPTH.
    """
    answer: list[Any] = [None]
    todo: list[tuple[Any, Any, Any, Any, Any, int]] = [(answer, 0, value, sensitive, unknown, 0)]
    while todo:  # a loop, for a call per level would let the document decide how deep we go
        into, key, value, sensitive, unknown, depth = todo.pop()
        if depth > MAX_DEPTH:
            raise _too_deep("A value")
        if value is None and isinstance(unknown, dict | list) and _marks_anything(unknown):
            value = type(unknown)()
        if _covers(sensitive, value):
            into[key] = SENSITIVE
        elif _covers(unknown, value, longer=True):
            into[key] = UNKNOWN
        elif isinstance(value, dict):
            below = into[key] = dict.fromkeys((*value, *_missing_names(value, unknown)))
            todo += [
                (below, k, value.get(k), _at(sensitive, k), _at(unknown, k), depth + 1)
                for k in below
            ]
        elif isinstance(value, list):
            size = max(len(value), len(unknown) if isinstance(unknown, list) else 0)
            row = into[key] = [None] * size
            todo += [
                (row, i, _at(value, i), _at(sensitive, i), _at(unknown, i), depth + 1)
                for i in range(size)
            ]
        else:
            into[key] = value
    return answer[0]


def _covers(mark: Any, value: Any, *, longer: bool = False) -> bool:
    """Whether a mark stands for the whole value: it says so, or it does not fit and marks
    something. Marks of what is unknown may be `longer` than the list they are beside.
    """
    if mark is None or mark is False:
        return False
    if isinstance(mark, dict):
        fits = isinstance(value, dict)
    elif isinstance(mark, list):
        fits = isinstance(value, list) and (
            len(mark) == len(value) or (longer and len(mark) > len(value))
        )
    else:
        return True
    return not fits and _marks_anything(mark)


def _marks_anything(mark: Any) -> bool:
    return any(leaf is not None and leaf is not False for leaf in _leaves(mark))


def _leaves(mark: Any) -> Iterator[Any]:
    todo = [mark]
    while todo:
        here = todo.pop()
        if isinstance(here, dict):
            todo += here.values()
        elif isinstance(here, list):
            todo += here
        else:
            yield here


def _missing_names(value: dict[str, Any], unknown: Any) -> list[str]:
    if not isinstance(unknown, dict):
        return []
    return [name for name, mark in unknown.items() if name not in value and _marks_anything(mark)]


def _at(inside: Any, key: Any) -> Any:
    """What is at `key`; None where there is nothing."""
    if isinstance(inside, dict):
        return inside.get(key)
    if isinstance(inside, list) and isinstance(key, int) and key < len(inside):
        return inside[key]
    return None


def _number(text: str) -> float | str:
    number = float(text)
    return number if math.isfinite(number) else text  # too large for a float: shown as written


def _no_number(text: str) -> NoReturn:
    raise BadPlan(f"{text} is not a number in JSON.")


def _too_deep(what: str) -> BadPlan:
    return BadPlan(f"{what} is nested deeper than {MAX_DEPTH} levels.")
