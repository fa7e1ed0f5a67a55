"""A worker whose runs live in containers, from a stack's runner image to its outputs."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.commands import processes_with
from tests.support.engines import NoEngineHere, build, containers, engine
from tests.support.platform import Process
from tests.support.site import Site

STACK_IMAGE = "gantry-e2e"
LEFT_WITHIN = 30.0  # seconds; a container of a killed worker is gone within two

CODE = """
variable "from_hook" { type = string }
resource "terraform_data" "it" { input = var.from_hook }
output "it" { value = terraform_data.it.output }
"""
SLOW = """
resource "terraform_data" "slow" {
  provisioner "local-exec" { command = "echo begun; sleep 60; : TOKEN" }
}
"""


@pytest.fixture(scope="module")
def socket() -> Iterator[Path]:
    try:
        with engine("docker") as path:
            build(path, STACK_IMAGE, changes="ENV FROM_IMAGE=yes")
            yield path
    except NoEngineHere as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="module")
def here(site: Site) -> Site:
    return Site(site.platform, site.server, pool="workers with containers")


@pytest.fixture(scope="module")
def worker(here: Site, socket: Path) -> Process:
    (started,) = here.start_workers(
        GANTRY_WORKER_RUNTIME="docker",
        DOCKER_HOST=f"unix://{socket}",
        GANTRY_WORKER_DOCKER_PULL="never",
        SPACELIFT_WORKER_NETWORK="host",
        SPACELIFT_DEFAULT_RUNNER_IMAGE="gantry-absent",
        GANTRY_WORKER_DIR=str(here.platform.place / "worker-with-containers"),
    )
    return started


def test_a_stacks_image_is_where_its_runs_live(here: Site, worker: Process, socket: Path) -> None:
    hook = 'export TF_VAR_from_hook="$FROM_IMAGE $(ls /.dockerenv)"'
    stack = here.stack(CODE, runnerImage=STACK_IMAGE, beforeInit=[hook])

    run = here.applied(stack)

    assert here.outputs(stack) == {"it": '"yes /.dockerenv"'}
    assert f"containers of the image {STACK_IMAGE}" in here.api.whole_log(run)
    until_none(socket)


def test_an_image_that_cannot_be_had_is_the_reason_of_a_failure(
    here: Site, worker: Process, socket: Path
) -> None:
    run = here.trigger(here.stack(CODE))

    failed = here.api.wait_for(run, "FAILED")

    assert "The image gantry-absent is not on this worker" in failed["history"][0]["note"]
    assert containers(socket) == []


def test_a_killed_worker_leaves_no_container(here: Site, worker: Process, socket: Path) -> None:
    token = f"gantry-contained-{secrets.token_hex(6)}"
    stack = here.stack(SLOW.replace("TOKEN", token), runnerImage=STACK_IMAGE)
    run = here.planned(stack)
    here.decide("runConfirm", stack, run)
    here.api.wait_for(run, "APPLYING")
    here.api.wait_for_words(run, here.version(run, "APPLYING"), "begun")
    assert processes_with(token)

    worker.kill()

    until_none(socket)
    assert processes_with(token) == []


def until_none(socket: Path) -> None:
    until = time.monotonic() + LEFT_WITHIN
    while containers(socket) and time.monotonic() < until:
        time.sleep(0.05)
    assert containers(socket) == []
