"""Tests that make up their own input: briefly in every run, for long with `make fuzz`."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

LONGER = int(os.environ.get("FUZZ_LONGER", "1"))
"""How many times as many examples as usual."""


def patient(examples: int, **more: Any) -> settings:
    """So many examples, and not fewer because one of them takes its time."""
    return settings(
        max_examples=examples * LONGER,
        deadline=None,
        # Whatever a test shares, each example begins with something new.
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.too_slow,
            HealthCheck.data_too_large,
            HealthCheck.filter_too_much,
        ],
        **more,
    )


def fuzz(examples: int) -> Callable[[Any], Any]:
    """The test, with so many examples."""

    def marked(test: Any) -> Any:
        return pytest.mark.fuzz(patient(examples)(test))

    return marked


ODD_TEXT = st.one_of(
    st.text(st.characters(), max_size=12),  # half surrogates and NUL as well
    st.sampled_from(
        ["", "\0", "\ud800", "a\u202eb", "../../etc/passwd", "%", "'; --", "null", "1e999", "٣"]
    ),
)
ODD_NUMBER = st.one_of(
    st.integers(-3, 3),
    st.sampled_from([2**31, -(2**31) - 1, 2**63 - 1, 2**63, -(2**63) - 1, 10**40]),
    st.floats(),
)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | ODD_NUMBER | ODD_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ODD_TEXT, inner, max_size=4),
    max_leaves=12,
)
DEEP = [b"[" * 5_000, b'{"a":' * 5_000, b"[" * 5_000 + b"]" * 5_000]
"""JSON that is deeper than anybody's stack."""
