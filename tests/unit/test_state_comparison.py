"""Two states side by side: what is told, what is hidden, and what is too much."""

from __future__ import annotations

import json

import pytest
from gantry.domains.tfstate import compare
from gantry.domains.tfstate.compare import Kind
from gantry.domains.tfstate.rules import HIDDEN


def attr(*names):
    return [{"type": "get_attr", "value": name} for name in names]


def instance(attributes, *secret, **more):
    return {"attributes": attributes, "sensitive_attributes": list(secret), **more}


def resource(*instances, name="a", **more):
    return {"mode": "managed", "type": "t", "name": name, "instances": list(instances), **more}


def state(*resources, outputs=None, **how):
    document = {"version": 4, "serial": 1, "lineage": "l", "resources": list(resources)}
    return json.dumps({**document, "outputs": outputs or {}}, **how).encode()


def compared(before, after):
    """The differences, by address."""
    old, new = compare.sketch(before), compare.sketch(after)
    unlike = compare.unlike(old, new)
    changes = compare.changes(compare.digests(before, unlike), compare.digests(after, unlike))
    addresses = [address for address, _ in changes]
    were = compare.pick(before, unlike, addresses)
    are = compare.pick(after, unlike, addresses)
    return {a: compare.difference(were.get(a), are.get(a)) for a in addresses}


def told(before, after, *secret):
    """(kind, path, before, after) of each attribute that is different in one resource."""
    found = compared(state(resource(instance(before))), state(resource(instance(after, *secret))))
    return [
        (a.kind.value.lower(), a.path, a.before, a.after)
        for one in found.values()
        for a in one.attributes
    ]


def test_what_is_added_removed_and_changed_is_told_by_address():
    before = state(
        resource(instance({"id": "1"}), name="gone"), resource(instance({"id": "2"}), name="stays")
    )
    after = state(
        resource(instance({"id": "3"}), name="stays"), resource(instance({"id": "4"}), name="new")
    )

    found = compared(before, after)

    assert {address: one.kind for address, one in found.items()} == {
        "t.gone": Kind.REMOVED,
        "t.new": Kind.ADDED,
        "t.stays": Kind.CHANGED,
    }
    (changed,) = found["t.stays"].attributes
    assert (changed.path, changed.before, changed.after) == ("id", '"2"', '"3"')


def test_one_instance_of_many_is_told_alone():
    before = state(resource(*(instance({"n": n}, index_key=n) for n in range(3))))
    after = state(resource(*(instance({"n": n % 2}, index_key=n) for n in range(3))))

    assert list(compared(before, after)) == ["t.a[2]"]


def test_the_same_in_other_words_is_no_difference():
    values = {"a": 1, "b": {"c": "<é>"}}
    before = state(resource(instance(values)), indent=2)
    after = state(resource(instance({"b": {"c": "<é>"}, "new": None, "a": 1})), ensure_ascii=False)

    assert compared(before, after) == {}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (
            {"a": 1, "b": "x", "c": True},
            {"b": "y", "c": True, "e": 2},
            [
                ("removed", "a", "1", None),
                ("changed", "b", '"x"', '"y"'),
                ("added", "e", None, "2"),
            ],
        ),
        (
            {"tags": {"Name": "a", "a/b": 1}, "l": [1, 2]},
            {"tags": {"Name": "b"}, "l": [1, 3, 4]},
            [
                ("changed", "l[1]", "2", "3"),
                ("added", "l[2]", None, "4"),
                ("changed", "tags.Name", '"a"', '"b"'),
                ("removed", 'tags["a/b"]', "1", None),
            ],
        ),
        (
            {"a": "text"},
            {"a": {"b": 1}},
            [("removed", "a", '"text"', None), ("added", "a.b", None, "1")],
        ),
        (
            {"a": [1]},
            {"a": {"b": 1}},
            [("removed", "a[0]", "1", None), ("added", "a.b", None, "1")],
        ),
        ({"a": 1}, {"a": True}, [("changed", "a", "1", "true")]),
        ({"a": []}, {"a": {}}, [("changed", "a", "[]", "{}")]),
    ],
)
def test_attributes_are_told_by_their_paths(before, after, expected):
    assert told(before, after) == expected


def test_a_secret_is_told_by_its_name_alone_also_where_it_was_in_the_open_before():
    found = told({"p": "one", "q": 1}, {"p": "two", "q": 2}, attr("p"))

    assert found == [("changed", "p", HIDDEN, HIDDEN), ("changed", "q", "1", "2")]


def test_a_secret_that_did_not_change_is_not_told():
    assert told({"p": "one", "q": 1}, {"p": "one", "q": 2}, attr("p")) == [
        ("changed", "q", "1", "2")
    ]


def test_a_secret_said_to_be_inside_of_a_text_hides_the_text():
    assert told({"p": "{one}"}, {"p": "{two}"}, attr("p", "inner")) == [
        ("changed", "p", HIDDEN, HIDDEN)
    ]


def test_a_secret_that_was_handed_on_to_other_attributes_is_hidden_there_too():
    old, new = "S3cr3t-old", "S3cr3t-new"
    found = told(
        {"p": old, "same": old, "url": f"db://u:{old}@host", "deep": [{"x": old}], "q": "a"},
        {"p": new, "same": new, "url": f"db://u:{new}@host", "deep": [{"x": new}], "q": "b"},
        attr("p"),
    )
    hidden = {path for _, path, *values in found if values == [HIDDEN, HIDDEN]}
    assert hidden == {"p", "same", "url", "deep[0].x"}
    assert ("changed", "q", '"a"', '"b"') in found


def test_a_word_inside_of_a_secret_does_not_hide_the_same_word_elsewhere():
    found = told(
        {"p": {"type": "string", "value": "S3cr3t-old"}, "kind": "number"},
        {"p": {"type": "string", "value": "S3cr3t-new"}, "kind": "string"},
        attr("p"),
    )
    assert found == [("changed", "kind", '"number"', '"string"'), ("changed", "p", HIDDEN, HIDDEN)]


def test_a_secret_in_a_set_hides_the_set():
    element = {"type": "index", "value": {"value": {"k": "v"}, "type": ["object", {}]}}
    path = [*attr("rules"), element, *attr("key")]
    assert told({"rules": [{"k": "old"}]}, {"rules": [{"k": "new"}]}, path) == [
        ("changed", "rules", HIDDEN, HIDDEN)
    ]


def test_outputs_are_compared_and_secret_ones_hidden():
    def out(value, *, sensitive):
        return {"value": value, "type": "string", **({"sensitive": True} if sensitive else {})}

    before = state(outputs={"plain": out("a", sensitive=False), "key": out("b", sensitive=False)})
    after = state(outputs={"plain": out("c", sensitive=False), "key": out("d", sensitive=True)})

    found = compared(before, after)

    (plain,) = found["output.plain"].attributes
    assert (plain.before, plain.after) == ('"a"', '"c"')
    values = {a.path: (a.before, a.after) for a in found["output.key"].attributes}
    assert values == {"sensitive": (None, "true"), "value": (HIDDEN, HIDDEN)}
    assert found["output.key"].mode == "output"


def test_what_is_tainted_is_told():
    before, after = instance({"id": 1}), instance({"id": 1}, status="tainted")
    ((change,),) = [
        one.attributes for one in compared(state(resource(before)), state(resource(after))).values()
    ]
    assert (change.path, change.kind) == ("(tainted)", Kind.ADDED)


def test_what_is_too_much_is_cut_and_says_so():
    many = {f"a{n:04}": n for n in range(compare.MAX_ATTRIBUTES + 7)}
    found = compared(state(), state(resource(instance(many))))["t.a"]
    assert (len(found.attributes), found.left_out) == (compare.MAX_ATTRIBUTES, 7)

    long = "x" * (compare.MAX_VALUE_SHOWN * 3)
    ((_, path, _, value),) = told({}, {"k" * 2000: long})
    assert len(path) < compare.MAX_PATH_SHOWN + 10
    assert len(value) < compare.MAX_VALUE_SHOWN + 50
    assert value.endswith(f"({len(long) + 2} characters)")


def test_nesting_without_end_is_hidden_and_not_followed():
    deep = "bottom"
    for _ in range(400):
        deep = [deep]
    ((_, _, before, after),) = told({"a": deep}, {"a": [deep]})
    assert "bottom" not in f"{before}{after}"
