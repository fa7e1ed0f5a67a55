"""References between variables: `${NAME}` in a value stands for the value of that variable.

Source: run configuration contract, §2.2. There is no way to write one that is meant literally;
one to a name that no variable has is left as it stands.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping
from graphlib import CycleError, TopologicalSorter

_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")

MAX_VALUE = 128 * 1024
"""Bytes of a value with its references replaced: Linux starts no process with a longer variable."""
MAX_REPLACED = 2 * 1024 * 1024
"""Bytes of all of them: nor with a larger environment."""


class TooLong(Exception):
    """No process could be started with it; the message says which variable it is."""


def interpolated(values: Mapping[str, str], beneath: Mapping[str, str]) -> dict[str, str]:
    """The values with their references replaced, in whatever order they refer to one another.

    A variable that refers to itself means what it would be otherwise: the value `beneath`, as in
    `${PATH}:/opt/bin`. References into a circle are left as they stand. Raises TooLong.
    """
    done = dict(values)
    settled = {name for name, value in values.items() if "${" not in value}
    ordered = _order(values)
    circling = values.keys() - settled - set(ordered)
    total = 0
    for name in [*ordered, *circling]:
        done[name] = _replaced(name, values[name], _meaning(name, done, settled, beneath))
        if name not in circling:
            settled.add(name)
        total += _size(done[name])
        if total > MAX_REPLACED:
            raise TooLong(
                f"Variables with references are larger than {MAX_REPLACED} bytes together."
            )
    return done


def _order(values: Mapping[str, str]) -> list[str]:
    """The variables with references, those first that others refer to; without those in a circle,
    or that refer into one.
    """
    referring = {
        name: {word for word in _REFERENCE.findall(value) if word != name and word in values}
        for name, value in values.items()
        if "${" in value
    }
    sorter = TopologicalSorter(
        {name: [word for word in words if word in referring] for name, words in referring.items()}
    )
    with contextlib.suppress(CycleError):  # what is in no circle can still be asked for
        sorter.prepare()
    found: list[str] = []
    while ready := sorter.get_ready():
        found += ready
        sorter.done(*ready)
    return found


def _meaning(
    name: str, done: Mapping[str, str], settled: set[str], beneath: Mapping[str, str]
) -> Callable[[str], str | None]:
    def of(word: str) -> str | None:
        if word == name:
            return beneath.get(name)
        return done[word] if word in settled else None

    return of


def _replaced(name: str, value: str, meaning: Callable[[str], str | None]) -> str:
    parts: list[str] = []
    size, at = _size(value), 0
    for found in _REFERENCE.finditer(value):
        text = meaning(found[1])
        if text is None:
            continue
        size += _size(text) - len(found[0])
        if size > MAX_VALUE:
            raise TooLong(f"With its references replaced {name} is larger than {MAX_VALUE} bytes.")
        parts += (value[at : found.start()], text)
        at = found.end()
    return "".join(parts) + value[at:]


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogateescape"))
