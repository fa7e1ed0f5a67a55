"""Which states are taken, which may follow which, and what is found in them."""

from __future__ import annotations

import json

import pytest
from gantry.domains.tfstate.rules import (
    HIDDEN,
    BadState,
    StateConflict,
    check_succession,
    digest,
    look,
    parse,
    resources,
)

SERIAL_MAX = 2**63 - 1


def state(serial=1, lineage="a-b-c", **more):
    return json.dumps({"version": 4, "serial": serial, "lineage": lineage, **more}).encode()


def resource(*instances, type="null_resource", name="a", **more):
    return {"mode": "managed", "type": type, "name": name, "instances": list(instances), **more}


def found(*entries):
    return list(resources(json.dumps({"resources": list(entries)}).encode()))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON|version 4"),
        (b'{"version": 4, "x": ' + b"[" * 100_000, "not JSON"),
        (state()[:-1] + b', "x": "\xff"}', "not JSON"),
        (state() + b"x", "not JSON"),
        (b"[]", "version 4"),
        (b"null", "version 4"),
        (b'{"version": 3, "serial": 1, "lineage": "a"}', "version 4"),
        (b'{"serial": 1, "lineage": "a"}', "version 4"),
        (state(serial=-1), "no valid serial"),
        (state(serial=True), "no valid serial"),
        (state(serial=1.5), "no valid serial"),
        (state(serial="1"), "no valid serial"),
        (state(serial=SERIAL_MAX), "no valid serial"),
        (state(serial=10**40), "no valid serial"),
        (state(lineage=""), "no lineage"),
        (state(lineage=7), "no lineage"),
        (state(lineage="a\0b"), "no lineage"),
        (state(lineage="\ud800"), "no lineage|not JSON"),
        (state(outputs=[1]), "malformed"),
        (state(resources={"a": 1}), "malformed"),
    ],
)
@pytest.mark.parametrize("read", [look, parse])
def test_what_is_no_state_is_refused_in_words(read, body, words):
    with pytest.raises(BadState, match=words):
        read(body)


def test_a_state_is_read():
    read = parse(state(7, "lin", outputs={"o": {"value": 1, "type": "number"}}, check="kept"))

    assert (read.serial, read.lineage) == (7, "lin")
    assert read.outputs == {"o": {"value": 1, "type": "number"}}
    assert read.document["check"] == "kept"


def test_what_is_kept_of_a_state_can_be_read_without_taking_it_apart():
    body = state(7, "lin", outputs={"o": {"value": "ü"}}, resources=[resource({})], check="kept")

    head = look(bytearray(body))

    assert (head.serial, head.lineage, head.outputs) == (7, "lin", {"o": {"value": "ü"}})


def test_a_state_without_outputs_or_resources_is_one_too():
    body = state(0, outputs=None, resources=None)
    assert parse(body).outputs == look(body).outputs == {}
    assert list(resources(body)) == []
    assert list(resources(state(0))) == []


@pytest.mark.parametrize("serial", [4, 5, 100])
def test_a_higher_serial_follows(serial):
    assert check_succession(parse(state(serial)), "new", serial=3, lineage="a-b-c", digest="old")


def test_the_same_state_once_more_need_not_be_kept():
    body = state(3)
    same = check_succession(
        parse(body), digest(body), serial=3, lineage="a-b-c", digest=digest(body)
    )
    assert same is False


@pytest.mark.parametrize(
    ("serial", "lineage", "words"),
    [
        (2, "a-b-c", "serial 2 is behind the stored serial 3"),
        (3, "a-b-c", "Another state with serial 3"),
        (4, "other", "another lineage"),
        (3, "other", "another lineage"),
    ],
)
def test_what_may_not_follow_is_refused(serial, lineage, words):
    with pytest.raises(StateConflict, match=words):
        check_succession(
            parse(state(serial, lineage)), "new", serial=3, lineage="a-b-c", digest="old"
        )


@pytest.mark.parametrize(
    ("entry", "addresses"),
    [
        (resource({}), ["null_resource.a"]),
        (
            resource({"index_key": 0}, {"index_key": 1}),
            ["null_resource.a[0]", "null_resource.a[1]"],
        ),
        (resource({"index_key": 'x"y'}), ['null_resource.a["x\\"y"]']),
        (resource({}, module='module.m["k"]'), ['module.m["k"].null_resource.a']),
        (
            {**resource({}), "mode": "data", "module": "module.m"},
            ["module.m.data.null_resource.a"],
        ),
        (resource(), []),
    ],
)
def test_addresses_are_those_that_terraform_prints(entry, addresses):
    assert [item.address for item in found(entry)] == addresses


def test_an_object_that_waits_to_be_destroyed_has_an_address_of_its_own():
    items = found(resource({"attributes": {"id": "new"}}, {"deposed": "a1b2c3d4"}))

    assert [item.address for item in items] == [
        "null_resource.a",
        "null_resource.a (deposed object a1b2c3d4)",
    ]


def test_a_tainted_instance_is_marked():
    items = found(resource({"index_key": 0, "status": "tainted"}, {"index_key": 1}))
    assert [item.tainted for item in items] == [True, False]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ([{"type": "get_attr", "value": "password"}], {"password": HIDDEN, "list": [{"k": "v"}]}),
        (
            [
                {"type": "get_attr", "value": "list"},
                {"type": "index", "value": {"value": 0, "type": "number"}},
                {"type": "get_attr", "value": "k"},
            ],
            {"password": "p", "list": [{"k": HIDDEN}]},
        ),
        (
            [
                {"type": "get_attr", "value": "list"},
                {"type": "index", "value": {"value": 0, "type": "number"}},
            ],
            {"password": "p", "list": [HIDDEN]},
        ),
        ([{"type": "get_attr", "value": "absent"}], {"password": "p", "list": [{"k": "v"}]}),
    ],
)
def test_values_that_terraform_marks_as_sensitive_are_replaced(path, expected):
    attributes = {"password": "p", "list": [{"k": "v"}]}
    (item,) = found(resource({"attributes": attributes, "sensitive_attributes": [path]}))
    assert json.loads(item.values) == expected


def test_values_nested_without_end_are_cut_and_not_followed():
    deep: object = "bottom"
    for _ in range(400):
        deep = [deep]
    (item,) = found(resource({"attributes": deep}))
    assert HIDDEN in item.values
    assert "bottom" not in item.values


@pytest.mark.parametrize(
    "entries",
    [
        ["text"],
        [None],
        [{"instances": ["text", None]}],
        [{"instances": None}],
        [{"type": None, "name": 5, "instances": [{"sensitive_attributes": ["x", [1], [{}]]}]}],
    ],
)
def test_nonsense_inside_of_a_state_does_no_harm(entries):
    assert all(item.values for item in found(*entries))
