"""Version constraints in a stack's settings."""

from __future__ import annotations

from contextlib import suppress

import pytest
from gantry_protocol.versions import BadConstraint, best, parse, pinned, possible, satisfies
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("constraint", "allowed", "refused"),
    [
        ("1.5.7", ["1.5.7", "v1.5.7", "1.5.7+build.3"], ["1.5.6", "1.5.8", "1.5.7-rc1"]),
        ("=1.5.7", ["1.5.7"], ["1.5.70"]),
        ("== 1.5.7", ["1.5.7"], ["1.5.8"]),
        ("v1.5.7", ["1.5.7"], ["1.5.8"]),
        ("1.5", ["1.5.0"], ["1.5.1"]),
        (">= 1.5, < 2", ["1.5.0", "1.99.99"], ["1.4.9", "2.0.0", "2.0.0-alpha1"]),
        (">=1.5 <2", ["1.5.0", "1.11.4"], ["2.0.0"]),
        (">=1.5<2", ["1.5.0", "1.11.4"], ["2.0.0"]),
        ("> 1.5.7", ["1.5.8", "1.6.0"], ["1.5.7"]),
        ("<= 1.5.7", ["1.5.7", "0.12.31"], ["1.5.8"]),
        ("~> 1.5.0", ["1.5.0", "1.5.99"], ["1.6.0", "1.4.9", "1.6.0-alpha1"]),
        ("~> 1.5.3", ["1.5.3", "1.5.4"], ["1.5.2", "1.6.0"]),
        ("~> 1.5", ["1.5.0", "1.11.4"], ["2.0.0", "1.4.0"]),
        ("~> 1", ["1.0.0", "2.3.4"], ["0.15.5"]),
        ("1.5.x", ["1.5.0", "1.5.7"], ["1.6.0", "1.4.9", "1.5.0-rc1"]),
        ("1.5.*", ["1.5.7"], ["1.6.0"]),
        ("1.x", ["1.0.0", "1.11.4"], ["2.0.0"]),
        ("1.x.x", ["1.0.0", "1.11.4"], ["2.0.0"]),
        ("x", ["0.1.0", "9.9.9"], ["1.0.0-rc1"]),
        (">1.5.x", ["1.6.0"], ["1.5.7"]),
        ("<=1.5.x", ["1.5.7"], ["1.6.0"]),
        (">= 1.5, != 1.5.6", ["1.5.5", "1.5.7"], ["1.5.6"]),
        (">= 1.4, != 1.5.x", ["1.4.0", "1.6.0"], ["1.5.0", "1.5.7"]),
        ("1.3.9 || ~> 1.5.0", ["1.3.9", "1.5.7"], ["1.3.8", "1.4.0"]),
        ("< 1 || > 2, < 3", ["0.9.0", "2.5.0"], ["1.5.0", "3.0.0"]),
        ("  >=   1.5  ,  <  1.6  ", ["1.5.2"], ["1.6.0"]),
    ],
)
def test_a_constraint_allows_what_it_says_and_nothing_else(constraint, allowed, refused):
    assert [v for v in allowed if not satisfies(v, constraint)] == []
    assert [v for v in refused if satisfies(v, constraint)] == []


@pytest.mark.parametrize(
    ("constraint", "allowed", "refused"),
    [
        ("1.7.0-beta1", ["1.7.0-beta1"], ["1.7.0", "1.7.0-beta2"]),
        (">= 1.6", ["1.7.0"], ["1.7.0-beta1"]),
        (">= 1.7.0-beta1", ["1.7.0"], ["1.7.0-beta1", "1.7.0-beta2"]),
        ("!= 1.7.0-beta1", ["1.7.0"], ["1.7.0-beta2"]),
        (">= 1.6 || 1.7.0-rc1", ["1.7.0-rc1", "1.6.0"], ["1.7.0-rc2"]),
        (">= 1.8, 1.7.0-rc1", [], ["1.7.0-rc1"]),
        ("~> 1.7.0-beta1", ["1.7.0", "1.7.3"], ["1.8.0", "1.7.0-beta2", "1.6.9"]),
    ],
)
def test_a_prerelease_is_allowed_only_when_it_is_named_exactly(constraint, allowed, refused):
    assert [v for v in allowed if not satisfies(v, constraint)] == []
    assert [v for v in refused if satisfies(v, constraint)] == []


@pytest.mark.parametrize(
    ("constraint", "because"),
    [
        ("", "a version is missing"),
        ("   ", "a version is missing"),
        (">= 1.5,", "a version is missing"),
        ("1.5 ||", "a version is missing"),
        (">=", "does not begin with a version"),
        ("^1.5", "does not begin with a version"),
        ("1.5.0 - 1.6.0", "'-' is not a version"),
        ("latest", "'latest' is not a version"),
        ("1.2.3.4", "is not a version"),
        ("1.5.7;rm", "is not understood"),
        ("~> 1.5.x", "say the same thing twice"),
        ("< x", "needs a number"),
        ("1" * 100, "is not a version"),
        (">= 1, " * 100, "longer than 256"),
        ("\u0661.5.0", "does not begin with a version"),
    ],
)
def test_a_constraint_that_cannot_be_read_is_refused_with_the_reason(constraint, because):
    with pytest.raises(BadConstraint, match=because):
        satisfies("1.5.7", constraint)


def test_a_bad_constraint_is_refused_even_when_there_is_nothing_to_compare():
    with pytest.raises(BadConstraint):
        best([], "latest")
    with pytest.raises(BadConstraint):
        satisfies("no version at all", "latest")


def test_what_is_no_version_satisfies_nothing():
    for text in ("", "1.2.3.4", "terraform", "1..2", "-1.0.0", "1.5.x", "9" * 5000):
        assert parse(text) is None
        assert not satisfies(text, ">= 0")


def test_the_best_version_is_the_newest_allowed_and_is_spelled_as_given():
    versions = ["1.5.7", "v1.5.10", "1.6.0", "1.5.11-rc1", "nonsense", "1.5.9"]

    assert best(versions, "~> 1.5.0") == "v1.5.10"
    assert best(versions, "1.5.11-rc1") == "1.5.11-rc1"
    assert best(versions, ">= 2") is None


def test_without_a_constraint_the_newest_release_is_best():
    assert best(["1.9.0", "1.10.0", "1.11.0-alpha1"], None) == "1.10.0"
    assert best(["1.11.0-alpha1"], None) is None


def test_a_constraint_that_names_one_version_is_pinned_to_it():
    assert pinned("1.5.7") == "1.5.7"
    assert pinned("= v1.5") == "1.5.0"
    assert pinned("1.7.0-rc1+build") == "1.7.0-rc1"
    for constraint in (None, "~> 1.5.0", "!= 1.5.7", "1.5.x", "1.5.7 || 1.5.8", "1.5.7, < 2"):
        assert pinned(constraint) is None


@pytest.mark.parametrize(
    "constraint",
    [
        ">= 2, < 1", "> 1.5.7, < 1.5.8", "1.5.7, != 1.5.7", "~> 1.5.0, >= 1.6", "< 0",
        "1.5.x, != 1.5.x", "> 1.5.7, != 1.5.8, < 1.5.9", "1.5.7, 1.5.8", ">= 2, < 1 || 1, 2",
    ],
)  # fmt: skip
def test_a_constraint_that_allows_no_version_is_known_for_it(constraint):
    assert not possible(constraint)


@pytest.mark.parametrize(
    "constraint",
    [
        "1.5.7", "1.6.0-rc1", "> 1.5.7, < 1.5.9", "< 0.0.1", "!= 0, != 0.0.1", ">= 2, < 1 || ~> 1",
        "!= 0.x", "!= 0.x, != 1.0.0, < 1.1", "<= 1.5, >= 1.5", "*", "> 1.5.0-rc1, < 1.5.1",
    ],
)  # fmt: skip
def test_a_constraint_that_allows_some_version_is_possible(constraint):
    assert possible(constraint)


def test_versions_are_ordered_as_semantic_versioning_orders_them():
    ordered = [
        "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta",
        "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.1", "1.10.0",
    ]  # fmt: skip

    assert sorted(set(ordered), key=lambda text: parse(text).rank) == ordered


numbers = st.integers(0, 30)
releases = st.builds(lambda a, b, c: f"{a}.{b}.{c}", numbers, numbers, numbers)


@given(releases, releases)
def test_every_release_is_on_exactly_one_side_of_another(version, other):
    sides = [satisfies(version, f"{sign} {other}") for sign in ("<", "=", ">")]

    assert sum(sides) == 1
    assert satisfies(version, f"<= {other}") == (sides[0] or sides[1])
    assert satisfies(version, f">= {other}") == (sides[1] or sides[2])
    assert satisfies(version, f"!= {other}") == (not sides[1])


terms = st.builds(
    lambda sign, version: f"{sign} {version}",
    st.sampled_from(["<", "<=", "=", "!=", ">=", ">", "~>"]),
    st.builds(lambda a, b, c: f"{a}.{b}.{c}", *[st.integers(0, 2)] * 3),
)


@given(st.lists(terms, min_size=1, max_size=4).map(", ".join))
def test_a_constraint_is_possible_where_a_release_satisfies_it(constraint):
    there = (f"{a}.{b}.{c}" for a in range(4) for b in range(5) for c in range(8))

    assert possible(constraint) == any(satisfies(version, constraint) for version in there)


@given(st.text(alphabet="0123456789.xv~<>=!|, -*beta^", max_size=40))
def test_any_text_is_either_a_constraint_or_refused_as_one(text):
    with suppress(BadConstraint):
        assert satisfies("1.5.7", text) in (True, False)
