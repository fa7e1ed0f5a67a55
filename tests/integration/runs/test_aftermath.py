"""What is known of a run that was lost is said: how its log ends, and which state it left."""

from __future__ import annotations

import json

from gantry.domains.tfstate import service as states

from tests.support.given import (
    ADMIN,
    ONE_CHANGE,
    given_a_run,
    given_a_stack,
    given_a_state,
    lease_runs_out,
    run_now,
    stack_now,
    sweep,
    write_state,
)


async def applying(core, stack, worker):
    run = await given_a_run(core, stack)
    await worker.plan(run, ONE_CHANGE)
    return await run_now(core, run)


async def lost(core, run):
    await lease_runs_out(core, run)
    await sweep(core)
    return await run_now(core, run)


async def test_the_last_line_of_the_log_is_quoted_without_its_colours(core, pool, worker):
    stack = await given_a_stack(core, pool, autodeploy=True)
    run = await applying(core, stack, worker)
    log = b"x" * 40_000 + b"\nearlier\n\x1b[1mnull_resource.a: Creating...\x1b[0m\r\n\n"
    await worker.log(run, run.state_version, 0, log)

    failed = await lost(core, run)

    assert 'Its log ends with "null_resource.a: Creating...".' in failed.failure
    assert "The stack has no state." in failed.failure
    assert failed.failure in (await stack_now(core, stack)).lock_note


async def test_a_line_without_an_end_is_cut_short(core, pool, worker):
    stack = await given_a_stack(core, pool, autodeploy=True)
    run = await applying(core, stack, worker)
    await worker.log(run, run.state_version, 0, "é".encode() * 50_000)

    failed = await lost(core, run)

    assert f'Its log ends with "{"é" * 300}".' in failed.failure


async def test_a_state_from_before_is_told_from_one_that_the_run_wrote(core, pool, worker):
    stack = await given_a_stack(core, pool, autodeploy=True)
    await given_a_state(core, stack, 7)
    run = await applying(core, stack, worker)

    failed = await lost(core, run)

    assert "Its log is empty. The newest state has serial 7, from before this run." in (
        failed.failure
    )


async def test_the_state_that_the_run_wrote_is_named(core, pool, worker):
    stack = await given_a_stack(core, pool, autodeploy=True)
    run = await applying(core, stack, worker)
    state = {"version": 4, "serial": 8, "lineage": "ours", "outputs": {}, "resources": []}
    writer = states.Writer(ADMIN.name, run.id)
    await write_state(core, stack, json.dumps(state).encode(), writer=writer)

    failed = await lost(core, run)

    assert "The newest state has serial 8, written by this run." in failed.failure


async def test_of_a_state_that_is_kept_elsewhere_nothing_is_said(core, pool, worker):
    stack = await given_a_stack(core, pool, manages_state=False, autodeploy=True)
    run = await applying(core, stack, worker)

    failed = await lost(core, run)

    assert failed.failure.endswith("Its log is empty.")
