"""States as no Terraform writes them: read, or refused with a reason; what is marked is hidden."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from gantry.domains.tfstate.compare import difference, pick
from gantry.domains.tfstate.rules import (
    MAX_ADDRESS,
    BadState,
    look,
    modules_above,
    parse,
    resources,
)
from gantry.kernel.texts import can_be_kept
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.support.fuzzing import ANY_JSON, DEEP, ODD_NUMBER, ODD_TEXT, fuzz

SECRET = "s3cr3t-that-nobody-sees"


def some(fields: dict[str, Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries({}, optional=fields)


STEP = some(
    {
        "type": st.sampled_from(["get_attr", "index"]),
        "value": ODD_TEXT | some({"value": ANY_JSON, "type": ODD_TEXT}) | ANY_JSON,
    }
)
INSTANCE = some(
    {
        "index_key": ODD_TEXT | st.integers() | ANY_JSON | st.just("k" * 5000),
        "attributes": ANY_JSON,
        "sensitive_attributes": st.lists(st.lists(STEP, max_size=3) | ANY_JSON, max_size=3),
        "status": ODD_TEXT,
        "deposed": ANY_JSON,
    }
)
RESOURCE = some(
    {
        "module": ODD_TEXT | st.sampled_from(['module.a["x"].module.b', "module."]) | ANY_JSON,
        "mode": st.sampled_from(["managed", "data"]) | ANY_JSON,
        "type": ODD_TEXT | ANY_JSON,
        "name": ODD_TEXT,
        "provider": ANY_JSON,
        "instances": st.lists(INSTANCE | ANY_JSON, max_size=2),
    }
)
HALF_A_CHARACTER = re.compile(r"\\ud[89a-f]")
"""Half of a pair: Terraform writes none, and a look at a state refuses it as no JSON."""

NO_NUMBER = re.compile(r"NaN|Infinity")
"""What Python writes as numbers, and JSON does not know."""

STATE = st.fixed_dictionaries(
    {"version": st.just(4), "serial": ODD_NUMBER | st.just(1), "lineage": ODD_TEXT | st.just("l")},
    optional={
        "outputs": st.dictionaries(ODD_TEXT, ANY_JSON, max_size=2) | ANY_JSON,
        "resources": st.lists(RESOURCE | ANY_JSON, max_size=3) | ANY_JSON,
    },
)


@fuzz(250)
@given(STATE.map(json.dumps) | ANY_JSON.map(json.dumps))
def test_any_state_is_read_or_refused_and_what_is_listed_of_it_can_be_kept(text):
    body = text.encode()
    try:
        state = look(body)
    except BadState as refusal:
        if not refusal.message:
            raise
        return
    assert all(map(can_be_kept, (state.lineage, *state.outputs)))
    found = list(resources(body))
    for one in found:
        kept = (one.address, one.type, one.name, one.mode, one.module, one.provider, one.values)
        assert all(map(can_be_kept, kept))
        assert len(one.address.encode()) <= MAX_ADDRESS
        json.loads(one.values)
    modules_above(one.module for one in found)


@pytest.mark.parametrize("data", [*DEEP, b"\xff", b"", b'{"version":4,"serial":NaN}'], ids=range(6))
def test_what_is_no_state_is_refused(data):
    for read in (look, parse):
        with pytest.raises(BadState):
            read(data)


@fuzz(120)
@given(STATE.map(json.dumps) | ANY_JSON.map(json.dumps))
def test_a_look_at_a_state_says_what_reading_all_of_it_says(text):
    assume(not HALF_A_CHARACTER.search(text))
    said = []
    for read in (look, parse):
        try:
            state = read(text.encode())
            said.append((state.serial, state.lineage, state.outputs))
        except BadState:
            said.append(None)
    assert said[0] == said[1]


@st.composite
def attributes_with_a_secret(draw: Any) -> tuple[Any, list[dict[str, Any]]]:
    """A value with a secret in it, and the path of marks that leads there or above."""
    value: Any = SECRET
    path: list[dict[str, Any]] = []
    for _ in range(draw(st.integers(1, 5))):
        if draw(st.booleans()):
            others = draw(st.lists(ANY_JSON, max_size=2))
            at = draw(st.integers(0, len(others)))
            value = [*others[:at], value, *others[at:]]
            path.insert(0, {"type": "index", "value": {"value": at, "type": "number"}})
        else:
            name = draw(st.sampled_from(["a", "b", "password"]))
            value = {**draw(st.dictionaries(st.sampled_from("xyz"), ANY_JSON)), name: value}
            path.insert(0, {"type": "get_attr", "value": name})
    cut = draw(st.integers(1, len(path)))
    return value, path[:cut]


@fuzz(120)
@given(attributes_with_a_secret(), st.lists(st.lists(STEP, max_size=2), max_size=2))
def test_no_attribute_that_is_marked_is_listed(case, more):
    attributes, path = case
    instance = {"attributes": attributes, "sensitive_attributes": [*more, path]}
    document = {"resources": [{"type": "t", "name": "n", "instances": [instance]}]}

    body = json.dumps({"version": 4, **document})
    assume(not HALF_A_CHARACTER.search(body) and not NO_NUMBER.search(body))

    (found,) = resources(body.encode())

    assert SECRET not in found.values


@fuzz(120)
@given(attributes_with_a_secret(), attributes_with_a_secret() | st.tuples(ANY_JSON, st.just([])))
def test_no_value_that_is_marked_in_either_state_is_compared_in_the_open(one, other):
    bodies = [
        json.dumps(
            {
                "version": 4,
                "serial": 1,
                "lineage": "l",
                "resources": [
                    {
                        "type": "t",
                        "name": "n",
                        "instances": [
                            {"attributes": {"in": given}, "sensitive_attributes": [under(path)]}
                        ],
                    }
                ],
            }
        )
        for given, path in (one, other)
    ]
    assume(not any(HALF_A_CHARACTER.search(body) or NO_NUMBER.search(body) for body in bodies))
    before, after = (pick(body.encode(), {"t.n"}, {"t.n"}).get("t.n") for body in bodies)

    for pair in ((before, after), (after, before), (before, None), (None, before)):
        found = difference(*pair)
        shown = [text for a in found.attributes for text in (a.path, a.before or "", a.after or "")]
        assert SECRET not in "".join(shown)
        assert all(map(can_be_kept, shown))


def under(path: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"type": "get_attr", "value": "in"}, *path] if path else []
