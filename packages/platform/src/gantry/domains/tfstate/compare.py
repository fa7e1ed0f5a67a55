"""How two states differ, resource by resource and attribute by attribute, without their secrets.

States are large, and two of them are never held at once. Each is read for the digests of what it
holds, which say what is different, and once more for the few resources that are shown.
"""

from __future__ import annotations

import enum
import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from gantry.domains.tfstate import rules
from gantry.domains.tfstate.rules import HIDDEN, MAX_DEPTH
from gantry.kernel.texts import keepable

MAX_ATTRIBUTES = 200
"""Attributes of one resource that are shown: more than a screen takes, less than a large list."""
MAX_VALUE_SHOWN = 2000
"""Characters of one value that are shown: a policy document fits, a disk image does not."""
MAX_PATH_SHOWN = 500
"""Characters of an attribute's path that are shown: keys of maps may be of any length."""
MAX_TEXT_SHOWN = 1024 * 1024
"""Characters on one page of differences; the page ends with the resource that reaches it."""

TELLING = 8
"""Characters from which on a secret is looked for in other texts; shorter ones occur by chance."""
OUTPUT = "output"
"""The mode, and the type, of what is no resource but an output."""

_PLAIN = re.compile(r"[A-Za-z_][\w-]*")
_TAINTED = "(tainted)"


class Kind(enum.Enum):
    """What happened to a thing between two states."""

    ADDED = "ADDED"
    REMOVED = "REMOVED"
    CHANGED = "CHANGED"


@dataclass(frozen=True, slots=True)
class Thing:
    """A resource instance or an output, secrets and all: never to be shown as it is."""

    address: str
    type: str
    mode: str
    module: str
    values: Mapping[str, Any]
    secret: frozenset[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute that is different; values are JSON texts, None for what is not there."""

    path: str
    kind: Kind
    before: str | None
    after: str | None
    sensitive: bool


@dataclass(frozen=True, slots=True)
class Difference:
    """A resource or an output that is different, and how."""

    address: str
    type: str
    mode: str
    module: str
    kind: Kind
    attributes: Sequence[Attribute]
    left_out: int
    """How many attributes more are different than are told."""

    @property
    def size(self) -> int:
        """Characters of it that are shown."""
        texts = (
            text
            for one in self.attributes
            for text in (one.path, one.before or "", one.after or "")
        )
        return len(self.address) + sum(map(len, texts))


@dataclass(frozen=True, slots=True)
class Sketch:
    """What a state holds, by block: what is equal needs no look into it."""

    digests: Mapping[str, bytes]
    counts: Mapping[str, int]


def sketch(body: bytes | bytearray) -> Sketch:
    """What the state holds. Raises BadState."""
    found, counts = dict[str, bytes](), dict[str, int]()
    for block in rules.blocks(body):
        found[block.base] = _hash(found.get(block.base, b"") + bytes(block.text))
        counts[block.base] = counts.get(block.base, 0) + block.count
    for output in _outputs(body):
        found[output.address], counts[output.address] = _digest(output.values), 1
    return Sketch(found, counts)


def unlike(before: Sketch, after: Sketch) -> set[str]:
    """The blocks that are written differently, or are in one of the states only."""
    every = {**before.digests, **after.digests}
    return {base for base in every if before.digests.get(base) != after.digests.get(base)}


def digests(body: bytes | bytearray, blocks: Collection[str]) -> dict[str, bytes]:
    """For each address in these blocks something that is equal when its values are.

    Raises BadState.
    """
    return {thing.address: _digest(thing.values) for thing in _things(body, blocks)}


def pick(
    body: bytes | bytearray, blocks: Collection[str], addresses: Collection[str]
) -> dict[str, Thing]:
    """These things of the state, as far as the blocks have them. Raises BadState."""
    return {thing.address: thing for thing in _things(body, blocks) if thing.address in addresses}


def changes(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> list[tuple[str, Kind]]:
    """What is different, by address."""
    found = [(address, Kind.ADDED) for address in after if address not in before]
    found += [(address, Kind.REMOVED) for address in before if address not in after]
    found += [
        (address, Kind.CHANGED)
        for address, digest in after.items()
        if before.get(address, digest) != digest
    ]
    return sorted(found, key=lambda change: change[0])


def difference(before: Thing | None, after: Thing | None) -> Difference:
    """How the thing is different. What is secret in either state is hidden in both.

    Raises ValueError without either.
    """
    thing = after or before
    if thing is None:
        raise ValueError("a thing that is in neither state")
    walk = _Walk(_secret(before) | _secret(after), _known_secrets(before) | _known_secrets(after))
    told = list(walk.down((), before.values if before else None, after.values if after else None))
    return Difference(
        address=thing.address,
        type=thing.type,
        mode=thing.mode,
        module=thing.module,
        kind=_kind(before, after),
        attributes=told[:MAX_ATTRIBUTES],
        left_out=max(0, len(told) - MAX_ATTRIBUTES),
    )


class _Walk:
    """Goes through two values side by side, and tells what is different."""

    def __init__(self, secret: frozenset[tuple[Any, ...]], known: frozenset[str]) -> None:
        self._secret = secret
        # A secret that is said to be inside of a text, or of whatever else cannot be entered.
        self._around = frozenset(path[:n] for path in secret for n in range(1, len(path)))
        self._known = known

    def down(self, here: tuple[Any, ...], before: Any, after: Any) -> Iterator[Attribute]:
        """The attributes at and under this path that are different, in the order of the paths."""
        if here in self._secret or len(here) > MAX_DEPTH:
            if not _same(before, after):
                yield _attribute(here, before, after, hidden=True)
        elif isinstance(before, dict) and isinstance(after, dict):
            for name in sorted({**before, **after}):
                yield from self.down((*here, name), before.get(name), after.get(name))
        elif isinstance(before, list) and isinstance(after, list):
            for n in range(max(len(before), len(after))):
                yield from self.down((*here, n), _item(before, n), _item(after, n))
        elif _is_entered(before) or _is_entered(after):
            # Another kind of value: what was there goes, leaf by leaf, and what is there comes.
            yield from self._gone(here, before, came=False)
            yield from self._gone(here, after, came=True)
        elif not _same(before, after):
            hidden = here in self._around or any(map(self._gives_away, (before, after)))
            yield _attribute(here, before, after, hidden=hidden)

    def _gives_away(self, value: Any) -> bool:
        """Whether the value is, or holds, what is marked as secret elsewhere in the thing.

        Providers hand secrets on: to a connection string, or to an attribute that is computed.
        """
        if not isinstance(value, str) or not value:
            return False
        return value in self._known or any(
            len(secret) >= TELLING and secret in value for secret in self._known
        )

    def _gone(self, here: tuple[Any, ...], value: Any, *, came: bool) -> Iterator[Attribute]:
        """Everything in the value, as gone or, if it `came`, as new."""
        nothing: Any = None
        if _is_entered(value):
            nothing = {} if isinstance(value, dict) else []
        if value is not None:
            sides = (nothing, value) if came else (value, nothing)
            yield from self.down(here, *sides)


def _is_entered(value: Any) -> bool:
    return isinstance(value, dict | list) and len(value) > 0


def _item(values: list[Any], n: int) -> Any:
    return values[n] if n < len(values) else None


def _same(before: Any, after: Any) -> bool:
    # Truth values are numbers to Python.
    return type(before) is type(after) and bool(before == after)


def _secret(thing: Thing | None) -> frozenset[tuple[Any, ...]]:
    return thing.secret if thing else frozenset()


def _known_secrets(thing: Thing | None) -> frozenset[str]:
    """The texts at the thing's secret places; deeper ones unless they are as short as words."""
    found: set[str] = set()
    for path in _secret(thing):
        value = _at(thing.values, path) if thing else None
        if isinstance(value, str) and value:
            found.add(value)
        found.update(text for text in _texts(value) if len(text) >= TELLING)
    return frozenset(found)


def _texts(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and type(step) is int and 0 <= step < len(value):
            value = value[step]
        else:
            break  # it cannot be entered: all of it is the secret
    return value


def _kind(before: Any, after: Any) -> Kind:
    if before is None:
        return Kind.ADDED
    return Kind.REMOVED if after is None else Kind.CHANGED


def _attribute(here: tuple[Any, ...], before: Any, after: Any, *, hidden: bool) -> Attribute:
    def shown(value: Any) -> str | None:
        if value is None:
            return None
        return HIDDEN if hidden else _text(value)

    return Attribute(_path(here), _kind(before, after), shown(before), shown(after), hidden)


def _path(steps: tuple[Any, ...]) -> str:
    """As Terraform's language writes it: `tags.Name`, `ingress[0].port`, `labels["a/b"]`."""
    path = ""
    for step in steps:
        if isinstance(step, str) and _PLAIN.fullmatch(step):
            path += f".{step}" if path else step
        elif step == _TAINTED:
            path += step
        else:
            path += f"[{json.dumps(step, ensure_ascii=False)}]"
        if len(path) > MAX_PATH_SHOWN:
            return keepable(path[:MAX_PATH_SHOWN]) + "…"
    return keepable(path)


def _text(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    if len(text) > MAX_VALUE_SHOWN:
        text = f"{text[:MAX_VALUE_SHOWN]}… ({len(text)} characters)"
    return keepable(text)


def _things(body: bytes | bytearray, blocks: Collection[str]) -> Iterator[Thing]:
    for one in rules.instances(body, only=blocks):
        values = one.attributes if isinstance(one.attributes, dict) else {}
        if one.tainted:
            values = {**values, _TAINTED: True}
        yield Thing(one.address, one.type, one.mode, one.module, values, one.secret)
    yield from (output for output in _outputs(body) if output.address in blocks)


def _outputs(body: bytes | bytearray) -> Iterator[Thing]:
    for name, output in rules.outputs(body).items():
        if isinstance(output, dict):
            sensitive = bool(output.get("sensitive"))
            yield Thing(
                address=f"output.{name}",
                type=OUTPUT,
                mode=OUTPUT,
                module="",
                values={"value": output.get("value"), "sensitive": sensitive or None},
                secret=frozenset({("value",)}) if sensitive else frozenset(),
            )


def _digest(values: Mapping[str, Any]) -> bytes:
    """Equal for equal values, whatever the order of names and the spaces between."""
    # A new version of a provider brings attributes, most of them without a value: no difference.
    there = {name: value for name, value in values.items() if value is not None}
    try:
        text = msgspec.json.encode(there, order="sorted")
    except (ValueError, OverflowError, TypeError):  # a number or a text that only Python writes
        text = json.dumps(there, sort_keys=True).encode()
    return _hash(text)


def _hash(text: bytes) -> bytes:
    return hashlib.blake2b(text, digest_size=16).digest()
