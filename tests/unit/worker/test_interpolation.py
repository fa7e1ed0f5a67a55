"""What `${NAME}` in a variable becomes."""

from __future__ import annotations

import pytest
from gantry_worker.interpolation import MAX_REPLACED, MAX_VALUE, TooLong, interpolated
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"FOO": "bar", "BAZ": "${FOO}-baz"}, {"BAZ": "bar-baz"}),
        ({"A": "${B}a", "B": "${C}b", "C": "c"}, {"A": "cba", "B": "cb"}),
        ({"A": "${C}${C}", "C": "x"}, {"A": "xx"}),
        ({"A": "${NONE}", "C": "x"}, {"A": "${NONE}"}),
        ({"A": "$C ${C", "C": "x"}, {"A": "$C ${C"}),
        ({"A": "$${C}", "C": "x"}, {"A": "$x"}),
        ({"A": "${C}", "C": ""}, {"A": ""}),
        ({"A": "${B}", "B": "${A}"}, {"A": "${B}", "B": "${A}"}),
        ({"A": "${B}", "B": "${A}", "C": "${A}${D}", "D": "d"}, {"C": "${A}d"}),
        ({"PATH": "${PATH}:/opt/bin"}, {"PATH": "/bin:/opt/bin"}),
        ({"SELF": "${SELF}!"}, {"SELF": "${SELF}!"}),
        ({"A": "${B}", "B": "\udcff"}, {"A": "\udcff"}),
    ],
)
def test_references_are_replaced_in_whatever_order_they_stand(values, found):
    for order in (values, dict(reversed(values.items()))):
        assert interpolated(order, {"PATH": "/bin"}) == {**values, **found}


def test_a_long_row_of_references_is_no_trouble():
    values = {f"V{n}": f"${{V{n + 1}}}" for n in range(20_000)} | {"V20000": "end"}
    assert set(interpolated(values, {}).values()) == {"end"}


@pytest.mark.parametrize("links", [30, 2])
def test_values_that_would_grow_beyond_what_a_process_takes_are_refused(links):
    values = {f"V{n}": f"${{V{n + 1}}}" * (2 if links > 2 else 5000) for n in range(links)}
    values[f"V{links}"] = "x" * 100

    with pytest.raises(TooLong, match=str(MAX_VALUE)):
        interpolated(values, {})


def test_values_that_refer_into_a_circle_count_as_well():
    large = f"{'x' * (MAX_VALUE - 10)}${{A}}"
    circle = {"A": "${B}", "B": "${A}"}
    many = {f"V{n}": large for n in range(MAX_REPLACED // MAX_VALUE + 1)}

    with pytest.raises(TooLong, match=str(MAX_REPLACED)):
        interpolated(circle | many, {})


NAMES = st.sampled_from("ABCDEF")
VALUES = st.lists(st.one_of(st.text("xyz$", max_size=3), NAMES.map(lambda n: f"${{{n}}}"))).map(
    "".join
)


@given(st.dictionaries(NAMES, VALUES), st.randoms())
def test_the_order_of_variables_makes_no_difference(values, random):
    names = list(values)
    random.shuffle(names)
    assert interpolated({name: values[name] for name in names}, {}) == interpolated(values, {})
