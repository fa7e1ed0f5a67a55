"""YAML that strangers wrote, read within limits and with the lines at hand.

Anchors, aliases and merge keys work. What they expand to is bounded before anything is built from
it. Only texts, lists and mappings come of it: a number stays as it was written.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from gantry.kernel.errors import UserError

MAX_YAML = 256 * 1024
"""Bytes of the text, and of all environment values together."""
MAX_ALIASES = 100
"""Uses of anchors in what comes with one run."""
MAX_NODES = 10_000
"""Values, with every alias counted as what it stands for. A file of 400 stacks with 20 each."""
MAX_EXPANDED = 1024 * 1024
"""Bytes of all values, counted in the same way."""
MAX_DEPTH = 20
"""Nesting: a file of several stacks needs 5."""


class BadRuntimeConfig(UserError):
    """A configuration that no run can be given."""

    code = "BAD_RUNTIME_CONFIG"


class Entries(dict[str, Any]):
    """A mapping that knows where in the text each of its names stands."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[str, int] = {}

    def where(self, name: str) -> str:
        """For the end of a sentence: ` (line 3)`."""
        return f" (line {self.lines[name]})" if name in self.lines else ""


class Written(str):
    """A number, truth value or date as it was written: `1.10` stays `1.10`."""

    __slots__ = ()


def shown(name: object) -> str:
    """A name of somebody's as a sentence can hold it."""
    return ascii(str(name)[:100])[1:-1]


def read(text: str, *, aliases: int = MAX_ALIASES) -> Any:
    """What the text says. Raises BadRuntimeConfig.

    Takes up to a second for the largest text: call it in a thread, and only for somebody who
    may send it.
    """
    if len(text) > MAX_YAML or len(text.encode(errors="replace")) > MAX_YAML:
        raise BadRuntimeConfig(f"The configuration is larger than {MAX_YAML} bytes.")
    try:
        _require_modest(text, aliases)
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader with fewer types
    except (yaml.YAMLError, ValueError) as error:
        # ValueError: an explicit tag on a text that is nothing of the kind, half a surrogate.
        place = getattr(error, "problem_mark", None)
        where = f" in line {place.line + 1}" if place is not None else ""
        raise BadRuntimeConfig(f"The configuration is not YAML{where}.") from None
    except RecursionError:
        raise BadRuntimeConfig("The configuration is nested too deeply.") from None


class _Loader(yaml.CSafeLoader):
    """Leaves numbers and dates as they are written.

    A variable gets them as text anyway, and there are numbers of a few thousand characters that
    take minutes to read.
    """


def _as_written(loader: _Loader, node: yaml.Node) -> Written:
    if not isinstance(node, yaml.ScalarNode):
        raise _no("scalar", node)
    return Written(node.value)


def _mapping(loader: _Loader, node: yaml.Node) -> Iterator[Entries]:
    if not isinstance(node, yaml.MappingNode):
        raise _no("mapping", node)
    found = Entries()
    yield found
    _require_once(node)
    loader.flatten_mapping(node)
    for key, value in node.value:
        line = key.start_mark.line + 1
        name = loader.construct_object(key, deep=True)
        if not isinstance(name, str):
            raise BadRuntimeConfig(f"A name is no text (line {line}).")
        found[name] = loader.construct_object(value, deep=True)
        found.lines[name] = line


def _no(kind: str, node: yaml.Node) -> yaml.YAMLError:
    """An explicit tag calls a list a mapping, or the like."""
    return yaml.constructor.ConstructorError(None, None, f"no {kind}", node.start_mark)


def _require_once(node: yaml.MappingNode) -> None:
    names = set()
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode) and key.value != "<<":
            if key.value in names:
                line = key.start_mark.line + 1
                raise BadRuntimeConfig(f"`{shown(key.value)}` stands there twice (line {line}).")
            names.add(key.value)


for _kind in ("bool", "int", "float", "timestamp"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_kind}", _as_written)
_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def _require_modest(text: str, most_aliases: int) -> None:
    """Raises BadRuntimeConfig for what grows beyond the limits when aliases are expanded.

    Reads events only: nothing is built, so that nothing can grow, and nothing recurses.
    """
    sizes: dict[str, tuple[int, int]] = {}
    opened: list[tuple[str | None, int, int]] = []  # anchor; nodes and bytes before the collection
    nodes = size = aliases = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent):
            aliases += 1
            name = event.anchor or ""
            if any(anchor == name for anchor, _, _ in opened):
                raise BadRuntimeConfig(f"The anchor `{shown(name)}` contains itself.")
            # An anchor that is not there is refused by the loader.
            more, bytes_more = sizes.get(name, (0, 0))
            nodes, size = nodes + more, size + bytes_more
        elif isinstance(event, yaml.ScalarEvent):
            length = len(event.value.encode(errors="replace"))
            nodes, size = nodes + 1, size + length
            if event.anchor:
                sizes[event.anchor] = (1, length)
        elif isinstance(event, yaml.CollectionStartEvent):
            opened.append((event.anchor, nodes, size))
            nodes += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before, size_before = opened.pop()
            if anchor:
                sizes[anchor] = (nodes - before, size - size_before)
        if len(opened) > MAX_DEPTH:
            raise BadRuntimeConfig(f"The configuration is nested deeper than {MAX_DEPTH} levels.")
        if aliases > most_aliases:
            raise BadRuntimeConfig(f"The configuration has more than {most_aliases} aliases.")
        if nodes > MAX_NODES:
            raise BadRuntimeConfig(f"The configuration holds more than {MAX_NODES} values.")
        if size > MAX_EXPANDED:
            raise BadRuntimeConfig(
                f"The values of the configuration are larger than {MAX_EXPANDED} bytes together."
            )
