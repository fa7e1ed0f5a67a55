"""What people decide about runs, and what becomes of it."""

from __future__ import annotations

import contextlib
import json
from concurrent.futures import ThreadPoolExecutor

from tests.support.api_client import TERMINAL
from tests.support.platform import workers_of
from tests.support.site import Site, states

TWO = """
resource "terraform_data" "one" { input = "1" }
resource "terraform_data" "two" { input = "2" }
output "one" { value = terraform_data.one.output }
"""
NOTHING = 'locals { nothing = "to do" }\n'
SLOW_PLAN = ["echo about to plan", "sleep 60"]

DRAIN = """
mutation ($pool: ID!, $id: ID!, $drain: Boolean!) {
  workerDrainSet(workerPool: $pool, id: $id, drain: $drain) { id drained busy }
}
"""
REPLAN = """
mutation ($stack: ID!, $run: ID!, $targets: [String!]!) {
  runTargetedReplan(stack: $stack, run: $run, targets: $targets) { id state }
}
"""
RETRY = "mutation ($stack: ID!, $run: ID!) { runRetry(stack: $stack, run: $run) { id type } }"


def resources_of(site: Site, stack: str) -> list[str]:
    """Addresses of what the stack manages, once the newest state has been read."""

    def indexed():
        seen = site.look(stack, "entities { address type } lastApplyAt")
        return [e["address"] for e in seen["entities"] if e["type"] not in ("output", "module")]

    return site.api.wait(f"stack:{stack}", indexed, "the stack's resources")


@contextlib.contextmanager
def no_workers(site: Site):
    """While this lasts, no worker takes a run."""
    here = [worker["id"] for worker in workers_of(site.api, site.pool)]
    for worker in here:
        site.api.ask(DRAIN, pool=site.pool.id, id=worker, drain=True)
    yield
    for worker in here:
        site.api.ask(DRAIN, pool=site.pool.id, id=worker, drain=False)


def test_a_discarded_plan_changes_nothing_and_lets_the_next_run_start(site):
    stack = site.stack(TWO)
    first = site.planned(stack)
    second = site.trigger(stack)
    assert site.api.run(second)["waitsFor"].startswith(
        f"waits for run {first}, which holds the stack since "
    )

    site.decide("runDiscard", stack, first, note="not today")

    assert site.api.run(first)["state"] == "DISCARDED"
    assert site.api.run(first)["history"][0]["note"] == "not today"
    site.api.wait_for(second, "UNCONFIRMED")
    assert site.outputs(stack) == {}
    refusal = site.api.expect_error(
        "mutation ($s: ID!, $r: ID!) { runConfirm(stack: $s, run: $r) { id } }", s=stack, r=first
    )
    assert refusal.message == "cannot confirm: the tracked run is discarded"
    assert refusal.code == "ILLEGAL_RUN_TRANSITION"
    assert site.api.run(first)["state"] == "DISCARDED"


def test_a_targeted_replan_plans_only_its_targets_and_is_then_applied(site):
    stack = site.stack(TWO)
    run = site.planned(stack)
    assert site.api.run(run)["delta"]["addCount"] == 2

    site.api.ask(REPLAN, stack=stack, run=run, targets=["terraform_data.one"])
    again = site.api.wait_for(run, "UNCONFIRMED")

    assert again["delta"]["addCount"] == 1
    assert states(again)[5:] == [
        "UNCONFIRMED",
        "REPLAN_REQUESTED",
        "PREPARING_REPLAN",
        "PLANNING",
        "UNCONFIRMED",
    ]
    site.decide("runConfirm", stack, run)
    site.api.wait_for(run, "FINISHED")
    assert resources_of(site, stack) == ["terraform_data.one"]


def test_a_replan_wants_an_address_that_can_be_one(site):
    stack = site.stack(TWO)
    run = site.planned(stack)

    nothing = site.api.expect_error(REPLAN, stack=stack, run=run, targets=[])
    option = site.api.expect_error(REPLAN, stack=stack, run=run, targets=["-destroy"])

    assert "Name 1 to 1000 resource addresses" in nothing.message
    assert option.message == '"-destroy" is not a resource address.'
    assert site.api.run(run)["state"] == "UNCONFIRMED"
    site.decide("runDiscard", stack, run)


def test_a_task_runs_in_an_initialised_workspace(site):
    stack = site.stack(NOTHING)

    run = site.task(stack, "ls -d .terraform && echo branch $TF_VAR_spacelift_commit_branch")

    ended = site.api.wait_for(run, "FINISHED")
    assert ended["type"] == "TASK"
    assert states(ended) == [
        "QUEUED", "READY", "PREPARING", "INITIALIZING", "PERFORMING", "FINISHED",
    ]  # fmt: skip
    log = site.api.log(run, site.version(run, "PERFORMING")).decode()
    assert ".terraform\nbranch main\n" in log
    assert site.look(stack, "state")["state"] == "NONE"


def test_a_task_without_initialisation_finds_the_bare_repository(site):
    stack = site.stack(NOTHING)

    run = site.task(stack, "test ! -e .terraform && ls", skip_init=True)

    ended = site.api.wait_for(run, "FINISHED")
    assert "INITIALIZING" not in states(ended)
    assert "main.tf" in site.api.log(run, site.version(run, "PERFORMING")).decode()


def test_a_task_that_fails_says_so_with_its_exit_code(site):
    stack = site.stack(NOTHING)

    run = site.task(stack, "echo oh no; exit 7", skip_init=True)

    assert site.api.wait_for(run, "FAILED")["failureReason"] == (
        "The command failed with exit code 7."
    )


def test_a_task_can_change_the_state(site):
    stack = site.stack(TWO)
    site.applied(stack)
    assert resources_of(site, stack) == ["terraform_data.one", "terraform_data.two"]

    run = site.task(stack, "terraform state rm terraform_data.two")
    site.api.wait_for(run, "FINISHED")

    def without_two():
        return resources_of(site, stack) == ["terraform_data.one"]

    site.api.wait(f"stack:{stack}", without_two, "the state without the second resource")
    run = site.planned(stack)
    assert site.api.run(run)["delta"]["addCount"] == 1
    site.decide("runDiscard", stack, run)


def test_a_proposed_run_shows_a_plan_and_touches_nothing(site):
    stack = site.stack(TWO)
    holder = site.planned(stack)

    preview = site.trigger(stack, "PROPOSED")

    ended = site.api.wait_for(preview, "FINISHED")
    assert states(ended)[-2:] == ["PLANNING", "FINISHED"]
    assert ended["delta"]["addCount"] == 2
    assert site.api.run(holder)["state"] == "UNCONFIRMED"
    assert site.outputs(stack) == {}
    site.decide("runDiscard", stack, holder)


def test_a_destroy_run_removes_everything_after_it_was_confirmed(site):
    stack = site.stack(TWO)
    site.applied(stack)

    run = site.planned(stack, "DESTROY")
    assert site.api.run(run)["delta"]["deleteCount"] == 2
    site.decide("runConfirm", stack, run)
    ended = site.api.wait_for(run, "FINISHED")

    assert states(ended)[-3:] == ["PREPARING_APPLY", "DESTROYING", "FINISHED"]
    assert site.outputs(stack) == {}

    def nothing_left():
        return site.look(stack, "entityCount")["entityCount"] == 0

    site.api.wait(f"stack:{stack}", nothing_left, "an empty state")


def test_an_autodeploying_stack_applies_without_asking(site):
    stack = site.stack(TWO, autodeploy=True)

    run = site.trigger(stack)

    ended = site.api.wait_for(run, "FINISHED")
    assert states(ended)[-3:] == ["PLANNING", "APPLYING", "FINISHED"]
    assert json.loads(site.outputs(stack)["one"]) == "1"


def test_a_plan_without_changes_ends_without_confirmation(site):
    stack = site.stack(TWO)
    site.applied(stack)

    run = site.trigger(stack)

    ended = site.api.wait_for(run, "FINISHED")
    assert states(ended)[-2:] == ["PLANNING", "FINISHED"]
    assert not ended["canConfirm"]
    assert site.look(stack, "state")["state"] == "FINISHED"


def test_a_run_that_is_stopped_while_it_plans_ends_and_frees_its_stack(site):
    stack = site.stack(
        TWO, beforePlan=SLOW_PLAN, afterRun=["echo ended as $TF_VAR_spacelift_final_run_state"]
    )
    run = site.trigger(stack)
    site.api.wait_for(run, "PLANNING")
    planning = site.version(run, "PLANNING")
    site.api.wait_for_words(run, planning, "about to plan")

    site.decide("runStop", stack, run, note="wrong branch")

    ended = site.api.wait_for(run, "STOPPED")
    assert ended["history"][0]["note"] == "wrong branch"
    log = site.api.log(run, planning).decode()
    assert "Stopped, as asked." in log
    assert "ended as STOPPED" in log
    site.wait_until_nothing_is_left(run)
    assert not site.look(stack, "blocked")["blocked"]
    assert site.outputs(stack) == {}


def test_a_run_that_is_stopped_while_it_applies_keeps_what_was_done(site):
    slow = """
    resource "terraform_data" "quick" { input = "made" }
    resource "terraform_data" "slow" {
      depends_on = [terraform_data.quick]
      provisioner "local-exec" { command = "echo begun; sleep 60" }
    }
    """
    stack = site.stack(slow)
    run = site.planned(stack)
    site.decide("runConfirm", stack, run)
    site.api.wait_for(run, "APPLYING")
    site.api.wait_for_words(run, site.version(run, "APPLYING"), "begun")

    site.decide("runStop", stack, run)

    ended = site.api.wait_for(run, "STOPPED")
    assert not ended["outcomeUnknown"]
    assert site.look(stack, "lockedBy")["lockedBy"] is None
    assert resources_of(site, stack) == ["terraform_data.quick", "terraform_data.slow"]
    again = site.planned(stack)
    delta = site.api.run(again)["delta"]
    assert (delta["addCount"], delta["deleteCount"]) in ((0, 0), (1, 1), (0, 1))
    site.decide("runDiscard", stack, again)


def test_a_confirmed_run_that_no_worker_took_can_be_stopped(site):
    stack = site.stack(TWO)
    run = site.planned(stack)

    with no_workers(site):
        site.decide("runConfirm", stack, run)
        waits = site.api.run(run)["waitsFor"]
        site.decide("runStop", stack, run, note="changed my mind")

    assert waits.endswith(" is idle: 0 busy, 2 drained")
    ended = site.api.run(run)
    assert ended["state"] == "STOPPED"
    assert ended["history"][0]["note"] == "changed my mind"
    assert site.outputs(stack) == {}
    again = site.applied(stack)
    assert site.api.run(again)["delta"]["addCount"] == 2


def test_a_run_that_no_worker_took_can_be_cancelled(site):
    stack = site.stack(TWO)

    with no_workers(site):
        run = site.trigger(stack)
        site.api.wait_for(run, "READY")
        site.decide("runCancel", stack, run)

    assert site.api.run(run)["state"] == "CANCELED"


def test_runs_that_waited_are_taken_as_soon_as_a_worker_may(site):
    stack = site.stack(TWO)

    with no_workers(site):
        run = site.trigger(stack)
        site.api.wait_for(run, "READY")

    site.api.wait_for(run, "UNCONFIRMED")
    site.decide("runDiscard", stack, run)


def test_a_retry_is_a_new_run_of_the_same_commit(site):
    repository = site.repository({"main.tf": TWO})
    stack = site.stack(repository)
    run = site.planned(stack)
    early = site.api.expect_error(RETRY, stack=stack, run=run)
    assert early.message == "Only a run that has ended can be retried."
    site.decide("runDiscard", stack, run)
    repository.commit({"README.md": "A newer commit.\n"})

    again = site.api.ask(RETRY, stack=stack, run=run)["runRetry"]

    assert again["id"] != run
    assert again["type"] == "TRACKED"
    site.api.wait_for(again["id"], "UNCONFIRMED")
    shas = [
        r["commit"]["hash"]
        for r in site.look(stack, "runs { id commit { hash } }")["runs"]
        if r["id"] in (run, again["id"])
    ]
    assert len(set(shas)) == 1
    site.decide("runDiscard", stack, again["id"])


def test_only_one_of_two_people_who_decide_at_once_is_heard(site):
    stack = site.stack(TWO)
    run = site.planned(stack)
    documents = [
        "mutation ($s: ID!, $r: ID!) { runConfirm(stack: $s, run: $r) { id } }",
        "mutation ($s: ID!, $r: ID!) { runDiscard(stack: $s, run: $r) { id } }",
    ] * 4
    apis = [site.api.at(site.server.address) for _ in documents]
    with ThreadPoolExecutor(len(documents)) as hands:
        asked = [
            hands.submit(api.answer, document, s=stack, r=run)
            for api, document in zip(apis, documents, strict=True)
        ]
        answers = [future.result() for future in asked]

    heard = [answer for answer in answers if "errors" not in answer]
    assert len(heard) == 1
    ended = site.api.wait_for(run, *TERMINAL)
    decided = [m["state"] for m in ended["history"] if m["state"] in ("CONFIRMED", "DISCARDED")]
    assert len(decided) == 1
