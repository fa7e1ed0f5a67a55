"""Runs of every kind go their way, from the trigger to each of their ends."""

from __future__ import annotations

import json

import pytest
from gantry.domains.runs import decisions, logs_repo, repo
from gantry.domains.runs.states import Kind, State
from gantry.domains.stacks import service as stack_service
from gantry.domains.tfstate import repo as tfstate
from gantry.domains.tfstate import service as states
from gantry.kernel.errors import Conflict
from gantry_protocol.calls import Applied, Output, PhaseDone, Planned
from gantry_protocol.words import Phase, Then

from tests.support.given import (
    ADMIN,
    ONE_CHANGE,
    given_a_run,
    given_a_stack,
    given_a_task,
    history,
    plan_of,
    run_now,
    stack_now,
    state_of,
    write_state,
)

S = State


async def confirm(core, stack, run, by=ADMIN):
    async with core.db.write(by) as tx:
        return await decisions.confirm(tx, stack.id, run.id, note="looks good")


async def leases(core):
    return await core.rows("select run_id from run_lease")


async def test_a_tracked_run_is_planned_confirmed_and_applied(core, stack, worker):
    run = await given_a_run(core, stack)
    assert await state_of(core, run) is S.READY

    planned = await worker.plan(run, ONE_CHANGE)
    assert (planned.then, planned.state) == (Then.END, "UNCONFIRMED")
    assert await worker.claim() is None
    await confirm(core, stack, run)
    ended = await worker.apply(run)

    assert (ended.then, ended.state) == (Then.END, "FINISHED")
    assert await history(core, run) == [
        S.QUEUED,
        S.READY,
        S.PREPARING,
        S.INITIALIZING,
        S.PLANNING,
        S.UNCONFIRMED,
        S.CONFIRMED,
        S.PREPARING_APPLY,
        S.APPLYING,
        S.FINISHED,
    ]
    assert await leases(core) == []


async def test_the_history_says_who_did_what_and_on_which_worker(core, stack, worker):
    run = await given_a_run(core, stack)
    await worker.plan(run, ONE_CHANGE)
    await confirm(core, stack, run)
    await worker.apply(run)

    async with core.db.read(ADMIN) as tx:
        moves = (await repo.transitions(tx, [run.id]))[run.id][::-1]

    assert [move.version for move in moves] == list(range(10))
    assert [move.before for move in moves[1:]] == [move.after for move in moves[:-1]]
    by = {move.after: move for move in moves}
    assert (by[S.QUEUED].before, by[S.QUEUED].actor) == (None, ADMIN.name)
    assert (by[S.CONFIRMED].actor, by[S.CONFIRMED].note) == (ADMIN.name, "looks good")
    for state in (S.PREPARING, S.PREPARING_APPLY, S.UNCONFIRMED, S.FINISHED):
        assert (by[state].worker_id, by[state].actor) == (worker.id, "")
    assert [move.at for move in moves] == sorted(move.at for move in moves)
    now = await run_now(core, run)
    assert now.finished
    assert now.finished_at == by[S.FINISHED].at
    assert now.state_version == 9


async def test_what_a_run_does_shows_on_its_stack(core, stack, worker):
    seen = [stack.state]
    run = await given_a_run(core, stack)
    seen.append((await stack_now(core, stack)).state)
    await worker.take(run)
    await worker.done(run, Phase.PREPARE, Phase.INIT)
    seen.append((await stack_now(core, stack)).state)
    await worker.say(run, plan_of(ONE_CHANGE, key=f"{run.id}/k"))
    seen.append((await stack_now(core, stack)).state)
    assert (await stack_now(core, stack)).last_apply_at is None
    await confirm(core, stack, run)
    await worker.apply(run)

    after = await stack_now(core, stack)
    assert [*seen, after.state] == ["NONE", "READY", "PLANNING", "UNCONFIRMED", "FINISHED"]
    assert after.last_apply_at == (await run_now(core, run)).finished_at


async def test_previews_and_tasks_do_not_show_on_the_stack(core, stack, worker):
    preview = await given_a_run(core, stack, Kind.PROPOSED)
    await worker.plan(preview, ONE_CHANGE)
    task = await given_a_task(core, stack)
    await worker.take(task)

    assert (await stack_now(core, stack)).state == "NONE"


async def test_a_plan_without_changes_finishes_the_run(core, stack, worker):
    run = await given_a_run(core, stack)

    verdict = await worker.plan(run)

    assert (verdict.then, verdict.state) == (Then.END, "FINISHED")
    assert S.UNCONFIRMED not in await history(core, run)
    assert (await stack_now(core, stack)).last_apply_at is None


async def test_with_autodeploy_the_worker_goes_on_to_apply(core, pool, worker):
    stack = await given_a_stack(core, pool, autodeploy=True)
    run = await given_a_run(core, stack)

    verdict = await worker.plan(run, ONE_CHANGE)
    assert (verdict.then, verdict.phase, verdict.state) == (Then.CONTINUE, Phase.APPLY, "APPLYING")
    ended = await worker.say(run, Applied(wrapped_up=True))

    assert ended.state == "FINISHED"
    assert (await history(core, run))[-3:] == [S.PLANNING, S.APPLYING, S.FINISHED]


async def test_a_lock_taken_meanwhile_switches_autodeploy_off(core, pool, worker):
    stack = await given_a_stack(core, pool, autodeploy=True)
    run = await given_a_run(core, stack)
    await worker.take(run)
    async with core.db.write(ADMIN) as tx:
        await stack_service.lock(tx, stack.id, note="let me see first")
    await worker.done(run, Phase.PREPARE, Phase.INIT)

    verdict = await worker.say(run, plan_of(ONE_CHANGE, key=f"{run.id}/k"))

    assert verdict.state == "UNCONFIRMED"


async def test_a_preview_ends_with_its_plan(core, stack, worker):
    run = await given_a_run(core, stack, Kind.PROPOSED)

    verdict = await worker.plan(run, ONE_CHANGE)

    assert (verdict.then, verdict.state) == (Then.END, "FINISHED")
    assert S.APPLYING not in await history(core, run)
    changes = await core.rows("select address, action from run_change where run_id = :r", r=run.id)
    assert changes == [ONE_CHANGE]


async def test_a_task_initialises_and_performs(core, stack, worker):
    task = await given_a_task(core, stack)
    await worker.take(task)

    verdict = await worker.done(task, Phase.PREPARE, Phase.INIT)
    assert (verdict.phase, verdict.state) == (Phase.PERFORM, "PERFORMING")
    ended = await worker.done(task, Phase.PERFORM)

    assert (ended.then, ended.state) == (Then.END, "FINISHED")
    assert S.INITIALIZING in await history(core, task)


async def test_a_task_without_initialisation_performs_at_once(core, stack, worker):
    task = await given_a_task(core, stack, skip_init=True)
    await worker.take(task)

    verdict = await worker.done(task, Phase.PREPARE)
    assert (verdict.phase, verdict.state) == (Phase.PERFORM, "PERFORMING")
    await worker.done(task, Phase.PERFORM)

    assert (await history(core, task))[2:] == [S.PREPARING, S.PERFORMING, S.FINISHED]


async def test_a_destroy_run_destroys(core, stack, worker):
    run = await given_a_run(core, stack, Kind.DESTROY)
    await worker.plan(run, ("null_resource.a", "delete"))
    await confirm(core, stack, run)
    await worker.take(run)

    verdict = await worker.done(run, Phase.PREPARE)
    assert (verdict.phase, verdict.state) == (Phase.DESTROY, "DESTROYING")
    refused = await worker.say(run, Applied(phase=Phase.APPLY, wrapped_up=True))
    assert await state_of(core, run) is S.DESTROYING
    ended = await worker.say(run, Applied(phase=Phase.DESTROY, wrapped_up=True))

    assert refused.state != "FINISHED"
    assert ended.state == "FINISHED"


async def test_a_plan_can_be_discarded(core, stack, worker):
    run = await given_a_run(core, stack)
    await worker.plan(run, ONE_CHANGE)

    async with core.db.write(ADMIN) as tx:
        await decisions.discard(tx, stack.id, run.id, note="not today")

    assert await state_of(core, run) is S.DISCARDED
    assert (await stack_now(core, stack)).state == "DISCARDED"
    assert await worker.claim() is None


async def test_a_run_that_no_worker_has_touched_can_be_canceled(core, stack, worker):
    run = await given_a_run(core, stack)

    async with core.db.write(ADMIN) as tx:
        await decisions.cancel(tx, stack.id, run.id, note=None)

    assert await history(core, run) == [S.QUEUED, S.READY, S.CANCELED]
    assert await worker.claim() is None


async def test_a_plan_can_be_made_again_for_some_resources_only(core, stack, worker):
    run = await given_a_run(core, stack)
    await worker.plan(run, ONE_CHANGE, ("null_resource.b", "create"))
    async with core.db.write(ADMIN) as tx:
        await decisions.replan(tx, stack.id, run.id, targets=["null_resource.b"] * 2)
    assert await state_of(core, run) is S.REPLAN_REQUESTED

    await worker.take(run)
    verdict = await worker.done(run, Phase.PREPARE)
    assert (verdict.phase, verdict.state) == (Phase.PLAN, "PLANNING")
    await worker.say(run, plan_of(("null_resource.b", "create"), key=f"{run.id}/again"))

    now = await run_now(core, run)
    assert now.state is S.UNCONFIRMED
    assert now.targets == ["null_resource.b"]
    assert now.workspace_key == f"{run.id}/again"
    changes = await core.rows("select address from run_change where run_id = :run", run=run.id)
    assert changes == [("null_resource.b",)]
    await confirm(core, stack, run)
    assert (await worker.apply(run)).state == "FINISHED"


@pytest.mark.parametrize("phase", [Phase.PREPARE, Phase.INIT, Phase.PLAN])
async def test_a_run_fails_with_the_reason_its_worker_gives(core, stack, worker, phase):
    run = await given_a_run(core, stack)
    await worker.take(run)
    for before in [Phase.PREPARE, Phase.INIT][: [*Phase].index(phase)]:
        await worker.done(run, before)

    verdict = await worker.fail(run, phase, "no such provider")

    assert (verdict.then, verdict.state) == (Then.END, "FAILED")
    now = await run_now(core, run)
    assert (now.failure, now.outcome_unknown) == ("no such provider", False)
    assert (await stack_now(core, stack)).locked_at is None
    assert await leases(core) == []


async def test_a_failed_apply_is_no_unknown_outcome(core, pool, worker):
    stack = await given_a_stack(core, pool, autodeploy=True)
    run = await given_a_run(core, stack)
    await worker.plan(run, ONE_CHANGE)

    await worker.fail(run, Phase.APPLY, "quota exceeded")

    now = await run_now(core, run)
    assert (now.state, now.outcome_unknown) == (S.FAILED, False)
    assert (await stack_now(core, stack)).locked_at is None


# -- stopping


async def stop(core, stack, run):
    async with core.db.write(ADMIN) as tx:
        return await decisions.stop(tx, stack.id, run.id, note="enough")


WAY = {
    S.PREPARING: [],
    S.INITIALIZING: [Phase.PREPARE],
    S.PLANNING: [Phase.PREPARE, Phase.INIT],
}
PHASE = {S.PREPARING: Phase.PREPARE, S.INITIALIZING: Phase.INIT, S.PLANNING: Phase.PLAN}


@pytest.mark.parametrize("state", WAY)
async def test_a_run_stops_when_its_worker_has(core, stack, worker, state):
    run = await given_a_run(core, stack)
    await worker.take(run)
    for phase in WAY[state]:
        await worker.done(run, phase)
    assert (await worker.beat()).stopping == set()

    await stop(core, stack, run)
    assert await state_of(core, run) is state
    assert (await worker.beat()).stopping == {run.id}
    verdict = await worker.stop(run, PHASE[state])

    assert (verdict.then, verdict.state) == (Then.END, "STOPPED")
    async with core.db.read(ADMIN) as tx:
        last = (await repo.transitions(tx, [run.id]))[run.id][0]
    assert (last.after, last.note) == (S.STOPPED, "enough")


async def test_a_run_stops_while_it_applies_when_the_worker_heeds_it(core, pool, worker):
    stack = await given_a_stack(core, pool, autodeploy=True)
    run = await given_a_run(core, stack)
    await worker.plan(run, ONE_CHANGE)

    await stop(core, stack, run)
    assert await state_of(core, run) is S.APPLYING
    assert (await worker.stop(run, Phase.APPLY)).state == "STOPPED"

    assert (await stack_now(core, stack)).state == "STOPPED"


async def test_a_task_stops(core, stack, worker):
    task = await given_a_task(core, stack, skip_init=True)
    await worker.take(task)
    await worker.done(task, Phase.PREPARE)

    await stop(core, stack, task)

    assert (await worker.stop(task, Phase.PERFORM)).state == "STOPPED"


async def test_a_confirmed_run_that_no_worker_has_taken_stops_at_once(core, stack, worker):
    run = await given_a_run(core, stack)
    await worker.plan(run, ONE_CHANGE)
    await confirm(core, stack, run)

    await stop(core, stack, run)

    assert await state_of(core, run) is S.STOPPED
    assert await worker.claim() is None


async def test_a_run_that_prepares_to_apply_stops_before_it_applies(core, stack, worker):
    run = await given_a_run(core, stack)
    await worker.plan(run, ONE_CHANGE)
    await confirm(core, stack, run)
    await worker.take(run)

    await stop(core, stack, run)

    assert (await worker.stop(run, Phase.PREPARE)).state == "STOPPED"
    assert S.APPLYING not in await history(core, run)


async def test_a_worker_that_has_not_heard_of_the_stop_may_not_go_on_to_apply(core, pool, worker):
    stack = await given_a_stack(core, pool, autodeploy=True)
    run = await given_a_run(core, stack)
    await worker.take(run)
    await worker.done(run, Phase.PREPARE, Phase.INIT)

    await stop(core, stack, run)
    asked = await worker.say(run, plan_of(ONE_CHANGE, done=False))
    assert (asked.then, asked.state) == (Then.WRAP_UP, "STOPPED")
    assert await state_of(core, run) is S.PLANNING
    verdict = await worker.say(run, plan_of(ONE_CHANGE))

    assert (verdict.then, verdict.state) == (Then.END, "STOPPED")
    assert S.APPLYING not in await history(core, run)


async def test_a_stop_that_came_too_late_for_the_apply_does_not_undo_it(core, pool, worker):
    stack = await given_a_stack(core, pool, autodeploy=True)
    run = await given_a_run(core, stack)
    await worker.plan(run, ONE_CHANGE)

    await stop(core, stack, run)

    assert (await worker.say(run, Applied(wrapped_up=True))).state == "FINISHED"


async def test_a_run_can_be_killed_once_it_did_not_heed_a_stop(core, stack, worker):
    run = await given_a_run(core, stack)
    await worker.take(run)
    async with core.db.write(ADMIN) as tx:
        with pytest.raises(Conflict, match="Stop the run first"):
            await decisions.kill(tx, stack.id, run.id, note=None)
    assert await state_of(core, run) is S.PREPARING

    await stop(core, stack, run)
    async with core.db.write(ADMIN) as tx:
        await decisions.kill(tx, stack.id, run.id, note=None)

    now = await run_now(core, run)
    assert (now.state, now.outcome_unknown) == (S.FAILED, False)
    assert "did not heed" in now.failure
    assert not (await worker.say(run, PhaseDone(phase=Phase.PREPARE))).accepted


async def test_a_run_that_is_killed_while_it_applies_leaves_the_stack_locked(core, pool, worker):
    stack = await given_a_stack(core, pool, autodeploy=True)
    run = await given_a_run(core, stack)
    await worker.plan(run, ONE_CHANGE)
    await stop(core, stack, run)

    async with core.db.write(ADMIN) as tx:
        await decisions.kill(tx, stack.id, run.id, note="the host is gone")

    now, after = await run_now(core, run), await stack_now(core, stack)
    known = "the host is gone. Its log is empty. The stack has no state."
    assert (now.failure, now.outcome_unknown) == (known, True)
    assert after.locked_by == "system"
    assert run.id in after.lock_note


# -- what comes before a pause or an end


async def test_before_a_pause_the_workspace_has_to_be_stored(core, stack, worker):
    run = await given_a_run(core, stack)
    await worker.take(run)
    await worker.done(run, Phase.PREPARE, Phase.INIT)

    asked = await worker.say(run, plan_of(ONE_CHANGE))
    assert (asked.accepted, asked.then, asked.state) == (True, Then.ARCHIVE, "PLANNING")
    assert await state_of(core, run) is S.PLANNING
    assert await core.rows("select 1 from run_change") == []
    verdict = await worker.say(run, plan_of(ONE_CHANGE, key=f"{run.id}/ws/1"))

    assert verdict.state == "UNCONFIRMED"
    now = await run_now(core, run)
    assert (now.workspace_key, now.plan_sha256) == (f"{run.id}/ws/1", "5" * 64)
    assert now.delta == {
        **{"add": 1, "change": 0, "delete": 0, "import": 0, "move": 0, "forget": 0},
        "resources": 1,
    }


async def test_no_workspace_is_stored_when_nothing_waits(core, pool, worker):
    stack = await given_a_stack(core, pool, autodeploy=True)
    run = await given_a_run(core, stack)
    await worker.take(run)
    await worker.done(run, Phase.PREPARE, Phase.INIT)

    verdict = await worker.say(run, plan_of(ONE_CHANGE, done=False))

    assert (verdict.then, verdict.state) == (Then.CONTINUE, "APPLYING")


@pytest.mark.parametrize(
    ("kind", "changes"),
    [(Kind.TRACKED, []), (Kind.PROPOSED, [ONE_CHANGE]), (Kind.PROPOSED, [])],
)
async def test_before_a_plan_ends_a_run_its_last_hooks_may_run(core, stack, worker, kind, changes):
    run = await given_a_run(core, stack, kind)
    await worker.take(run)
    await worker.done(run, Phase.PREPARE, Phase.INIT)

    asked = await worker.say(run, plan_of(*changes, done=False))
    assert (asked.accepted, asked.then, asked.state) == (True, Then.WRAP_UP, "FINISHED")
    assert await state_of(core, run) is S.PLANNING

    assert (await worker.say(run, plan_of(*changes))).state == "FINISHED"


async def test_before_an_apply_ends_a_run_its_last_hooks_may_run(core, pool, worker):
    stack = await given_a_stack(core, pool, autodeploy=True)
    run = await given_a_run(core, stack)
    await worker.plan(run, ONE_CHANGE)

    asked = await worker.say(run, Applied())
    assert (asked.accepted, asked.then, asked.state) == (True, Then.WRAP_UP, "FINISHED")
    assert await state_of(core, run) is S.APPLYING

    assert (await worker.say(run, Applied(wrapped_up=True))).state == "FINISHED"


async def test_before_a_task_ends_its_last_hooks_may_run(core, stack, worker):
    task = await given_a_task(core, stack, skip_init=True)
    await worker.take(task)
    await worker.done(task, Phase.PREPARE)

    asked = await worker.say(task, PhaseDone(phase=Phase.PERFORM))
    assert (asked.then, asked.state) == (Then.WRAP_UP, "FINISHED")
    assert await state_of(core, task) is S.PERFORMING

    assert (await worker.done(task, Phase.PERFORM)).state == "FINISHED"


async def test_a_report_on_a_phase_that_is_still_ahead_is_refused(core, stack, worker):
    run = await given_a_run(core, stack)
    await worker.take(run)

    for early in (
        PhaseDone(phase=Phase.INIT),
        Planned(changed=True, workspace_key=f"{run.id}/k", wrapped_up=True),
        Applied(wrapped_up=True),
        PhaseDone(phase=Phase.PERFORM, wrapped_up=True),
    ):
        verdict = await worker.say(run, early)
        assert (verdict.accepted, verdict.state) == (False, "PREPARING")
        assert "does not fit" in verdict.reason

    assert await state_of(core, run) is S.PREPARING


async def test_the_version_of_the_tool_is_remembered(core, stack, worker):
    run = await given_a_run(core, stack)
    await worker.take(run)
    await worker.done(run, Phase.PREPARE)
    await worker.say(run, PhaseDone(phase=Phase.INIT, tool_version="1.9.8"))
    await worker.say(run, plan_of(key=f"{run.id}/k"))
    assert (await run_now(core, run)).tool_version == "1.9.8"


# -- what an apply leaves behind


async def test_the_outputs_of_the_state_become_the_stacks_outputs(core, pool, worker):
    stack = await given_a_stack(core, pool, autodeploy=True)
    run = await given_a_run(core, stack)
    await worker.plan(run, ONE_CHANGE)
    outputs = {
        "open": {"value": "plain", "type": "string"},
        "hidden": {"value": "s3cr3t", "type": "string", "sensitive": True},
    }
    body = json.dumps({"version": 4, "serial": 1, "lineage": "l", "outputs": outputs}).encode()
    await write_state(core, stack, body, writer=states.Writer("", run.id))

    await worker.say(run, Applied(wrapped_up=True))

    async with core.db.read(ADMIN) as tx:
        found = (await tfstate.outputs(tx, [stack.id]))[stack.id]
    assert [(o.name, o.sensitive) for o in found] == [("hidden", True), ("open", False)]
    assert [states.output_value(core.vault, output) for output in found] == [None, '"plain"']
    assert found[0].value_sealed is None  # the stack does not share secret values
    assert {output.run_id for output in found} == {run.id}


async def test_a_stack_that_keeps_its_state_elsewhere_reports_its_outputs(core, pool, worker):
    stack = await given_a_stack(
        core, pool, manages_state=False, autodeploy=True, sensitive_output_upload=True
    )
    run = await given_a_run(core, stack)
    await worker.plan(run, ONE_CHANGE)
    told = [
        Output(name="a", value="[1, 2]", description="numbers"),
        Output(name="b", value='"s3cr3t"', sensitive=True),
        Output(name="c", value=None, sensitive=True),
    ]

    await worker.say(run, Applied(outputs=told, wrapped_up=True))

    async with core.db.read(ADMIN) as tx:
        a, b, c = (await tfstate.outputs(tx, [stack.id]))[stack.id]
    assert (states.output_value(core.vault, a), a.description) == ("[1, 2]", "numbers")
    assert states.output_value(core.vault, b) is None  # sealed, for stacks that depend on it
    assert core.vault.open(b.value_sealed, identity=b.identity) == b'"s3cr3t"'
    assert c.value_sealed is None


async def test_a_failed_apply_leaves_the_outputs_alone(core, pool, worker):
    stack = await given_a_stack(core, pool, manages_state=False, autodeploy=True)
    first = await given_a_run(core, stack)
    await worker.plan(first, ONE_CHANGE)
    await worker.say(first, Applied(outputs=[Output(name="a", value="1")], wrapped_up=True))
    second = await given_a_run(core, stack)
    await worker.plan(second, ONE_CHANGE)

    await worker.fail(second, Phase.APPLY)

    assert await core.rows("select name, run_id from stack_output") == [("a", first.id)]


async def test_every_state_that_a_worker_is_in_has_a_log_that_ends_with_it(core, stack, worker):
    run = await given_a_run(core, stack)
    await worker.plan(run, ONE_CHANGE)
    await confirm(core, stack, run)
    await worker.take(run)

    async with core.db.read(ADMIN) as tx:
        logs = (await logs_repo.streams(tx, [run.id]))[run.id]

    # QUEUED and READY come first, UNCONFIRMED and CONFIRMED are 5 and 6.
    assert {version: log.over for version, log in logs.items()} == {
        **{2: True, 3: True, 4: True},
        7: False,
    }
