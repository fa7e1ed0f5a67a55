"""Reading Terraform's state format (version 4), and deciding whether a new state may follow."""

from __future__ import annotations

import codecs
import hashlib
import json
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

import msgspec

from gantry.kernel.errors import Conflict, UserError
from gantry.kernel.texts import can_be_kept, keepable

HIDDEN = "(sensitive value)"
MAX_DEPTH = 200
"""Nesting of values we are willing to walk; Terraform's own configuration language stops far
earlier."""
MAX_ADDRESS = 2000
"""Bytes of an address that is listed whole; longer keys are cut, and told apart by a digest."""
MAX_SERIAL = 2**63 - 2
"""What the column holds, with room for the one that an import or a rollback adds."""
MAX_TOOL_VERSION = 100
"""Characters: Terraform's have some ten. What is longer is not shown."""

_PIECE = 1024 * 1024
_NO_JSON = "The state is not JSON."
_OTHER_FORMAT = "The state must be of Terraform's format version 4."
_MALFORMED = "The state's outputs or resources are malformed."
_MODULE = re.compile(r'(?:^|\.)module\.[^.\["]+(?:\[(?:"(?:[^"\\]|\\.)*"|\d+)\])?')


class BadState(UserError):
    """Something that is not a Terraform state."""

    code = "BAD_STATE"


class StateConflict(Conflict):
    """A state that may not follow the current one."""

    code = "STATE_CONFLICT"


@dataclass(frozen=True, slots=True)
class StateHead:
    """What we need to know of a state to keep it."""

    serial: int
    lineage: str
    outputs: dict[str, Any]
    terraform_version: str | None = None
    """As the tool that wrote it says; None when it says nothing that can be shown."""
    resources: int | None = None
    """How many it manages; None when that cannot be told."""


@dataclass(frozen=True, slots=True)
class ParsedState(StateHead):
    """All of a state."""

    document: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Instance:
    """One resource instance of a state as it stands there, secrets and all."""

    address: str
    type: str
    name: str
    mode: str
    module: str
    provider: str
    tainted: bool
    attributes: Any
    secret: frozenset[tuple[Any, ...]]
    """Where its secrets are: names and indices, from the outside in."""


@dataclass(frozen=True, slots=True)
class FoundResource:
    """One resource instance of a state, secrets replaced by words."""

    address: str
    type: str
    name: str
    mode: str
    module: str
    provider: str
    tainted: bool
    values: str


class _Parts(msgspec.Struct):
    """A state whose resources are checked to be JSON, and left as text."""

    version: Any = None
    serial: Any = None
    lineage: Any = None
    outputs: Any = None
    terraform_version: Any = None
    resources: msgspec.Raw = msgspec.Raw(b"[]")


class _Counted(msgspec.Struct):
    """A resource of which only the number of instances is wanted."""

    mode: Any = "managed"
    instances: list[msgspec.Raw] | None = None


class _Named(_Counted):
    """A resource of which only its address and the number of instances are wanted."""

    module: Any = None
    type: Any = None
    name: Any = None


def look(body: bytes | bytearray) -> StateHead:
    """Read what a state says of itself, in little more memory than it takes already.

    Raises BadState with what is wrong.
    """
    parts = _parts(body)
    if bytes(memoryview(parts.resources)[:1]) not in (b"[", b"n"):  # a list, or null
        raise BadState(_MALFORMED)
    head = _head(parts.version, parts.serial, parts.lineage, parts.outputs)
    return replace(
        head,
        terraform_version=_tool_version(parts.terraform_version),
        resources=_count(parts.resources),
    )


def parse(body: bytes | bytearray) -> ParsedState:
    """Read a whole state. Raises BadState with what is wrong."""
    try:
        document = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise BadState(_NO_JSON) from None
    if not isinstance(document, dict):
        raise BadState(_OTHER_FORMAT)
    names = ("version", "serial", "lineage", "outputs")
    head = _head(*(document.get(name) for name in names))
    if not isinstance(document.get("resources"), list | None):
        raise BadState(_MALFORMED)
    more = look(body)
    return ParsedState(
        head.serial,
        head.lineage,
        head.outputs,
        more.terraform_version,
        more.resources,
        document,
    )


def _tool_version(said: Any) -> str | None:
    fits = isinstance(said, str) and said.isprintable() and len(said) <= MAX_TOOL_VERSION
    return said if fits else None


def _count(resources: msgspec.Raw) -> int | None:
    try:
        found = msgspec.json.decode(resources, type=list[_Counted] | None) or []
    except (ValueError, RecursionError):  # unusual, and no reason not to keep the state
        return None
    return sum(len(one.instances or ()) for one in found if one.mode == "managed")


def _parts(body: bytes | bytearray) -> _Parts:
    text = codecs.getincrementaldecoder("utf-8")()
    try:
        # Texts that are passed over are not looked at closely.
        for start in range(0, len(body), _PIECE):
            text.decode(memoryview(body)[start : start + _PIECE])
        text.decode(b"", final=True)
        return msgspec.json.decode(body, type=_Parts)
    except msgspec.ValidationError:
        raise BadState(_OTHER_FORMAT) from None
    except (ValueError, RecursionError):
        raise BadState(_NO_JSON) from None


def _head(version: Any, serial: Any, lineage: Any, outputs: Any) -> StateHead:
    if version != 4:
        raise BadState(_OTHER_FORMAT)
    if not isinstance(serial, int) or isinstance(serial, bool) or not 0 <= serial <= MAX_SERIAL:
        raise BadState("The state has no valid serial.")
    # A database takes no NUL and no lone surrogate, which JSON may bring.
    if not isinstance(lineage, str) or not lineage or not lineage.isprintable():
        raise BadState("The state has no lineage.")
    found = outputs or {}
    if not isinstance(found, dict):
        raise BadState(_MALFORMED)
    if not all(map(can_be_kept, found)):
        raise BadState("The state has an output whose name no database keeps.")
    return StateHead(serial, lineage, found)


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number in JSON")


def check_succession(
    new: StateHead, new_digest: str, *, serial: int, lineage: str, digest: str
) -> bool:
    """Whether the new state has to be stored: False when it is the current one once more.

    Raises StateConflict for another lineage, a lower serial, or other content under the same one.
    """
    if new.lineage != lineage:
        raise StateConflict(
            f"The state belongs to another lineage ({new.lineage}); the stack's is {lineage}."
        )
    if new.serial < serial:
        raise StateConflict(
            f"The state's serial {new.serial} is behind the stored serial {serial}."
        )
    if new.serial == serial:
        if new_digest == digest:
            return False
        raise StateConflict(f"Another state with serial {serial} is stored already.")
    return True


def digest(body: bytes | bytearray) -> str:
    """Hex SHA-256."""
    return hashlib.sha256(body).hexdigest()


def resources(body: bytes | bytearray) -> Iterator[FoundResource]:
    """Every resource instance in the state, in its order; one is taken apart at a time.

    Raises BadState.
    """
    for one in instances(body):
        yield FoundResource(
            address=one.address,
            type=one.type,
            name=one.name,
            mode=one.mode,
            module=one.module,
            provider=one.provider,
            tainted=one.tainted,
            values=json.dumps(_hide(one.attributes, one.secret), sort_keys=True),
        )


def outputs(body: bytes | bytearray) -> dict[str, Any]:
    """The state's outputs, as they stand there. Raises BadState."""
    parts = _parts(body)
    return _head(parts.version, parts.serial, parts.lineage, parts.outputs).outputs


def instances(body: bytes | bytearray, only: Collection[str] | None = None) -> Iterator[Instance]:
    """The same as they stand there. What comes of them may be shown only without their secrets.

    `only`: of these blocks alone. Raises BadState.
    """
    for block in blocks(body):
        if only is not None and block.base not in only:
            continue
        resource = json.loads(bytes(block.text))
        module = str(resource.get("module") or "")
        mode = str(resource.get("mode") or "managed")
        kind, name = str(resource.get("type") or ""), str(resource.get("name") or "")
        for instance in resource.get("instances") or []:
            if not isinstance(instance, dict):
                continue
            address = block.base + _index(instance.get("index_key")) + _deposed(instance)
            yield Instance(
                address=_short(keepable(address)),
                type=keepable(kind),
                name=keepable(name),
                mode=keepable(mode),
                module=keepable(module),
                provider=keepable(str(resource.get("provider") or "")),
                tainted=instance.get("status") == "tainted",
                attributes=instance.get("attributes"),
                secret=_secret(instance.get("sensitive_attributes") or []),
            )


@dataclass(frozen=True, slots=True)
class Block:
    """What a state says of one resource, with all its instances, as text."""

    base: str
    """The address, without what tells the instances apart."""
    text: msgspec.Raw
    count: int


def blocks(body: bytes | bytearray) -> Iterator[Block]:
    """The state's resources, in its order, without looking into them. Raises BadState."""
    for text in msgspec.json.decode(_parts(body).resources, type=list[msgspec.Raw] | None) or []:
        try:
            named = msgspec.json.decode(text, type=_Named)
        except msgspec.ValidationError:
            continue  # no object, or none that has instances
        module, mode = str(named.module or ""), str(named.mode or "managed")
        kind, name = str(named.type or ""), str(named.name or "")
        base = f"{module}." if module else ""
        base += f"data.{kind}.{name}" if mode == "data" else f"{kind}.{name}"
        yield Block(base, text, len(named.instances or ()))


def modules_above(paths: Iterable[str]) -> dict[str, str | None]:
    """The modules that the paths name and those around them, outer ones first, each with the one
    that it is in (None: the root).

    A path reads `module.a["x"].module.b`; a key in brackets may hold anything.
    """
    found: dict[str, str | None] = {}
    for path in sorted(set(paths)):
        place = None
        for step in _MODULE.finditer(path):
            found.setdefault(path[: step.end()], place)
            place = path[: step.end()]
    return dict(sorted(found.items()))


def _short(address: str) -> str:
    # Addresses are the key of an index, which takes 2,700 bytes.
    if len(address.encode()) <= MAX_ADDRESS:
        return address
    told = address.encode()[: MAX_ADDRESS - 40].decode(errors="ignore")
    return f"{told}… {digest(address.encode())[:32]}"


def _index(key: Any) -> str:
    if key is None:
        return ""
    return f"[{json.dumps(key)}]"


def _deposed(instance: dict[str, Any]) -> str:
    # Left over from a replacement, beside the instance that took its place; Terraform's words.
    key = instance.get("deposed")
    return f" (deposed object {key})" if key else ""


def _secret(paths: list[Any]) -> frozenset[tuple[Any, ...]]:
    return frozenset(tuple(steps) for steps in (_steps(path) for path in paths) if steps)


def _hide(attributes: Any, secret: frozenset[tuple[Any, ...]]) -> Any:
    def walk(value: Any, here: tuple[Any, ...]) -> Any:
        if here in secret or len(here) > MAX_DEPTH:
            return HIDDEN
        if isinstance(value, dict):
            return {key: walk(item, (*here, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [walk(item, (*here, index)) for index, item in enumerate(value)]
        return value

    return walk(attributes, ())


def _steps(path: Any) -> list[Any]:
    if not isinstance(path, list):
        return []
    steps: list[Any] = []
    for step in path:
        if not isinstance(step, dict):
            return []
        value = step.get("value")
        # An index is written as a typed value, an attribute as a plain name.
        step_value = value.get("value") if isinstance(value, dict) else value
        if not isinstance(step_value, str | int | float | bool | None):
            return steps  # something in a set: all of the set is hidden
        steps.append(step_value)
    return steps
