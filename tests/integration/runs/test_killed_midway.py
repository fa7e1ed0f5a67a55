"""Whoever is killed in the middle of a move, whatever state the run is in: the move has not
happened, happens when it is asked for again, and the stack's next run comes to its end.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from gantry.domains.runs import decisions
from gantry.domains.runs.states import (
    CLAIMABLE,
    EXECUTING,
    TERMINAL,
    WORKING,
    Kind,
    State,
)
from gantry.domains.stacks import service as stacks
from gantry.infra.db import libpq_url
from gantry_protocol.calls import Applied, PhaseDone, Report
from gantry_protocol.words import Phase
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from tests.support.core import Core
from tests.support.given import (
    ADMIN,
    ONE_CHANGE,
    Hand,
    everything,
    given_a_run,
    given_a_task,
    given_a_worker,
    history,
    lease_runs_out,
    plan_of,
    run_now,
    stack_now,
    state_of,
    sweep,
)

S = State
ON_THE_WAY = [state for state in S if state not in (*TERMINAL, S.PENDING, S.PENDING_REVIEW)]
"""Every state that a run of this release is ever in before its end."""
DONE: dict[State, Report] = {
    S.PREPARING: PhaseDone(phase=Phase.PREPARE, wrapped_up=True),
    S.PREPARING_REPLAN: PhaseDone(phase=Phase.PREPARE, wrapped_up=True),
    S.PREPARING_APPLY: PhaseDone(phase=Phase.PREPARE, wrapped_up=True),
    S.INITIALIZING: PhaseDone(phase=Phase.INIT, wrapped_up=True),
    S.APPLYING: Applied(phase=Phase.APPLY, wrapped_up=True),
    S.DESTROYING: Applied(phase=Phase.DESTROY, wrapped_up=True),
    S.PERFORMING: PhaseDone(phase=Phase.PERFORM, wrapped_up=True),
}


@dataclass
class Way:
    """A run on its way through every state, and whoever has to do something next."""

    core: Core
    stack: Any
    worker: Hand
    run: Any
    replanned: bool = False
    """Whether its first plan is to be made again."""

    async def step(self) -> None:
        """What comes next is done by whose turn it is: a person, a worker or the platform."""
        state = await state_of(self.core, self.run)
        if state is S.QUEUED:
            await self._decide(decisions.discard, None, note="what holds the stack")
        elif state in CLAIMABLE:
            await self.worker.take(self.run)
        elif state is S.UNCONFIRMED and self.replanned:
            await self._decide(decisions.replan, self.run.id, targets=[ONE_CHANGE[0]])
            self.replanned = False
        elif state is S.UNCONFIRMED:
            await self._decide(decisions.confirm, self.run.id, note=None)
        else:
            plan = plan_of(ONE_CHANGE, key=f"{self.run.id}/workspace")
            assert (await self.worker.say(self.run, DONE.get(state, plan))).accepted

    async def to(self, *wanted: State) -> None:
        """Step by step until the run is there."""
        while await state_of(self.core, self.run) not in wanted:
            await self.step()

    async def _decide(self, what: Any, *words: Any, **more: Any) -> None:
        async with self.core.db.write(ADMIN) as tx:
            await what(tx, self.stack.id, *words, **more)


@contextmanager
def a_power_cut(core: Core) -> Iterator[None]:
    """Whoever writes in here is gone when all is said and nothing is kept yet."""
    engine = core.db.engine.sync_engine

    def cut(connection: Any) -> None:
        pid = connection.connection.driver_connection.info.backend_pid
        with psycopg.connect(libpq_url(core.url), autocommit=True) as other:
            # Its answer is awaited: the session has ended, and holds no row any more.
            assert other.execute("select pg_terminate_backend(%s, 10000)", (pid,)).fetchone()[0]

    event.listen(engine, "commit", cut)
    try:
        yield
    finally:
        event.remove(engine, "commit", cut)


async def way_to(core, stack, worker, state: State) -> Way:
    """A run that is in this state."""
    if state is S.PERFORMING:
        run = await given_a_task(core, stack)
    elif state is S.DESTROYING:
        run = await given_a_run(core, stack, Kind.DESTROY)
    else:
        if state is S.QUEUED:
            await given_a_run(core, stack)
        run = await given_a_run(core, stack)
    replanned = state in (S.REPLAN_REQUESTED, S.PREPARING_REPLAN)
    way = Way(core, stack, worker, run, replanned)
    await way.to(state)
    return way


async def nothing_is_held(core) -> bool:
    return (
        await core.rows("select run_id from run_lease")
        == []
        == await core.rows("select stack_id from state_lock")
    )


@pytest.mark.parametrize("state", ON_THE_WAY)
async def test_a_move_that_was_cut_off_did_not_happen_and_is_made_again(core, stack, worker, state):
    way = await way_to(core, stack, worker, state)
    before = await everything(core)

    with a_power_cut(core), pytest.raises(OperationalError):
        await way.step()

    assert await everything(core) == before
    await way.step()
    assert await state_of(core, way.run) is not state
    await way.to(S.FINISHED)
    assert (await history(core, way.run)).count(state) == 1
    assert await nothing_is_held(core)
    await Way(core, stack, worker, await given_a_run(core, stack)).to(S.FINISHED)


@pytest.mark.parametrize("state", WORKING)
async def test_a_worker_that_is_killed_fails_its_run_and_the_next_one_comes_to_its_end(
    core, stack, worker, state
):
    way = await way_to(core, stack, worker, state)
    unknown = state in EXECUTING
    await lease_runs_out(core, way.run)

    await sweep(core)

    run = await run_now(core, way.run)
    assert (run.state, run.outcome_unknown) == (S.FAILED, unknown)
    assert f"was lost while {state.value.lower().replace('_', ' ')}" in run.failure
    assert (await stack_now(core, stack)).locked_by == ("system" if unknown else None)
    assert await nothing_is_held(core)
    if unknown:
        async with core.db.write(ADMIN) as tx:
            await stacks.unlock(tx, stack.id)
    await Way(core, stack, worker, await given_a_run(core, stack)).to(S.FINISHED)


@pytest.mark.parametrize("state", [state for state in ON_THE_WAY if state not in WORKING])
async def test_what_no_worker_has_is_lost_with_none(core, pool, stack, worker, state):
    way = await way_to(core, stack, worker, state)
    before = await everything(core)

    await core.change("update worker set last_seen_at = last_seen_at - interval '1 day'")
    await sweep(core)

    after = await everything(core)
    assert [row for row in after if row[0] != "worker"] == [
        row for row in before if row[0] != "worker"
    ]
    way.worker = await given_a_worker(core, pool)
    await way.to(S.FINISHED)
