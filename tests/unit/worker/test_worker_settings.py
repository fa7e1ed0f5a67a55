"""What a worker's variables mean, and what it says of those that mean nothing."""

import pytest
from gantry_worker.settings import MisconfiguredError, load_settings

LEAST = {"SPACELIFT_TOKEN": "t", "SPACELIFT_POOL_PRIVATE_KEY": "k"}


def loaded(**more):
    return load_settings({**LEAST, **more})


def test_limits_are_as_wide_as_documented_unless_they_are_set():
    plain = loaded()
    assert (plain.memory_limit, plain.pids_limit, plain.cpu_limit) == (None, 4096, None)
    assert plain.egress is None

    narrow = loaded(
        GANTRY_WORKER_MEMORY_LIMIT="2GiB",
        GANTRY_WORKER_PIDS_LIMIT="512",
        GANTRY_WORKER_CPU_LIMIT="1.5",
    )
    assert (narrow.memory_limit, narrow.pids_limit, narrow.cpu_limit) == (2 * 2**30, 512, 1.5)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("GANTRY_WORKER_MEMORY_LIMIT", "2 gigs", "must be a number of bytes"),
        ("GANTRY_WORKER_MEMORY_LIMIT", "2", "64 MiB or more"),
        ("GANTRY_WORKER_PIDS_LIMIT", "1", "greater than or equal to 64"),
        ("GANTRY_WORKER_CPU_LIMIT", "0", "greater than or equal to 0.1"),
        ("GANTRY_WORKER_EGRESS", "example.org, https://example.org", "'https://example.org'"),
    ],
)
def test_what_means_nothing_is_named_with_its_variable(name, value, says):
    with pytest.raises(MisconfiguredError) as refused:
        loaded(**{name: value})
    assert str(refused.value).startswith(f"{name} is not usable")
    assert says in str(refused.value)


def test_a_list_without_entries_allows_nothing_instead_of_everything():
    assert loaded(GANTRY_WORKER_EGRESS=" , ").egress == []
    assert loaded(GANTRY_WORKER_EGRESS="a.example, *.b.example").egress == [
        "a.example",
        "*.b.example",
    ]
