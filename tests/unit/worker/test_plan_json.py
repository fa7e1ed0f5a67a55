"""What is read from a plan, and what is not let through."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from gantry_worker.tools import plan_json
from gantry_worker.tools.plan_json import (
    BadPlan,
    Delta,
    applied_state,
    output_values,
    read_plan,
)
from gantry_worker.tools.redaction import MAX_BYTES, MAX_DEPTH, SENSITIVE, UNKNOWN, redacted
from hypothesis import given, settings
from hypothesis import strategies as st


def summarise(data):
    return plan_json.summarise(read_plan(data))


def entry(address: str, *actions: str, **more: Any) -> dict[str, Any]:
    """One resource change, as Terraform prints it."""
    change = {"actions": list(actions), "before": None, "after": None}
    change |= more.pop("change", {})
    kind, _, name = address.rpartition("module.")[2].rpartition(".")
    return {
        "address": address,
        "mode": "managed",
        "type": kind,
        "name": name,
        "provider_name": "registry.terraform.io/hashicorp/null",
        "change": change,
    } | more


def plan(*entries: dict[str, Any], **more: Any) -> bytes:
    document = {
        "format_version": "1.2",
        "terraform_version": "1.11.4",
        "resource_changes": list(entries),
    }
    return json.dumps(document | more).encode()


def state(*resources: dict[str, Any], children: list[Any] | None = None) -> dict[str, Any]:
    root = {"resources": list(resources), "child_modules": children or []}
    return {"format_version": "1.0", "terraform_version": "1.11.4", "values": {"root_module": root}}


def kept(address: str, **more: Any) -> dict[str, Any]:
    return {"address": address, "mode": "managed", "type": "t", "name": "n", "values": {}} | more


@pytest.mark.parametrize(
    ("actions", "more", "action", "delta"),
    [
        (["create"], {}, "add", Delta(add=1)),
        (["update"], {}, "change", Delta(change=1)),
        (["delete"], {}, "delete", Delta(delete=1)),
        (["delete", "create"], {}, "replace", Delta(add=1, delete=1)),
        (["create", "delete"], {}, "replace", Delta(add=1, delete=1)),
        (["create", "forget"], {}, "replace", Delta(add=1, forget=1)),
        (["forget"], {}, "forget", Delta(forget=1)),
        (["no-op"], {}, "no-op", Delta()),
        (["no-op"], {"previous_address": "t.old"}, "move", Delta(move=1)),
        (["update"], {"previous_address": "t.old"}, "change", Delta(change=1, move=1)),
        (["no-op"], {"change": {"importing": {"id": "x"}}}, "import", Delta(imported=1)),
        (["update"], {"change": {"importing": {}}}, "change", Delta(change=1, imported=1)),
        (["delete"], {"deposed": "a1b2c3d4"}, "delete", Delta(delete=1)),
        (["read"], {"mode": "data"}, "read", Delta()),
        (["create"], {"mode": "data"}, "add", Delta()),
    ],
)
def test_each_kind_of_change_has_a_name_and_is_counted(actions, more, action, delta):
    summary = summarise(plan(entry("t.a", *actions, **more)))

    assert [change.action for change in summary.changes] == [action]
    assert summary.changes[0].actions == actions
    assert summary.delta == delta


def test_a_change_says_which_resource_it_is_about():
    change = summarise(
        plan(
            entry(
                'module.net["a"].t.n',
                "no-op",
                module_address='module.net["a"]',
                previous_address="t.n",
            )
        )
    ).changes[0]

    assert change.address == 'module.net["a"].t.n'
    assert change.previous_address == "t.n"
    assert change.module == 'module.net["a"]'
    assert (change.name, change.mode) == ("n", "managed")
    assert change.provider == "registry.terraform.io/hashicorp/null"
    assert change.deposed is None


def test_secrets_and_unknowns_are_replaced_wherever_they_are():
    change = summarise(
        plan(
            entry(
                "t.a",
                "update",
                change={
                    "before": {"user": "u", "pw": "old", "list": [1, {"k": "old"}], "n": None},
                    "before_sensitive": {"pw": True, "list": [False, {"k": True}]},
                    "after": {"user": "u", "pw": "new", "list": [1, {"k": "new"}, None]},
                    "after_sensitive": {"pw": True, "list": [False, {"k": True}], "both": True},
                    "after_unknown": {
                        "id": True,
                        "list": [False, {}, True],
                        "block": {"a": [True], "b": False},
                        "quiet": {"a": False},
                        "both": True,
                    },
                },
            )
        )
    ).changes[0]

    assert change.before == {
        "user": "u",
        "pw": SENSITIVE,
        "list": [1, {"k": SENSITIVE}],
        "n": None,
    }
    assert change.after == {
        "user": "u",
        "pw": SENSITIVE,
        # The secret's list is shorter than the value's: nobody can say which place it means.
        "list": SENSITIVE,
        "id": UNKNOWN,
        "block": {"a": [UNKNOWN]},
        "both": SENSITIVE,
    }


@pytest.mark.parametrize(
    ("value", "sensitive", "unknown", "seen"),
    [
        ("x", True, False, SENSITIVE),
        (None, True, False, SENSITIVE),
        ({"a": 1}, True, {"a": True}, SENSITIVE),
        ({"a": 1}, "odd mark", False, SENSITIVE),
        ("x", {"a": True}, False, SENSITIVE),
        (["x"], {"a": True}, False, SENSITIVE),
        ({"a": "x"}, [True], False, SENSITIVE),
        (["x", "y"], [True], False, SENSITIVE),
        (["x"], [False, True], False, SENSITIVE),
        (["x"], [], False, ["x"]),
        ({"a": "x"}, [], False, {"a": "x"}),
        ({"a": {"b": "x"}}, {"a": [[False]]}, False, {"a": {"b": "x"}}),
        (None, False, {"a": True}, {"a": UNKNOWN}),
        (None, {"a": True}, {"a": True, "b": True}, {"a": SENSITIVE, "b": UNKNOWN}),
        (None, False, {"a": False}, None),
        (["x"], False, [False, True], ["x", UNKNOWN]),
        (["x"], False, {"a": True}, UNKNOWN),
        (True, False, None, True),
    ],
)
def test_a_mark_that_does_not_fit_its_value_hides_all_of_it(value, sensitive, unknown, seen):
    assert redacted(value, sensitive, unknown) == seen


def test_the_count_of_resources_is_what_remains_even_when_only_some_are_planned():
    prior = state(
        kept("t.stays"),
        kept("t.goes"),
        kept("t.left"),
        kept("t.old"),
        kept("t.replaced"),
        kept("t.replaced", deposed_key="a1b2c3d4"),
        kept("data.t.read", mode="data"),
        children=[{"address": "module.m", "resources": [kept("module.m.t.untouched")]}],
    )

    summary = summarise(
        plan(
            entry("t.new", "create"),
            entry("t.goes", "delete"),
            entry("t.left", "forget"),
            entry("t.moved", "no-op", previous_address="t.old"),
            entry("t.replaced", "delete", "create"),
            entry("t.replaced", "delete", deposed="a1b2c3d4"),
            entry("data.t.later", "read", mode="data"),
            prior_state=prior,
        )
    )

    assert summary.resource_count == len(["stays", "new", "moved", "replaced", "untouched"])


@pytest.mark.parametrize(
    ("actions", "changed"),
    [(["no-op"], False), (["create"], True), (["update"], True), (["delete"], True), ([], True)],
)
def test_a_change_of_outputs_alone_is_noticed(actions, changed):
    summary = summarise(
        plan(output_changes={"a": {"actions": ["no-op"]}, "o": {"actions": actions}})
    )

    assert summary.outputs_changed is changed
    assert summary.changes == []


def test_a_plan_that_does_nothing_is_empty():
    summary = summarise(b'{"format_version":"1.2"}')

    assert (summary.changes, summary.outputs_changed, summary.delta) == ([], False, Delta())
    assert (summary.resource_count, summary.terraform_version) == (0, "")


@pytest.mark.parametrize(
    ("data", "because"),
    [
        (b"", "The plan is not JSON"),
        (b"\xff\xfe", "The plan is not JSON"),
        (b"[]", "Expected the document to be a dict, not a list"),
        (b"{}", "'format_version' is missing"),
        (b'{"format_version":"2.0"}', "format '2.0'"),
        (b'{"format_version":1}', "to be a str, not a int"),
        (b'{"format_version":"1.2","x":NaN}', "NaN is not a number"),
        (b'{"format_version":"1.2","x":' + b"9" * 5000 + b"}", "The plan is not JSON"),
        (b'{"format_version":"1.2","resource_changes":{}}', "'resource_changes' to be a list"),
        (b'{"format_version":"1.2","resource_changes":[7]}', "an item of 'resource_changes'"),
        (b'{"format_version":"1.2","resource_changes":[{}]}', "'change' is missing"),
        (plan(entry("t.a", "explode")), "'explode' to t.a: not a known action"),
        (plan(entry("t.a")), "not a known action"),
        (b"[" * 100_000, "nested deeper than 200"),
        (plan(entry("t.a", "create") | {"address": 7}), "'address' to be a str, not a int"),
    ],
)
def test_what_is_no_plan_is_refused_with_the_reason(data, because):
    with pytest.raises(BadPlan, match=because):
        summarise(data)


def nested(levels: int, leaf: Any) -> Any:
    value = leaf
    for level in range(levels):
        value = [value] if level % 2 else {"k": value}
    return value


def test_a_value_may_be_nested_as_deep_as_the_limit_and_no_deeper():
    deepest = nested(MAX_DEPTH, "x")

    assert redacted(deepest, False) == deepest
    assert "x" not in json.dumps(redacted(deepest, nested(MAX_DEPTH, True)))
    with pytest.raises(BadPlan, match="deeper than 200"):
        redacted(nested(MAX_DEPTH + 1, "x"), False)
    with pytest.raises(BadPlan, match="deeper than 200"):
        redacted(None, False, nested(MAX_DEPTH + 1, True))


def test_a_mark_of_any_depth_is_read_without_going_down_with_it():
    assert redacted("x", nested(100_000, True)) == SENSITIVE


def test_modules_nested_deeper_than_the_limit_are_refused():
    module: dict[str, Any] = {"resources": [kept("t.a")]}
    for _ in range(MAX_DEPTH + 1):
        module = {"child_modules": [module]}
    document = state() | {"values": {"root_module": module}}

    with pytest.raises(BadPlan, match="Modules are nested deeper than 200"):
        applied_state(json.dumps(document).encode())


def test_a_document_larger_than_the_limit_is_not_parsed():
    with pytest.raises(BadPlan, match=f"The plan has {MAX_BYTES + 1} bytes; at most {MAX_BYTES}"):
        summarise(b" " * (MAX_BYTES + 1))


def test_a_state_gives_its_resources_without_their_secrets():
    document = state(
        kept("t.a", values={"id": "1", "pw": "hush"}, sensitive_values={"pw": True}, tainted=True),
        kept("t.a", deposed_key="a1b2c3d4"),
        children=[
            {
                "address": "module.m",
                "resources": [kept("module.m.data.t.d", mode="data", provider_name="p")],
                "child_modules": [
                    {"address": "module.m.module.n", "resources": [kept("module.m.module.n.t.x")]}
                ],
            }
        ],
    )

    read = applied_state(json.dumps(document).encode())

    assert read.terraform_version == "1.11.4"
    assert [(r.address, r.module, r.mode, r.tainted, r.deposed) for r in read.resources] == [
        ("t.a", "", "managed", True, None),
        ("t.a", "", "managed", False, "a1b2c3d4"),
        ("module.m.data.t.d", "module.m", "data", False, None),
        ("module.m.module.n.t.x", "module.m.module.n", "managed", False, None),
    ]
    assert read.resources[0].values == {"id": "1", "pw": SENSITIVE}
    assert read.resources[2].provider == "p"
    assert "hush" not in repr(read)


def test_an_empty_state_holds_nothing():
    read = applied_state(b'{"format_version":"1.0"}')

    assert (read.resources, read.outputs) == ([], [])


OUTPUTS = {
    "z": {"sensitive": False, "type": ["object", {"a": "number"}], "value": {"a": 12345678901234}},
    "s": {"sensitive": True, "type": "string", "value": "hush"},
    "a": {"sensitive": False, "type": "string", "value": "é"},
    "undeclared": {"type": "string", "value": "hush too"},
}


def test_outputs_come_as_json_text_and_secret_ones_without_it():
    read = output_values(json.dumps(OUTPUTS).encode())

    assert [(o.name, o.type, o.value, o.sensitive) for o in read] == [
        ("a", "string", '"é"', False),
        ("s", "string", None, True),
        ("undeclared", "string", None, True),
        ("z", '["object",{"a":"number"}]', '{"a":12345678901234}', False),
    ]


def test_secret_outputs_are_given_when_asked_for_and_still_not_printed():
    read = output_values(json.dumps(OUTPUTS).encode(), reveal=True)

    assert [o.value for o in read if o.sensitive] == ['"hush"', '"hush too"']
    assert "hush" not in repr(read)


def test_a_states_outputs_are_read_the_same_way():
    document = state()
    document["values"]["outputs"] = OUTPUTS

    assert applied_state(json.dumps(document).encode()).outputs == output_values(
        json.dumps(OUTPUTS).encode()
    )


def test_a_number_too_large_for_a_float_is_shown_as_written():
    read = output_values(b'{"n":{"sensitive":false,"type":"number","value":[1e999,0.1]}}')

    assert read[0].value == '["1e999",0.1]'


# ------------------------------------------------------------------ any value, any marks

SECRET, PUBLIC = "s3cret-leaf", "public-leaf"
names = st.text(alphabet="abc", min_size=1, max_size=2)
plain = st.none() | st.booleans() | st.integers() | st.just(PUBLIC)


def trees(leaf: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaf,
        lambda below: st.lists(below, max_size=3) | st.dictionaries(names, below, max_size=3),
        max_leaves=20,
    )


@st.composite
def marked(draw: st.DrawFn, depth: int = 0) -> tuple[Any, Any]:
    """A value and well-formed marks: every marked leaf is a secret, no other one is."""
    kind = draw(st.sampled_from(["secret", "plain", "list", "map"] if depth < 4 else ["secret"]))
    if kind == "secret":
        return draw(trees(st.just(SECRET))), True
    if kind == "plain":
        return draw(plain), draw(st.sampled_from([False, None]))
    if kind == "list":
        pairs = draw(st.lists(marked(depth + 1), max_size=3))
        return [value for value, _ in pairs], [mark for _, mark in pairs]
    inside = draw(st.dictionaries(names, marked(depth + 1), max_size=3))
    given_marks = {name: mark for name, (_, mark) in inside.items() if mark not in (False, None)}
    return {name: value for name, (value, _) in inside.items()}, given_marks


unknown_marks = trees(st.booleans() | st.none())
all_marks = trees(st.booleans() | st.none() | st.integers(0, 1) | st.just("odd"))


@given(marked(), unknown_marks)
@settings(max_examples=200)
def test_no_marked_leaf_survives_whatever_else_is_unknown(pair, unknown):
    value, marks = pair

    assert SECRET not in json.dumps(redacted(value, marks, unknown))


@given(marked())
def test_where_nothing_is_marked_nothing_changes(pair):
    value, _ = pair

    assert redacted(value, False) == value
    assert redacted(value, None, False) == value


def planted(value: Any, marks: Any, at: bool = False) -> Any:
    """`value` with a secret in each leaf that is at or below a mark of its own place."""
    hidden = at or not (marks is None or marks is False or isinstance(marks, dict | list))
    if isinstance(value, dict):
        below = marks if isinstance(marks, dict) else {}
        return {name: planted(v, below.get(name), hidden) for name, v in value.items()}
    if isinstance(value, list):
        row = marks if isinstance(marks, list) else []
        return [planted(v, row[i] if i < len(row) else None, hidden) for i, v in enumerate(value)]
    return SECRET if hidden else PUBLIC


@given(trees(plain), all_marks, unknown_marks)
@settings(max_examples=200)
def test_no_marked_leaf_survives_marks_of_any_shape(value, marks, unknown):
    assert SECRET not in json.dumps(redacted(planted(value, marks), marks, unknown))


@given(trees(plain), all_marks, unknown_marks)
def test_a_value_is_never_changed_in_place(value, marks, unknown):
    before = json.dumps([value, marks, unknown])

    redacted(value, marks, unknown)

    assert json.dumps([value, marks, unknown]) == before


words = st.sampled_from(
    ["format_version", "resource_changes", "change", "actions", "address", "values", "after",
     "root_module", "resources", "child_modules", "output_changes", "prior_state", "sensitive"]
)  # fmt: skip
documents = st.recursive(
    plain | st.sampled_from(["1.0", "create", "no-op", "managed"]),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(words, below, max_size=5),
    max_leaves=30,
)


@given(st.dictionaries(words, documents, max_size=6))
@settings(max_examples=150)
def test_any_document_is_read_or_refused_as_a_bad_plan(document):
    data = json.dumps(document | {"format_version": "1.0"}).encode()

    for read in (summarise, applied_state, output_values):
        with suppress(BadPlan):
            read(data)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused_as_a_bad_plan(data):
    with suppress(BadPlan):
        summarise(data)
