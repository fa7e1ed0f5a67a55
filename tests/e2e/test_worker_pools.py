"""Pools of workers: how operators make, change and empty them."""

from __future__ import annotations

import itertools

import pytest
from gantry.infra.pool_keys import new_pool_key

from tests.support.platform import Pool, workers_of
from tests.support.site import Site

CODE = 'resource "terraform_data" "it" { input = "x" }\n'
SLOW = ["echo begun", "while [ ! -e go-on ]; do sleep 0.1; done"]
RESET = """
mutation ($id: ID!, $request: String!) {
  workerPoolReset(id: $id, certificateSigningRequest: $request) { id config }
}
"""
CREATE = """
mutation ($name: String!, $request: String!, $limit: Int, $labels: [String!]) {
  workerPoolCreate(
    name: $name, certificateSigningRequest: $request, labels: $labels
    driftDetectionRunLimit: $limit
  ) { id name config labels driftDetectionRunLimit workersCount }
}
"""
DRAIN = """
mutation ($pool: ID!, $id: ID!, $drain: Boolean!) {
  workerDrainSet(workerPool: $pool, id: $id, drain: $drain) { id drained busy status }
}
"""
_names = itertools.count(1)


@pytest.fixture
def own(site: Site) -> Site:
    """The same installation, with a pool of its own."""
    return Site(site.platform, site.server, pool=f"pool {next(_names)}")


def begin_slow_run(site: Site) -> str:
    """A run that plans until `let_go`."""
    stack = site.stack(CODE, beforePlan=SLOW)
    run = site.trigger(stack)
    site.api.wait_for(run, "PLANNING")
    site.api.wait_for_words(run, site.version(run, "PLANNING"), "begun")
    return run


def let_go(site: Site, run: str) -> None:
    (site.source(run) / "go-on").touch()


def wait_until_empty(site: Site) -> None:
    site.api.wait(
        f"queue:{site.pool.id}",
        lambda: not workers_of(site.api, site.pool),
        "a pool without workers",
    )


def test_the_config_of_a_pool_is_the_same_whenever_it_is_read(own):
    document = "query ($id: ID!) { workerPool(id: $id) { config } workerPools { id config } }"

    first, second = (own.api.ask(document, id=own.pool.id) for _ in range(2))

    assert first == second
    assert first["workerPool"]["config"] == own.pool.config
    assert own.pool.key not in str(first)


def test_a_pool_that_cannot_be_is_refused_and_not_made(own):
    _, request = new_pool_key(None)
    before = own.api.ask("{ workerPools { id } }")

    garbage = own.api.expect_error(CREATE, name="x", request="not a signing request")
    taken = own.api.expect_error(CREATE, name="workers", request=request)
    nameless = own.api.expect_error(CREATE, name="  ", request=request)

    assert garbage.code == "BAD_CERTIFICATE_REQUEST"
    assert taken.message == 'There is a worker pool named "workers" already.'
    assert nameless.message == "A worker pool's name has 1 to 255 characters."
    assert own.api.ask("{ workerPools { id } }") == before


def test_a_negative_limit_of_drift_checks_reads_back_as_none(own):
    _, request = new_pool_key(None)

    made = own.api.ask(CREATE, name="limited", request=request, limit=-1, labels=["b", "a", "b"])

    assert made["workerPoolCreate"]["driftDetectionRunLimit"] is None
    assert made["workerPoolCreate"]["labels"] == ["a", "b"]
    assert made["workerPoolCreate"]["workersCount"] == 0


def test_a_pool_that_stacks_use_is_not_deleted(own):
    own.stack(CODE)
    document = "mutation ($id: ID!) { workerPoolDelete(id: $id) { id } }"

    refusal = own.api.expect_error(document, id=own.pool.id)

    assert refusal.message == "1 stacks use this worker pool; move them first."
    assert own.api.ask("query ($id: ID!) { workerPool(id: $id) { deleted } }", id=own.pool.id) == {
        "workerPool": {"deleted": False}
    }


def test_a_reset_locks_old_workers_out_and_new_ones_of_the_new_key_in(own):
    (old,) = own.start_workers()
    before = own.pool
    key, request = new_pool_key(None)
    assert key is not None

    made = own.api.ask(RESET, id=before.id, request=request)["workerPoolReset"]

    assert made["id"] == before.id
    assert made["config"] != before.config
    # The old one is refused at its next word, and ends by itself.
    old.ended()
    wait_until_empty(own)
    late = own.platform.start_worker(before)
    assert late.ended() != 0
    assert "refused this worker" in late.said()
    assert workers_of(own.api, before) == []
    own.pool = Pool(made["id"], made["config"], key)
    own.start_workers()
    stack = own.stack(CODE)
    own.decide("runDiscard", stack, own.planned(stack))


def test_a_worker_with_another_pools_key_is_refused(own):
    key, _ = new_pool_key(None)
    assert key is not None

    stranger = own.platform.start_worker(Pool(own.pool.id, own.pool.config, key))

    assert stranger.ended() != 0
    assert "refused this worker" in stranger.said()
    assert workers_of(own.api, own.pool) == []


def test_a_worker_without_a_token_says_which_variable_is_missing(own):
    worker = own.platform.start_worker(own.pool, SPACELIFT_TOKEN="")
    assert worker.ended() == 1
    assert worker.said().startswith("gantry worker: SPACELIFT_TOKEN is not set.")


def test_a_cycle_lets_workers_finish_what_they_hold_and_leave(own):
    busy, idle = own.start_workers(2)
    run = begin_slow_run(own)
    waiting = own.trigger(own.stack(CODE))
    own.api.wait_for(waiting, "UNCONFIRMED")

    own.api.ask("mutation ($id: ID!) { workerPoolCycle(id: $id) }", id=own.pool.id)

    def one_left():
        return len(workers_of(own.api, own.pool)) == 1

    own.api.wait(f"queue:{own.pool.id}", one_left, "the idle worker to have left")
    assert own.api.run(run)["state"] == "PLANNING"
    late = own.trigger(own.stack(CODE))
    own.api.wait_for(late, "READY")
    let_go(own, run)
    own.api.wait_for(run, "UNCONFIRMED")
    wait_until_empty(own)
    assert [busy.ended(), idle.ended()] == [0, 0]
    assert own.api.run(late)["state"] == "READY"
    own.start_workers()
    own.api.wait_for(late, "UNCONFIRMED")


def test_a_drained_worker_finishes_its_run_and_takes_no_other_until_it_may(own):
    own.start_workers()
    (worker,) = workers_of(own.api, own.pool)
    run = begin_slow_run(own)

    drained = own.api.ask(DRAIN, pool=own.pool.id, id=worker["id"], drain=True)["workerDrainSet"]

    assert drained == {"id": worker["id"], "drained": True, "busy": True, "status": "DRAINED"}
    waiting = own.trigger(own.stack(CODE))
    own.api.wait_for(waiting, "READY")
    let_go(own, run)
    own.api.wait_for(run, "UNCONFIRMED")
    assert own.api.run(waiting)["state"] == "READY"
    own.api.ask(DRAIN, pool=own.pool.id, id=worker["id"], drain=False)
    own.api.wait_for(waiting, "UNCONFIRMED")


def test_a_worker_that_is_told_to_end_finishes_its_run_first(own):
    (process,) = own.start_workers()
    run = begin_slow_run(own)

    process.terminate()
    own.api.wait(
        f"queue:{own.pool.id}", lambda: "finishing" in process.said(), "the worker to hear"
    )
    assert process.alive
    let_go(own, run)

    own.api.wait_for(run, "UNCONFIRMED")
    assert process.ended() == 0
    assert workers_of(own.api, own.pool) == []
