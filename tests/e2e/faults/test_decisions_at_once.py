"""People who ask more than once, and jobs that are delivered again: one thing happens, once."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor

from tests.support.api_client import PATIENCE

AGAIN = (
    "insert into procrastinate_jobs (queue_name, task_name, args)"
    " select 'async', %s, jsonb_build_object(%s::text, %s::text) from generate_series(1, 10)"
)


def test_of_fifty_confirmations_at_once_one_counts_and_the_plan_is_applied_once(house):
    stack = house.stack()
    run = house.site.planned(stack)

    answers = at_once(house, 50, "runConfirm(stack: $stack, run: $run)", stack=stack, run=run)

    assert [answer for answer in answers if "errors" not in answer] == [
        {"data": {"runConfirm": {"id": run}}}
    ]
    refusals = [answer["errors"][0] for answer in answers if "errors" in answer]
    assert {refusal["extensions"]["code"] for refusal in refusals} == {"ILLEGAL_RUN_TRANSITION"}
    house.site.api.wait_for(run, "FINISHED")
    late = at_once(house, 5, "runConfirm(stack: $stack, run: $run)", stack=stack, run=run)
    assert all("errors" in answer for answer in late)
    house.check_applied(stack, run)
    house.check_next(stack)


def test_ten_triggers_at_once_are_ten_runs_each_applied_once(house):
    stack = house.stack(autodeploy=True)

    answers = at_once(house, 10, "runTrigger(stack: $stack)", stack=stack)
    runs = [answer["data"]["runTrigger"]["id"] for answer in answers]
    # What starts them is delivered again and again, while they run.
    ((commit,),) = house.platform.rows("select commit_id from run where id = %s", runs[0])
    for job, name, value in (
        ("runs.promote", "stack_id", stack),
        ("runs.source_settled", "commit_id", commit),
        ("vcs.fetch", "commit_id", commit),
    ):
        house.platform.change(AGAIN, job, name, value)

    assert len(set(runs)) == 10
    for run in runs:
        house.site.api.wait_for(run, "FINISHED")
    counts = house.applied()
    assert {run: counts[run] for run in runs} == dict.fromkeys(runs, 1)
    ((overlaps,),) = house.platform.rows(
        "select count(*) from run a join run b on a.stack_id = b.stack_id and a.id < b.id"
        " join run_transition x on x.run_id = a.id and x.after = 'PREPARING'"
        " join run_transition y on y.run_id = b.id and y.after = 'PREPARING'"
        " where a.stack_id = %s and x.at < b.finished_at and y.at < a.finished_at",
        stack,
    )
    assert overlaps == 0
    house.check_next(stack)


def at_once(house, many: int, what: str, **variables: str) -> list[dict[str, object]]:
    """The answers to so many people who ask for the same."""
    names = ", ".join(f"${name}: ID!" for name in variables)
    document = f"mutation ({names}) {{ {what} {{ id }} }}"
    people = [house.site.api.at(house.site.api.address) for _ in range(many)]
    ready = threading.Barrier(len(people))

    def ask(person):
        with contextlib.closing(person):
            ready.wait(PATIENCE)
            return person.answer(document, **variables)

    with ThreadPoolExecutor(len(people)) as hands:
        return list(hands.map(ask, people))
