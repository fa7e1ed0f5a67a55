"""Variables that only a worker with containers heeds, and what others do with them."""

from pathlib import Path

import pytest
from gantry_worker.runtimes.mounts import ExtraMount
from gantry_worker.settings import MisconfiguredError, load_settings, unheeded

LEAST = {"SPACELIFT_TOKEN": "t", "SPACELIFT_POOL_PRIVATE_KEY": "k"}
CONTAINERS = {**LEAST, "GANTRY_WORKER_RUNTIME": "docker"}
OF_CONTAINERS = {
    "SPACELIFT_WORKER_NETWORK": "runs",
    "SPACELIFT_WORKER_RUNTIME": "runsc",
    "SPACELIFT_WORKER_EXTRA_MOUNTS": "/a:/b, /c:/d",
    "SPACELIFT_WORKER_RO_EXTRA_MOUNTS": "/e:/f",
    "SPACELIFT_WORKER_WO_EXTRA_MOUNTS": "/g:/h",
}


@pytest.mark.parametrize("variable", OF_CONTAINERS)
@pytest.mark.parametrize("runtime", ["auto", "sandbox", "process", ""])
def test_what_only_containers_heed_stops_a_worker_without_them(variable, runtime):
    given = {
        **LEAST,
        "GANTRY_WORKER_RUNTIME": runtime,
        variable: OF_CONTAINERS[variable],
    }

    with pytest.raises(MisconfiguredError, match=f"{variable} is set, and .* does not heed it"):
        load_settings(given)


def test_a_worker_with_containers_heeds_it():
    settings = load_settings({**CONTAINERS, **OF_CONTAINERS})

    assert (settings.docker_network, settings.docker_runtime) == ("runs", "runsc")
    assert settings.extra_mounts == (
        ExtraMount(Path("/a"), "/b", "all"),
        ExtraMount(Path("/c"), "/d", "all"),
    )
    assert settings.reading_mounts == (ExtraMount(Path("/e"), "/f", "reading"),)
    assert settings.writing_mounts == (ExtraMount(Path("/g"), "/h", "writing"),)


def test_an_initialization_policy_stops_either():
    policy = {"SPACELIFT_LAUNCHER_RUN_INITIALIZATION_POLICY": "/policy.rego"}

    for given in (LEAST, CONTAINERS):
        with pytest.raises(MisconfiguredError, match="runs would start that the policy refuses"):
            load_settings({**given, **policy})


def test_variables_without_effect_are_named():
    given = {"SPACELIFT_DEFAULT_RUNNER_IMAGE": "mine", "SPACELIFT_DEBUG": "true"}

    assert unheeded({**LEAST, **given}) == ["SPACELIFT_DEBUG", "SPACELIFT_DEFAULT_RUNNER_IMAGE"]
    assert unheeded({**CONTAINERS, **given}) == ["SPACELIFT_DEBUG"]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DOCKER_HOST", "tcp://localhost:2375"),
        ("GANTRY_WORKER_DOCKER_PULL", "sometimes"),
        ("SPACELIFT_WORKER_NETWORK", "container:other"),
        ("SPACELIFT_WORKER_EXTRA_MOUNTS", "/one"),
        ("SPACELIFT_WORKER_RO_EXTRA_MOUNTS", "/one:/mnt/workspace"),
    ],
)
def test_a_value_that_cannot_be_used_stops_a_worker_and_is_named(variable, value):
    with pytest.raises(MisconfiguredError, match=f"{variable} is not usable"):
        load_settings({**CONTAINERS, variable: value})
