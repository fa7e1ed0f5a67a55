"""A plan belongs to its pool: whichever worker is there when it is confirmed applies it."""

from __future__ import annotations

import json

import pytest

from tests.support.platform import Process, workers_of
from tests.support.site import Site, states

CODE = """
variable "secret" { type = string }
resource "terraform_data" "it" { input = sha256(var.secret) }
resource "terraform_data" "made_at_plan" { input = filesha256("${path.module}/generated.txt") }
output "secret" { value = terraform_data.it.output }
output "generated" { value = terraform_data.made_at_plan.output }
"""


@pytest.fixture
def own(site: Site) -> Site:
    """The same installation, with a pool of its own that has no workers yet."""
    return Site(site.platform, site.server, pool="one after the other")


def workers_in(run) -> dict[str, str]:
    return {m["state"]: m["workerId"] for m in run["history"] if m["workerId"]}


def the_worker(site: Site) -> str:
    (worker,) = workers_of(site.api, site.pool)
    return str(worker["id"])


def test_a_plan_of_one_worker_is_applied_by_another_of_the_same_pool(own):
    first: Process
    (first,) = own.start_workers(GANTRY_WORKER_DIR=str(own.platform.place / "first machine"))
    first_id = the_worker(own)
    stack = own.stack(
        CODE,
        beforeInit=["echo only once, with $TF_VAR_spacelift_run_id > generated.txt"],
        beforeApply=["cat generated.txt"],
    )
    own.configure(stack, "TF_VAR_secret", "from worker to worker", writeOnly=True)
    run = own.planned(stack)

    first.terminate()
    assert first.ended() == 0
    assert workers_of(own.api, own.pool) == []
    own.decide("runConfirm", stack, run)
    waits = own.api.run(run)["waitsFor"]
    assert waits.startswith("waits for a worker: none of pool ")
    assert waits.endswith(" is connected")
    own.start_workers(GANTRY_WORKER_DIR=str(own.platform.place / "second machine"))
    second_id = the_worker(own)

    ended = own.api.wait_for(run, "FINISHED")
    assert first_id != second_id
    assert workers_in(ended)["PREPARING"] == first_id
    assert workers_in(ended)["PREPARING_APPLY"] == second_id
    assert states(ended).count("PLANNING") == 1
    outputs = own.outputs(stack)
    assert len(json.loads(outputs["secret"])) == 64
    assert f"only once, with {run}" in own.api.log(run, own.version(run, "APPLYING")).decode()


def test_what_was_stored_for_the_next_worker_cannot_be_read_without_the_pools_key(site):
    stack = site.stack(CODE, beforeInit=["echo hidden words > generated.txt"])
    site.configure(stack, "TF_VAR_secret", "a secret in the plan file", writeOnly=True)
    run = site.planned(stack)

    workspaces = site.platform.place / "data" / "objects" / "workspace"
    stored = [path for path in workspaces.rglob("*") if path.is_file() and run in str(path)]
    assert stored
    for path in stored:
        content = path.read_bytes()
        assert b"a secret in the plan file" not in content
        assert b"hidden words" not in content
        assert b"terraform_data" not in content
    site.decide("runDiscard", stack, run)
