"""What a plan does and what a state holds, read from the JSON that `show` and `output` print.

Secret values never leave this module: see redaction.py.
Source of the shapes: "JSON Output Format" in Terraform's documentation; OpenTofu prints the same.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from gantry_worker.tools.redaction import MAX_DEPTH, BadPlan, read_json, redacted

Action = Literal[
    "add", "change", "delete", "replace", "import", "move", "forget", "read", "no-op"
]  # fmt: skip
T = TypeVar("T")

_ACTIONS: dict[tuple[str, ...], Action] = {
    ("no-op",): "no-op",
    ("create",): "add",
    ("read",): "read",
    ("update",): "change",
    ("delete",): "delete",
    ("forget",): "forget",
    ("delete", "create"): "replace",
    ("create", "delete"): "replace",
    ("create", "forget"): "replace",
    ("forget", "create"): "replace",
}


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """What happens to one resource instance, or to a `deposed` object left over from it.

    `before` and `after` are JSON values with words in place of secrets and unknowns; `actions`
    are Terraform's own words. `imported` goes with any action.
    """

    address: str
    previous_address: str | None
    type: str
    name: str
    module: str
    provider: str
    mode: str
    actions: list[str]
    action: Action
    before: Any
    after: Any
    imported: bool = False
    deposed: str | None = None


@dataclass(frozen=True, slots=True)
class Delta:
    """How many managed resources are added, changed and so on.

    A replacement adds one and deletes (or forgets) one; an import or a move that also changes
    the resource counts as both.
    """

    add: int = 0
    change: int = 0
    delete: int = 0
    imported: int = 0
    move: int = 0
    forget: int = 0


@dataclass(frozen=True, slots=True)
class PlanSummary:
    """A plan. `changes` has every entry, no-ops and reads too, in the plan's order.

    `resource_count` is how many managed resources there will be after it is applied.
    """

    changes: list[ResourceChange]
    outputs_changed: bool
    delta: Delta
    resource_count: int
    terraform_version: str


@dataclass(frozen=True, slots=True)
class StateResource:
    """One resource instance in a state; `values` has words in place of secrets."""

    address: str
    type: str
    name: str
    mode: str
    module: str
    provider: str
    tainted: bool
    values: dict[str, Any]
    deposed: str | None = None


@dataclass(frozen=True, slots=True)
class OutputValue:
    """One output of the root module: `value` is JSON text, None when it is held back.

    `type` is Terraform's word (`string`) or, for what is made of others, its JSON text.
    """

    name: str
    type: str
    value: str | None = field(repr=False)
    sensitive: bool


@dataclass(frozen=True, slots=True)
class AppliedState:
    """What a state holds, of the root module and all below."""

    resources: list[StateResource]
    outputs: list[OutputValue]
    terraform_version: str


def read_plan(data: bytes) -> dict[str, Any]:
    """The document in `show -json <plan>`'s output. Raises BadPlan for anything else."""
    return _document(data, "The plan")


def summarise(plan: dict[str, Any]) -> PlanSummary:
    """What the plan does.

    Raises BadPlan for a document that is none, and for an action that we do not know: a change
    that cannot be named must not pass as a harmless one.
    """
    changes = [_change(entry) for entry in _list(plan, "resource_changes", dict)]
    outputs = _get(plan, "output_changes", dict, {})
    outputs_changed = any(
        _list(_is(output, dict, "an output change"), "actions", str) != ["no-op"]
        for output in outputs.values()
    )
    prior = _get(_get(plan, "prior_state", dict, {}), "values", dict, {})
    return PlanSummary(
        changes=changes,
        outputs_changed=outputs_changed,
        delta=_delta(changes),
        resource_count=len(_remaining(prior, changes)),
        terraform_version=_get(plan, "terraform_version", str, ""),
    )


def applied_state(data: bytes, *, reveal: bool = False) -> AppliedState:
    """What the state in `show -json`'s output holds; an empty one holds nothing.

    Sensitive outputs come without their value unless `reveal`. Raises BadPlan.
    """
    state = _document(data, "The state")
    values = _get(state, "values", dict, {})
    return AppliedState(
        resources=[_resource(entry, module) for module, entry in _entries(values)],
        outputs=_outputs(_get(values, "outputs", dict, {}), reveal),
        terraform_version=_get(state, "terraform_version", str, ""),
    )


def output_values(data: bytes, *, reveal: bool = False) -> list[OutputValue]:
    """The outputs in `output -json`'s output, by name.

    Sensitive ones come without their value unless `reveal`. Raises BadPlan.
    """
    return _outputs(_is(read_json(data, "The list of outputs"), dict, "the list"), reveal)


def _document(data: bytes, what: str) -> dict[str, Any]:
    document: dict[str, Any] = _is(read_json(data, what), dict, "the document")
    version = _get(document, "format_version", str, None)
    # A later major version may mean other things by the same names; 0.x is Terraform before 1.1.
    if version.split(".")[0] not in ("0", "1"):
        raise BadPlan(f"{what} is in format {version[:20]!r}; formats 0 and 1 are read.")
    return document


def _change(entry: dict[str, Any]) -> ResourceChange:
    change = _get(entry, "change", dict, None)
    actions = _list(change, "actions", str)
    address = _get(entry, "address", str, None)
    previous = _get(entry, "previous_address", str, "")
    action = _ACTIONS.get(tuple(actions))
    if action is None:
        raise BadPlan(f"The plan does {' and '.join(actions)!r} to {address}: not a known action.")
    imported = change.get("importing") is not None
    if action == "no-op":
        action = "import" if imported else "move" if previous not in ("", address) else "no-op"
    return ResourceChange(
        address=address,
        previous_address=previous or None,
        type=_get(entry, "type", str, ""),
        name=_get(entry, "name", str, ""),
        module=_get(entry, "module_address", str, ""),
        provider=_get(entry, "provider_name", str, ""),
        mode=_get(entry, "mode", str, "managed"),
        actions=actions,
        action=action,
        before=redacted(change.get("before"), change.get("before_sensitive")),
        after=redacted(
            change.get("after"), change.get("after_sensitive"), change.get("after_unknown")
        ),
        imported=imported,
        deposed=_get(entry, "deposed", str, "") or None,
    )


def _delta(changes: list[ResourceChange]) -> Delta:
    managed = [change for change in changes if change.mode == "managed"]
    words = [word for change in managed for word in change.actions]
    return Delta(
        add=words.count("create"),
        change=words.count("update"),
        delete=words.count("delete"),
        forget=words.count("forget"),
        imported=sum(change.imported for change in managed),
        move=sum(change.previous_address not in (None, change.address) for change in managed),
    )


def _remaining(prior: dict[str, Any], changes: list[ResourceChange]) -> set[str]:
    """The addresses of what will be managed: what is now, with the changes made.

    The plan's own "planned_values" would not do: a targeted plan leaves the others out.
    """
    addresses = {
        _get(entry, "address", str, None)
        for _, entry in _entries(prior)
        if _get(entry, "mode", str, "managed") == "managed" and not entry.get("deposed_key")
    }
    for change in changes:
        if change.mode != "managed" or change.deposed:
            continue
        addresses.discard(change.previous_address)
        if change.action in ("delete", "forget"):
            addresses.discard(change.address)
        else:
            addresses.add(change.address)
    return addresses


def _entries(values: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each resource of a state with its module's address, parents first."""
    todo = deque([(_get(values, "root_module", dict, {}), 0)])
    while todo:
        module, depth = todo.popleft()
        if depth > MAX_DEPTH:
            raise BadPlan(f"Modules are nested deeper than {MAX_DEPTH} levels.")
        address = _get(module, "address", str, "")
        for entry in _list(module, "resources", dict):
            yield address, entry
        todo += [(child, depth + 1) for child in _list(module, "child_modules", dict)]


def _resource(entry: dict[str, Any], module: str) -> StateResource:
    values = redacted(_get(entry, "values", dict, {}), entry.get("sensitive_values"))
    return StateResource(
        address=_get(entry, "address", str, None),
        type=_get(entry, "type", str, ""),
        name=_get(entry, "name", str, ""),
        mode=_get(entry, "mode", str, "managed"),
        module=module,
        provider=_get(entry, "provider_name", str, ""),
        tainted=_get(entry, "tainted", bool, False),
        values=values if isinstance(values, dict) else {},
        deposed=_get(entry, "deposed_key", str, "") or None,
    )


def _outputs(outputs: dict[str, Any], reveal: bool) -> list[OutputValue]:
    return [
        _output(name, _is(output, dict, "an output"), reveal)
        for name, output in sorted(outputs.items())
    ]


def _output(name: str, output: dict[str, Any], reveal: bool) -> OutputValue:
    # An output that does not say whether it is secret is treated as one.
    sensitive = _get(output, "sensitive", bool, True)
    kind = output.get("type", "")
    value = redacted(output.get("value"), None)  # for the limit on depth
    return OutputValue(
        name=name,
        type=kind if isinstance(kind, str) else _text(redacted(kind, None)),
        value=None if sensitive and not reveal else _text(value),
        sensitive=sensitive,
    )


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _get(inside: dict[str, Any], name: str, kind: type[T], default: T | None) -> T:
    """The value called `name`, `default` when it is absent or null. Raises BadPlan otherwise."""
    value = inside.get(name)
    if value is None:
        if default is None:
            raise BadPlan(f"{name!r} is missing.")
        return default
    return _is(value, kind, repr(name))


def _list(inside: dict[str, Any], name: str, of: type[T]) -> list[T]:
    return [_is(item, of, f"an item of {name!r}") for item in _get(inside, name, list, [])]


def _is(value: Any, kind: type[T], what: str) -> T:
    if not isinstance(value, kind):
        raise BadPlan(f"Expected {what} to be a {kind.__name__}, not a {type(value).__name__}.")
    return value
