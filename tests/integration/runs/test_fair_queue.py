"""Spaces take turns on a pool, by the time that its workers gave each, and by their weights."""

from __future__ import annotations

from itertools import pairwise

import pytest
from gantry.domains.runs import decisions, queue_repo
from gantry.domains.runs.states import Kind
from gantry.domains.spaces.model import ROOT, Space

from tests.support.given import (
    ADMIN,
    given_a_run,
    given_a_stack,
    given_a_worker,
    lease_runs_out,
    sweep,
)


async def given_a_space(core, name, *labels):
    async with core.db.write(ADMIN) as tx:
        tx.session.add(
            Space(
                id=name,
                name=name,
                parent_id=ROOT,
                inherit_entities=True,
                labels=list(labels),
                created_at=tx.now,
                path=[ROOT, name],
                inherits=[ROOT],
            )
        )


async def given_waiting(core, pool, space, count, kind=Kind.PROPOSED):
    """So many stacks of a space, each with a run that waits for a worker."""
    stacks = [
        await given_a_stack(core, pool, f"{space} {kind} {n}", space_id=space) for n in range(count)
    ]
    return [await given_a_run(core, stack, kind) for stack in stacks]


async def spaces_of(core, run_ids):
    rows = await core.rows(
        "select run.id, stack.space_id from run join stack on stack.id = run.stack_id"
        " where run.id = any(:ids)",
        ids=list(run_ids),
    )
    space = dict(rows)
    return [space[run_id] for run_id in run_ids]


async def claims(core, worker, count):
    """The spaces whose runs a worker is given, one after the other; it keeps them all."""
    given = [await worker.claim() for _ in range(count)]
    return await spaces_of(core, [claim.run.id for claim in given])


async def line(core, pool):
    """The spaces of what waits, in the order that people are shown."""
    async with core.db.read(ADMIN) as tx:
        page = await queue_repo.page(tx, pool.id, limit=100, offset=0, descending=False)
    assert [place for _, place in page] == list(range(1, len(page) + 1))
    return await spaces_of(core, [run.id for run, _ in page])


@pytest.fixture
async def red_and_blue(core):
    await given_a_space(core, "red")
    await given_a_space(core, "blue")


@pytest.fixture
async def hands(core, pool):
    """A worker with room for whatever it is given."""
    return await given_a_worker(core, pool, concurrency=100)


async def test_a_space_that_floods_the_pool_holds_nobody_up(core, pool, hands, red_and_blue):
    await given_waiting(core, pool, "red", 12)
    await claims(core, hands, 3)
    (apply,) = await given_waiting(core, pool, "blue", 1, Kind.TRACKED)

    async with core.db.read(ADMIN) as tx:
        assert (await queue_repo.counts_ahead(tx, [apply.id]))[apply.id] == 0
    assert (await hands.claim()).run.id == apply.id


async def test_spaces_take_turns(core, pool, hands, red_and_blue):
    await given_waiting(core, pool, "red", 4)
    await given_waiting(core, pool, "blue", 4)

    foretold = await line(core, pool)
    given = await claims(core, hands, 8)

    assert given == foretold
    assert all(one != other for one, other in pairwise(given))


async def test_a_space_of_three_times_the_weight_gets_three_of_four_turns(core, pool, hands):
    await given_a_space(core, "red", "team:red", "queue-weight:3")
    await given_a_space(core, "blue", "queue-weight:nonsense")
    await given_waiting(core, pool, "red", 9)
    await given_waiting(core, pool, "blue", 9)

    given = await claims(core, hands, 8)

    assert given.count("red") == 6


async def test_a_space_that_pauses_saves_no_turns_up(core, pool, hands, red_and_blue):
    await given_waiting(core, pool, "red", 10)
    await claims(core, hands, 5)
    await given_waiting(core, pool, "blue", 5)

    given = await claims(core, hands, 6)

    assert given.count("blue") == 3


async def test_long_runs_cost_more_turns_than_short_ones(core, pool, hands, red_and_blue):
    (long,) = await given_waiting(core, pool, "red", 1)
    await hands.take(long)
    await core.change("update run_lease set acquired_at = now() - interval '290 seconds'")
    await hands.fail(long, "prepare")
    await given_waiting(core, pool, "red", 2)
    await given_waiting(core, pool, "blue", 8)

    given = await claims(core, hands, 6)

    # 290 seconds are nearly five turns of 60.
    assert given == ["blue"] * 5 + ["red"]


async def test_a_lost_worker_s_time_is_counted_too(core, pool, hands, red_and_blue):
    (run,) = await given_waiting(core, pool, "red", 1)
    await hands.take(run)
    await core.change("update run_lease set acquired_at = now() - interval '500 seconds'")
    await lease_runs_out(core, run)

    await sweep(core)

    ((served,),) = await core.rows("select served from queue_share")
    assert 495 < served < 560


async def test_what_was_prioritised_waits_for_no_turn(core, pool, hands, red_and_blue):
    reds = await given_waiting(core, pool, "red", 4)
    await claims(core, hands, 2)
    await given_waiting(core, pool, "blue", 2, Kind.TRACKED)
    async with core.db.write(ADMIN) as tx:
        await decisions.prioritise(tx, reds[3].stack_id, reds[3].id, priority=1)

    assert (await hands.claim()).run.id == reds[3].id


async def test_every_fourth_turn_goes_to_what_has_waited_long(core, pool, hands):
    (preview,) = await given_waiting(core, pool, ROOT, 1)
    await core.change("update run set state_since = now() - interval '11 minutes'")
    applies = await given_waiting(core, pool, ROOT, 5, Kind.TRACKED)

    given = [(await hands.claim()).run.id for _ in range(6)]

    assert given == [*(run.id for run in applies[:3]), preview.id, *(r.id for r in applies[3:])]


async def test_what_has_waited_a_little_stays_behind_applies(core, pool, hands):
    (preview,) = await given_waiting(core, pool, ROOT, 1)
    await given_waiting(core, pool, ROOT, 5, Kind.TRACKED)

    given = [(await hands.claim()).run.id for _ in range(6)]

    assert given[-1] == preview.id
