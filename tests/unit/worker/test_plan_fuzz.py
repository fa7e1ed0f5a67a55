"""Plans and states as no Terraform prints them: understood, or refused in words for people."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from gantry_protocol.calls import Change
from gantry_worker.tools.plan_document import masked, packed, shareable
from gantry_worker.tools.plan_json import applied_state, output_values, read_plan, summarise
from gantry_worker.tools.redaction import BadPlan, redacted
from hypothesis import given
from hypothesis import strategies as st

from tests.support.fuzzing import ANY_JSON, DEEP, ODD_TEXT, fuzz

DEEP_CONFIGURATION = b'{"format_version":"1.0","configuration":' + b"[" * 900 + b"]" * 900 + b"}"
"""What the decoder takes, and whoever goes through it afterwards may not."""

SECRET = "s3cr3t-that-nobody-sees"

MARKS = st.recursive(
    st.sampled_from([True, False, None, True, "yes", 1, 0]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner),
    max_leaves=6,
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | ODD_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner),
    max_leaves=8,
)
ACTIONS = st.lists(
    st.sampled_from(["no-op", "create", "read", "update", "delete", "forget", "explode"]),
    max_size=2,
)


def sometimes(*strategies: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """One of them, and now and then anything at all."""
    return st.one_of(*strategies, *strategies, *strategies, ANY_JSON)


def some(fields: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    """An object with any of the fields."""
    return st.fixed_dictionaries({}, optional=fields)


CHANGE = some(
    {
        "actions": sometimes(ACTIONS),
        "before": VALUES,
        "after": VALUES,
        "before_sensitive": sometimes(MARKS),
        "after_sensitive": sometimes(MARKS),
        "after_unknown": sometimes(MARKS),
        "importing": sometimes(st.none()),
        "replace_paths": ANY_JSON,
    }
)
ENTRY = some(
    {
        "address": sometimes(ODD_TEXT),
        "previous_address": sometimes(ODD_TEXT),
        "mode": sometimes(st.sampled_from(["managed", "data"])),
        "type": sometimes(ODD_TEXT),
        "deposed": sometimes(ODD_TEXT),
        "change": sometimes(CHANGE),
    }
)
RESOURCE = some(
    {
        "address": sometimes(ODD_TEXT),
        "values": sometimes(VALUES),
        "sensitive_values": sometimes(MARKS),
        "tainted": sometimes(st.booleans()),
        "deposed_key": sometimes(ODD_TEXT),
    }
)
MODULE = st.recursive(
    some({"resources": sometimes(st.lists(sometimes(RESOURCE), max_size=3))}),
    lambda inner: some(
        {
            "address": sometimes(ODD_TEXT),
            "resources": st.lists(RESOURCE, max_size=2),
            "child_modules": sometimes(st.lists(inner, max_size=2)),
        }
    ),
    max_leaves=4,
)
OUTPUTS = st.dictionaries(
    ODD_TEXT,
    sometimes(some({"value": VALUES, "sensitive": sometimes(st.booleans()), "type": ANY_JSON})),
    max_size=3,
)
STATE = some(
    {
        "format_version": sometimes(st.sampled_from(["1.0", "0.2", "2.0"])),
        "values": sometimes(
            some({"root_module": sometimes(MODULE), "outputs": sometimes(OUTPUTS)})
        ),
    }
)
PLAN = some(
    {
        "format_version": sometimes(st.just("1.2")),
        "resource_changes": sometimes(st.lists(sometimes(ENTRY), max_size=3)),
        "resource_drift": sometimes(st.lists(sometimes(ENTRY), max_size=2)),
        "output_changes": sometimes(st.dictionaries(ODD_TEXT, sometimes(CHANGE), max_size=2)),
        "prior_state": sometimes(STATE),
        "variables": sometimes(st.dictionaries(ODD_TEXT, ANY_JSON, max_size=2)),
        "configuration": ANY_JSON,
    }
)


def understand(data: bytes) -> None:
    """All that a worker does with a plan's JSON between Terraform and its report."""
    plan = read_plan(data)
    summary, document = summarise(plan), shareable(plan)
    for change in summary.changes:
        told = Change(
            address=change.address,
            previous_address=change.previous_address,
            type=change.type,
            action=change.action,
            before=change.before,
            after=change.after,
        )
        Change.model_validate(masked(told.model_dump(), str.upper))
    json.loads(gzip.decompress(packed(masked(document, str.upper))))


def understood_or_refused(read: Callable[[bytes], Any], data: bytes) -> Any:
    """What was read; None when it was refused with a reason. Nothing else may come of it."""
    try:
        return read(data)
    except BadPlan as refusal:
        if not str(refusal):
            raise
        return None


@fuzz(60)
@given(PLAN)
def test_any_plan_is_understood_or_refused(plan):
    understood_or_refused(understand, json.dumps(plan).encode())


@fuzz(60)
@given(st.binary(max_size=64) | ANY_JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_understood_or_refused(data):
    for read in (understand, applied_state, output_values):
        understood_or_refused(read, data)


@pytest.mark.parametrize("data", [*DEEP, DEEP_CONFIGURATION], ids=range(4))
@pytest.mark.parametrize("read", [understand, output_values])
def test_what_is_nested_without_end_is_refused(data, read):
    with pytest.raises(BadPlan):
        read(data)


@fuzz(60)
@given(STATE, st.booleans())
def test_any_state_is_understood_or_refused(state, reveal):
    data = json.dumps(state).encode()
    found = understood_or_refused(partial(applied_state, reveal=reveal), data)
    if found is not None:
        json.dumps([resource.values for resource in found.resources])


@st.composite
def values_with_a_secret(draw: Any) -> tuple[Any, Any]:
    """A value, and marks of its shape that mark the secret somewhere in it, or all around it."""
    value: Any = {"password": SECRET, "list": [SECRET]} if draw(st.booleans()) else SECRET
    mark: Any = True
    for _ in range(draw(st.integers(0, 6))):
        others = draw(st.lists(VALUES, max_size=3))
        if draw(st.booleans()):
            place = draw(st.integers(0, len(others)))
            value = [*others[:place], value, *others[place:]]
            marks = draw(st.lists(MARKS, min_size=len(others), max_size=len(others)))
            mark = [*marks[:place], mark, *marks[place:]]
        else:
            names = ["x", "y", "z"]
            value = {**dict(zip(names, others, strict=False)), "s": value}
            mark = {**draw(st.dictionaries(st.sampled_from(names), MARKS)), "s": mark}
        if draw(st.integers(0, 5)) == 0:
            # A mark that does not fit: then all of what it is beside is in doubt.
            size = len(value) + 1 if isinstance(value, list) else 1
            mark = [mark] * size if isinstance(value, dict) or draw(st.booleans()) else {"s": mark}
    return value, mark


@fuzz(60)
@given(values_with_a_secret(), MARKS)
def test_no_secret_that_is_marked_is_seen(case, unknown):
    value, sensitive = case
    plan = {
        "format_version": "1.2",
        "resource_changes": [
            {
                "address": "t.n",
                "change": {
                    "actions": ["update"],
                    "before": value,
                    "after": value,
                    "before_sensitive": sensitive,
                    "after_sensitive": sensitive,
                    "after_unknown": unknown,
                },
            }
        ],
    }
    read = read_plan(json.dumps(plan).encode())

    told = json.dumps([(c.before, c.after) for c in summarise(read).changes])
    assert SECRET not in told
    assert SECRET.encode() not in gzip.decompress(packed(shareable(read)))
    assert SECRET not in json.dumps(redacted(value, sensitive, unknown))
